"""The sentences of errors around the weekly digest."""

from collections.abc import Callable, Mapping

from bot.slack.digest_text import was_decided
from bot.slack.elements import escape

Facts = Mapping[str, str]

EXAMPLE = "`/spanwise digest here monday 09:00 Europe/London`"


def unreadable(facts: Facts) -> str:
    """A word that says nothing about a digest."""
    return (
        f"I read neither a channel, a workflow, a day, a time nor a time zone in "
        f"“{escape(facts.get('typed', ''))}”. Like this: {EXAMPLE}."
    )


def unknown_zone(facts: Facts) -> str:
    """No such time zone."""
    return (
        f"There is no time zone “{escape(facts.get('typed', ''))}”. It is named by a continent and a city, "
        "as in `Europe/London` or `America/New_York`."
    )


def no_such_digest(facts: Facts) -> str:
    """Nothing to switch."""
    place = facts.get("place", "")
    if place:
        return f"No digest comes to <#{escape(place)}>. `/spanwise digest <#{escape(place)}>` has one come."
    return "You get no digest. `/spanwise digest on` has one come every Monday at 09:00 where you are."


def place_closed(facts: Facts) -> str:
    """A channel that cannot be posted to."""
    place, why = f"<#{escape(facts.get('place', ''))}>", facts.get("why", "")
    if why == "archived":
        return f"{place} is archived, so nothing can be posted there. Choose another channel."
    return f"I am not in {place}, so I cannot post there. Invite me with `/invite`, then say this once more."


def unknown_finding(_facts: Facts) -> str:
    """A button of something that is gone."""
    return "This finding is not kept any more. `/spanwise digest now` shows what stands out at present."


def no_answer(_facts: Facts) -> str:
    """A case of no run."""
    return "This finding names no single answer. `/spanwise cases` adds a case of any question."


def no_such_document(facts: Facts) -> str:
    """A document that a finding is about and that is gone."""
    title, collection = escape(facts.get("title", "")), escape(facts.get("collection", ""))
    return f"“{title}” is no longer at its place in {collection}. *Not a problem* settles this."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "FindingDecided": lambda facts: was_decided(facts.get("act", ""), facts.get("ask", "")),
    "NoAnswerToKeep": no_answer,
    "NoSuchDigest": no_such_digest,
    "NoSuchDocument": no_such_document,
    "PlaceClosed": place_closed,
    "UnknownFinding": unknown_finding,
    "UnknownZone": unknown_zone,
    "UnreadableDigest": unreadable,
}
"""Error class to its sentence."""
