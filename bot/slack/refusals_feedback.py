"""The sentences of errors around votes, triage and fixes."""

from collections.abc import Callable, Mapping

Facts = Mapping[str, str]


def unknown_reason(_facts: Facts) -> str:
    """A form of another release."""
    return "That reason is not one I know. Vote once more and choose from the form as it is now."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "UnknownReason": unknown_reason,
}
"""Error class to its sentence."""
