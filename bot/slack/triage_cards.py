"""What owners see of bad answers. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from bot.quality.complaint import TriageState
from bot.services.outbox_items import OutboxItem
from bot.services.triage import TAKEN_BACK, WITHHELD, Card, without_answer
from bot.slack import elements as el
from bot.slack import explain_text, text
from bot.slack import triage_text as words
from bot.slack.blocks import EXPLAIN, asked_text, notice
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block
from knowledge.document import by_place

OPEN, NEXT, TAKE_BACK = "triage-open", "triage-next", "triage-back"
CASE, PROMPT, KNOWLEDGE, DISMISS = "triage-case", "triage-prompt", "triage-knowledge", "triage-dismiss"
"""Action ids; the value is the run, of the first two the workflow or nothing."""

CORRECTIONS, SOURCES = 3, 4

Names: TypeAlias = Mapping[str, str]


def nudge(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    """Something waits for an owner."""
    workflow, waiting = str(item.body.get("workflow", "")), int(item.body.get("waiting", 1))
    said = words.waiting(str(item.body.get("title", workflow)), waiting)
    return notice(said, el.actions(el.button(words.OPEN, OPEN, workflow, style="primary")))


def card_message(item: OutboxItem, now: datetime, names: Names) -> Outgoing:
    """One bad answer, as it stands."""
    if not isinstance(item.about, Card):
        raise TypeError("a card of triage is loaded with its message")
    card = item.about
    people = {one.person for one in card.complaints}
    title = words.heading(card.run.title, len(people))
    is_withheld = bool(item.body.get(WITHHELD))
    if is_withheld:
        card = without_answer(card)
    blocks = (
        el.section(title),
        *_what_was_said(card, now, names),
        *([el.section(explain_text.withheld())] if is_withheld else _complaints(card)),
        *_ending(card),
        *_more(item),
        el.divider(),
    )
    named = {one.person for one in card.complaints if one.correction} | {card.item.decided_by}
    plain = f"{title}: {asked_text(card.run.inputs)}"
    return Outgoing(plain, blocks, frozenset(named))


def _what_was_said(card: Card, now: datetime, names: Names) -> Iterable[Block]:
    answer = card.run.answer
    yield el.section(words.question(asked_text(card.run.inputs)))
    if card.others:
        yield el.context(words.also_asked([asked_text(run.inputs) for run in card.others]))
    if answer is None:
        return
    yield el.section(words.answer(answer.text, abstained=answer.abstained))
    sources = [
        text.source(
            marks,
            [passage.title, *(each for each in passage.headings if each != passage.title)],
            names.get(passage.owner, passage.owner),
            text.age(passage.updated_at, now),
            passage.version,
        )
        for marks, passage in by_place(answer.citations)[:SOURCES]
    ]
    if sources and not answer.abstained:
        yield el.context(text.sources_heading(), *sources)


def _complaints(card: Card) -> Iterable[Block]:
    counts = Counter(one.reason for one in card.complaints if one.reason)
    if counts:
        yield el.context(words.reasons(counts))
    signed = [one for one in reversed(card.complaints) if one.correction]
    for one in signed[:CORRECTIONS]:
        yield el.section(words.correction(one.person, one.reason, one.correction))
    if signed[CORRECTIONS:]:
        yield el.context(words.more_corrections(len(signed[CORRECTIONS:])))


def _ending(card: Card) -> Iterable[Block]:
    item, run = card.item, card.run.id
    if item.state is TriageState.WAITING:
        yield el.actions(
            el.button(words.CASE, CASE, run, style="primary", about="Add a golden case of this question"),
            el.button(words.PROMPT, PROMPT, run, about="Change the prompt that wrote this answer"),
            el.button(words.KNOWLEDGE, KNOWLEDGE, run, about="Write a document that answers this question"),
            el.button(words.DISMISS, DISMISS, run, about="This answer is not a problem"),
            el.button("Explain", EXPLAIN, run, about="How this answer came about"),
        )
        return
    when = el.moment(item.decided_at) if item.decided_at else ""
    yield el.context(words.decided(item.state, item.decided_by, item.result, when))
    if item.state in TAKEN_BACK:
        yield el.actions(el.button(words.TAKE_BACK, TAKE_BACK, run, about="Put this answer back into triage"))


def _more(item: OutboxItem) -> Iterable[Block]:
    left = int(item.body.get("left", 0))
    if left:
        workflow = str(item.body.get("workflow", "")) or "*"
        yield el.section(words.left(left), el.button(words.NEXT, NEXT, workflow))
