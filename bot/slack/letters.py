"""What each kind of outbox message looks like: one row a kind."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeAlias

from bot.services import escalating
from bot.services.digest_acting import FURTHER, TASK
from bot.services.digest_work import TROUBLE
from bot.services.digesting import DIGEST
from bot.services.outbox_items import OutboxItem
from bot.services.undelivered import UNDELIVERED
from bot.slack import (
    admin_blocks,
    alert_blocks,
    audit_actions,
    budget_blocks,
    change_blocks,
    digest_blocks,
    escalation_blocks,
    fix_letter,
    stage_blocks,
    text,
    triage_cards,
)
from bot.slack.blocks import notice, run_message, shared_message
from bot.slack.elements import Outgoing
from bot.slack.evaluation_blocks import evaluation_letter
from bot.slack.undelivered_text import undelivered

Names: TypeAlias = Mapping[str, str]
Renderer: TypeAlias = Callable[[OutboxItem, datetime, Names], Outgoing]
"""Draws a message from its item, the time, and the names of the people it speaks of."""


class UnknownLetter(Exception):
    """No rendering for that kind of message."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.facts = {"kind": kind}


def letter(item: OutboxItem, now: datetime, names: Names) -> Outgoing:
    """The message of an item. Raises UnknownLetter."""
    if item.kind not in RENDERERS:
        raise UnknownLetter(item.kind)
    return RENDERERS[item.kind](item, now, names)


def is_moved(item: OutboxItem) -> bool:
    """Whether the message stands with a person though it was meant for a channel."""
    meant = item.channel.startswith(("C", "G"))
    return meant and bool(item.posted_channel) and item.posted_channel != item.channel


def _run(item: OutboxItem, now: datetime, names: Names) -> Outgoing:
    if item.run is None:
        raise UnknownLetter(item.kind)
    return run_message(item.run, now=now, names=names, moved=is_moved(item))


def _share(item: OutboxItem, now: datetime, names: Names) -> Outgoing:
    if item.run is None:
        raise UnknownLetter(item.kind)
    if is_moved(item):
        return notice(text.not_shared(item.channel))
    return shared_message(item.run, now=now, names=names)


def _alert(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    return alert_blocks.raised_letter(item, is_moved=is_moved(item))


def _alert_reminder(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    return alert_blocks.reminder_letter(item, is_moved=is_moved(item))


def _alert_over(item: OutboxItem, now: datetime, _names: Names) -> Outgoing:
    return alert_blocks.over_letter(item, now, is_moved=is_moved(item))


def _notice(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    return notice(str(item.body.get("text", "")))


def _undelivered(item: OutboxItem, _now: datetime, _names: Names) -> Outgoing:
    return notice(undelivered(item.body))


RENDERERS: Mapping[str, Renderer] = {
    "run": _run,
    "share": _share,
    "notice": _notice,
    "admin": admin_blocks.admin_letter,
    "alert": _alert,
    "alert-reminder": _alert_reminder,
    "alert-over": _alert_over,
    change_blocks.CHANGE: change_blocks.letter,
    change_blocks.NOTE: change_blocks.note_letter,
    UNDELIVERED: _undelivered,
    "budget-low": budget_blocks.low_letter,
    "budget-spent": budget_blocks.spent_letter,
    "evaluation": evaluation_letter,
    "checkpoint": audit_actions.checkpoint_letter,
    "readiness": stage_blocks.readiness_letter,
    "pilot-paused": stage_blocks.paused_letter,
    DIGEST: digest_blocks.digest_letter,
    FURTHER: digest_blocks.further_letter,
    TASK: digest_blocks.task_letter,
    TROUBLE: digest_blocks.trouble_letter,
    escalating.CARD: escalation_blocks.card_letter,
    escalating.REPLY: escalation_blocks.reply_letter,
    "fix": fix_letter.fixed,
    "triage": triage_cards.card_message,
    "triage-nudge": triage_cards.nudge,
}
