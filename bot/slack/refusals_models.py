"""The sentences of errors around models that are left alone or have a rate."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape

Facts = Mapping[str, str]


def resting(facts: Facts) -> str:
    """Left alone after failures."""
    return (
        f"{_the_model(facts)} kept failing, so I leave it alone for a moment. Nothing was lost: ask again "
        f"{_again(facts)}. If it lasts, an admin can check with `python -m bot doctor`."
    )


def busy(facts: Facts) -> str:
    """Its rate is used up."""
    return (
        f"{_the_model(facts)} has had as many calls as it may have in a minute. Nothing was lost: ask again "
        f"{_again(facts)}."
    )


def _the_model(facts: Facts) -> str:
    return f"The model “{escape(facts.get('alias', 'of this step'))}”"


def _again(facts: Facts) -> str:
    seconds = facts.get("again_s", "")
    return f"in about {int(seconds) + 1} seconds" if seconds.isdecimal() else "in a minute"


def unknown_provider(facts: Facts) -> str:
    """A drill for a provider that nothing uses."""
    known = escape(facts.get("known", "")) or "none but the built-in one, which needs no provider"
    named = escape(facts.get("provider", ""))
    return (
        f"No alias of models.yaml is served by “{named}”. Choose one of those that are ({known}), "
        "or set `SPANWISE_MODELS` to the file you mean."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "ModelResting": resting,
    "ModelBusy": busy,
    "UnknownProvider": unknown_provider,
}
"""Error class to its sentence."""
