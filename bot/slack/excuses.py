"""What is said of a request that did not work."""

from collections.abc import Mapping

import structlog

from bot.services.opaque_ids import incident_token
from bot.slack import refusals_front, text
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.front_desk import FrontDesk
from bot.slack.passing import passes
from bot.slack.payloads import Call, Kind

log = structlog.get_logger(__name__)


def words_for(kind: Kind, call: Call | None, error: Exception) -> Outgoing:
    """The sentence of an error; one that nobody foresaw goes to the log, and its token to the person."""
    name, facts = type(error).__name__, getattr(error, "facts", {})
    seen = {"kind": kind, "name": call.name if call else "", "person": call.person if call else ""}
    if said := sentence_of(name, facts):
        log.info("slack.refused", error=name, **seen)
        return notice(said, mentions=_named(facts))
    token = incident_token()
    log.error("slack.incident", token=token, error=name, exc_info=error, **seen)
    return notice(text.failed(text.opaque_failure(), token))


async def tell(desk: FrontDesk, kind: Kind, call: Call, error: Exception) -> None:
    """Say what became of a request. Raises what `passes`; what cannot be said at all is logged."""
    try:
        await desk.tell(call, words_for(kind, call, error))
    except Exception as last:
        if passes(last):
            raise
        log.warning("slack.unheard", kind=kind, name=call.name, error=type(last).__name__)


def sentence_of(name: str, facts: Mapping[str, str]) -> str:
    """What to say of an error; empty of one that nobody foresaw."""
    if near := refusals_front.SENTENCES.get(name):
        return near(facts)
    # sentences of every room: loaded when one is needed
    from bot.slack.refusals import is_known, sentence

    return sentence(name, facts) if is_known(name) else ""


def _named(facts: Mapping[str, str]) -> set[str]:
    """The people whom a sentence about an error may name."""
    return {person for key in ("ask", "holders", "author", "by") for person in facts.get(key, "").split(",")}
