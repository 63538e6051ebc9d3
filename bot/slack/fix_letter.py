"""The new answer to a question whose answer somebody voted down. Pure."""

from collections.abc import Mapping
from datetime import datetime

from bot.services.fixing import GAP
from bot.services.outbox_items import OutboxItem
from bot.slack import elements as el
from bot.slack import escalation_text as gap_words
from bot.slack import feedback_text as words
from bot.slack.blocks import asked_text, renewed_answer
from bot.slack.elements import Outgoing


def fixed(item: OutboxItem, now: datetime, names: Mapping[str, str]) -> Outgoing:
    """Why it comes, what was answered then, and the new answer with votes of its own."""
    if item.run is None or item.run.answer is None:
        raise ValueError("a run without an answer is never sent on")
    by = str(item.body.get("by", ""))
    if item.body.get(GAP):
        return _gap_closed(item, now, names, by)
    heading = words.fixed_heading(item.run.title, str(item.body.get("effect", "")), by)
    blocks = (
        el.section(heading),
        el.section(words.fixed_question(asked_text(item.run.inputs))),
        el.section(
            words.answered_then(str(item.body.get("old", "")), abstained=bool(item.body.get("abstained")))
        ),
        el.section(words.fixed_answer()),
        *renewed_answer(item.run, now=now, names=names),
        el.context(words.fixed_votes()),
    )
    return Outgoing(words.fixed_plain(item.run.title, item.run.answer.text), blocks, frozenset({by}))


def _gap_closed(item: OutboxItem, now: datetime, names: Mapping[str, str], by: str) -> Outgoing:
    """As `fixed`, for a question that had no answer."""
    run = item.run
    if run is None or run.answer is None:
        raise ValueError("a run without an answer is never sent on")
    blocks = (
        el.section(gap_words.gap_heading(run.title, str(item.body.get("effect", "")), by)),
        el.section(words.fixed_question(asked_text(run.inputs))),
        *renewed_answer(run, now=now, names=names),
        el.context(gap_words.gap_votes()),
    )
    return Outgoing(gap_words.gap_plain(run.title, run.answer.text), blocks, frozenset({by}))
