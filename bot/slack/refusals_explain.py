"""Sentences of what can go wrong around explanations."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

Facts: TypeAlias = Mapping[str, str]

_WHYS = {
    "too-long": "the workflow is too large for one picture",
    "too-slow": "drawing it took too long",
}


def not_an_answer(_facts: Facts) -> str:
    """The link leads to a message that no run of ours stands behind."""
    return (
        "That link does not lead to one of my answers. Copy the link of the answer itself (in its menu: "
        "*Copy link*), or use the run id in small print below it: `/spanwise explain r_…`."
    )


def not_drawn(facts: Facts) -> str:
    """No picture."""
    why = _WHYS.get(facts.get("why", ""), "the renderer could not read it")
    return f"The picture could not be drawn: {why}. Leave the picture out; the text says the same."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NotAnAnswer": not_an_answer,
    "NotDrawn": not_drawn,
}
