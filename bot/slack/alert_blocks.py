"""Alerts as messages: raised, still standing, over. Pure."""

from collections.abc import Iterable
from datetime import datetime

from bot.adapters.store.alerts_log import AlertRecord
from bot.services.outbox_items import OutboxItem
from bot.slack import alert_text as words
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block

TAKE = "alert-take"
"""Action id; the value is the alert."""


def raised_letter(item: OutboxItem, *, is_moved: bool) -> Outgoing:
    """A new alert; drawn again, who sees to it and since when it is over."""
    record = _about(item)
    return _letter(item, record, words.opening(record.standing), is_moved)


def reminder_letter(item: OutboxItem, *, is_moved: bool) -> Outgoing:
    """One that still stands, with its figures as they were when people were reminded."""
    record = _about(item)
    at = datetime.fromisoformat(str(item.body["at"]))
    return _letter(item, record, words.reminder(record.standing, at), is_moved)


def over_letter(item: OutboxItem, now: datetime, *, is_moved: bool) -> Outgoing:
    """All-clear."""
    record = _about(item)
    said = words.over(record.standing, item.body, record.cleared_at or now)
    return notice(said, *_moved(item, is_moved))


def _letter(item: OutboxItem, record: AlertRecord, first: str, is_moved: bool) -> Outgoing:
    alert, facts = record.standing, item.body
    said = "\n".join((first, words.figures(alert, facts), *words.details(alert, facts)))
    return notice(said, *_state(record, item), *_moved(item, is_moved), mentions=[alert.taken_by])


def _state(record: AlertRecord, item: OutboxItem) -> Iterable[Block]:
    alert = record.standing
    if record.cleared_at is not None:
        yield el.context(words.closed(record.cleared_at))
        return
    yield el.section(words.what_next(alert, item.body))
    if alert.taken_by:
        yield el.context(words.taken(alert.taken_by))
    else:
        about = f"See to this alert: {words.heading(alert)}"
        yield el.actions(el.button(words.TAKE, TAKE, alert.id, style="primary", about=about))


def _moved(item: OutboxItem, is_moved: bool) -> Iterable[Block]:
    if is_moved:
        yield el.context(words.moved(item.channel))


def _about(item: OutboxItem) -> AlertRecord:
    if not isinstance(item.about, AlertRecord):
        raise TypeError("an alert is loaded with its message")
    return item.about
