"""The card of a question that a person is asked, the form of the reply, and the letter with it. Pure."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from bot.adapters.store.escalations_log import EscalationState
from bot.services.escalating import Escalation, ReplyDraft
from bot.services.outbox_items import OutboxItem
from bot.slack import elements as el
from bot.slack import escalation_text as words
from bot.slack.blocks import asked_text
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block, as_written

REPLY, DECLINE = "escalation-reply", "escalation-decline"
"""Action ids; the value is the run."""

FORM = "escalation-form"
FIELD = "value"
TEXT, KEEP, COLLECTION, NAME = "text", "keep", "collection", "name"
MENU = 100


def card_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """What the person who is asked sees, as it stands."""
    found = _about(item)
    row, run = found.row, found.run
    title = words.heading(row.asked_by, run.title)
    blocks = (
        el.section(title),
        el.section(words.question(asked_text(run.inputs))),
        el.context(words.why_you(_page(found)), *([words.others(found.others)] if found.others else [])),
        *_ending(found),
    )
    people = frozenset({row.asked_by, row.replied_by} - {""})
    return Outgoing(f"{run.title}: {asked_text(run.inputs)}", blocks, people)


def reply_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """What the person who asked gets."""
    found = _about(item)
    row, run = found.row, found.run
    if row.status is EscalationState.DECLINED:
        said = words.declined_heading(row.replied_by, run.title)
        body = [el.section(said), el.section(words.question(asked_text(run.inputs)))]
        return Outgoing(f"{run.title}: no answer", tuple(body), frozenset({row.replied_by}))
    blocks = (
        el.section(words.reply_heading(row.replied_by, run.title)),
        el.section(words.question(asked_text(run.inputs))),
        el.section(words.reply_label()),
        *as_written(row.reply),
        el.context(words.reply_is_human(), *_kept(found)),
    )
    return Outgoing(f"{run.title}: {row.reply}", blocks, frozenset({row.replied_by}))


def reply_form(draft: ReplyDraft, place: Mapping[str, str]) -> Block:
    """The reply, and what to keep of it."""
    found = draft.escalation
    return el.modal(
        words.FORM_TITLE,
        [
            el.section(words.on_form(found.row.asked_by, asked_text(found.run.inputs))),
            el.field_block(TEXT, words.TEXT_LABEL, el.text_input(FIELD), hint=words.TEXT_HINT),
            *(_keeping(draft) if draft.collections else [el.context(words.cannot_write())]),
        ],
        callback_id=FORM,
        metadata=json.dumps({**place, "run": found.row.run_id}, separators=(",", ":")),
        submit="Send",
        close="Cancel",
    )


def read_reply(state: Mapping[str, Mapping[str, Any]]) -> tuple[str, str, str]:
    """Text, and collection and title of the document; the last two empty when none is wanted."""

    def of(block: str) -> Mapping[str, Any]:
        return (state.get(block) or {}).get(FIELD) or {}

    text = str(of(TEXT).get("value") or "").strip()
    if not of(KEEP).get("selected_options"):
        return text, "", ""
    chosen = str((of(COLLECTION).get("selected_option") or {}).get("value") or "")
    return text, chosen, str(of(NAME).get("value") or "").strip()


def _keeping(draft: ReplyDraft) -> Iterable[Block]:
    box = el.option(words.KEEP_CHOICE, "yes")
    keep: Block = {"type": "checkboxes", "action_id": FIELD, "options": [box], "initial_options": [box]}
    options = [el.option(name, name) for name in draft.collections[:MENU]]
    menu = el.select(FIELD, options, draft.collections[0])
    yield el.field_block(KEEP, words.KEEP_LABEL, keep, optional=True)
    yield el.field_block(COLLECTION, words.COLLECTION_LABEL, menu)
    title = el.text_input(FIELD, draft.title, limit=120, multiline=False)
    yield el.field_block(NAME, words.NAME_LABEL, title, optional=True)


def _ending(found: Escalation) -> Iterable[Block]:
    row = found.row
    if row.status is EscalationState.ASKED:
        yield el.actions(
            el.button(words.REPLY, REPLY, row.run_id, style="primary", about="Answer this question"),
            el.button(words.DECLINE, DECLINE, row.run_id),
        )
        return
    when = el.moment(row.replied_at) if row.replied_at else ""
    if row.status is EscalationState.DECLINED:
        yield el.context(words.declined(row.replied_by, when))
        return
    yield el.section(words.replied(row.replied_by, row.reply, when))
    if kept := _kept(found):
        yield el.context(*kept)


def _kept(found: Escalation) -> list[str]:
    row = found.row
    if not row.change_id:
        return []
    return [words.known(row.change_id) if row.status is EscalationState.KNOWN else words.kept(row.change_id)]


def _page(found: Escalation) -> str:
    """Title of the nearest page that the person who is asked answers for."""
    cited = found.run.answer.citations if found.run.answer else ()
    return next((each.passage.title for each in cited if each.passage.owner == found.row.expert), "")


def _about(item: OutboxItem) -> Escalation:
    if not isinstance(item.about, Escalation):
        raise TypeError("a question is loaded with its message")
    return item.about
