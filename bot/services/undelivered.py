"""Telling the owners of what Slack refused for good: once a day for each place and reason."""

from collections.abc import Callable
from datetime import datetime
from typing import TypeAlias

from sqlalchemy import Connection

from bot.adapters.store import outbox_log
from bot.adapters.store.outbox_log import NewItem
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.complaints import admins_of, owners_of
from bot.services.outbox_items import OutboxItem

UNDELIVERED = "undelivered"
"""Kind of the message to an owner."""

TellOwners: TypeAlias = Callable[[Connection, OutboxItem, str, datetime], None]
"""Part of the transaction that gives a message up; is given why, in Slack's word."""


def tell_nobody(_connection: Connection, _item: OutboxItem, _reason: str, _at: datetime) -> None:
    """Where there is nobody to tell."""


def owners_told(access: Access) -> TellOwners:
    """Writes to the owners of the workflow whose message it was, else to the admins."""

    def tell(connection: Connection, item: OutboxItem, reason: str, at: datetime) -> None:
        if item.kind == UNDELIVERED:
            # of what cannot be said, nothing more is said
            return
        grants = access.grants(connection)
        body = {
            "reason": reason,
            "channel": item.channel,
            "run": item.run_id,
            "title": item.run.title if item.run is not None else "",
        }
        for owner in owners_of(grants, item.run.workflow) if item.run is not None else admins_of(grants):
            key = opaque_ids.message_id(f"{owner}:{item.channel}", f"{UNDELIVERED}:{reason}:{at:%Y-%m-%d}")
            if not outbox_log.is_known(connection, key):
                notice = NewItem(id=key, kind=UNDELIVERED, channel=owner, body=body)
                outbox_log.insert_item(connection, notice, at)

    return tell
