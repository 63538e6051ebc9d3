"""Where a change request is shown: its one message, and the short notes in the thread below it."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection

from bot.adapters.store.changes_log import ChangeRow
from bot.adapters.store.document_log import find_collection
from bot.adapters.store.outbox_log import NewItem, insert_item, is_known, place_of, redraw
from bot.governance.changes import Target
from bot.services.actors import Origin
from bot.services.change_views import approvers, authors_of, subject_of, target_of
from bot.services.opaque_ids import message_id
from bot.services.outbox import UNDER
from bot.services.readers import EVERYONE
from bot.services.targets import Targets

CHANGE, NOTE = "change", "change-note"
"""Kinds of outbox messages."""

NOTED = frozenset(
    {
        "approved",
        "overridden",
        "changes_requested",
        "rejected",
        "withdrawn",
        "revised",
        "rebased",
        "applied",
        "undone",
        "rolled_back",
        "stale",
        "expired",
    }
)
"""Steps that the thread tells of; the others are seen in the message alone."""

CARDS = 10
"""People who are shown a change in their direct messages, at most; more need a channel."""


MEMBERS = 20
"""Members of user groups who are shown one, at most."""


def post_change(
    connection: Connection, targets: Targets, row: ChangeRow, *, review_channel: str, at: datetime
) -> None:
    """Queue the message of a new change request where it belongs."""
    for place in _places(connection, targets, row, review_channel):
        insert_item(connection, _card(row, place), at)


def _card(row: ChangeRow, place: str) -> NewItem:
    return NewItem(
        id=message_id(row.id, f"change:{place}"),
        kind=CHANGE,
        channel=place,
        body={"person": row.author_id if _is_person(row.author_id) else ""},
        subject=subject_of(row.id),
    )


def groups_to_ask(connection: Connection, targets: Targets, row: ChangeRow, review_channel: str) -> list[str]:
    """User groups whose members may approve, for a change that is shown in direct messages only."""
    places = _places(connection, targets, row, review_channel)
    if not places or not all(map(_is_person, places)):
        return []
    return [name for name in approvers(connection, targets, target_of(row)) if name.startswith("S")]


def post_to_members(connection: Connection, row: ChangeRow, members: Iterable[str], at: datetime) -> None:
    """Show a change to members of user groups too, at most 20; who has it already gets no second one."""
    asked = [person for person in members if person not in authors_of(row)]
    for person in list(dict.fromkeys(asked))[:MEMBERS]:
        item = _card(row, person)
        if not is_known(connection, item.id):
            insert_item(connection, item, at)


def note(
    connection: Connection, row: ChangeRow, event: str, *, by: str, at: datetime, words: str = ""
) -> None:
    """Have the message drawn again, and say in its thread who did what."""
    subject = subject_of(row.id)
    redraw(connection, subject)
    place = place_of(connection, subject)
    if not place or event not in NOTED:
        return
    body = {UNDER: subject, "event": event, "by": by, "words": words, "author": row.author_id}
    key = f"{event}:{by}:{row.round}:{at.isoformat()}"
    insert_item(connection, NewItem(message_id(row.id, key), NOTE, place, body=body), at)


def _places(connection: Connection, targets: Targets, row: ChangeRow, review_channel: str) -> list[str]:
    target, origin = target_of(row), Origin.from_json(row.origin)
    if not _is_restricted(connection, target):
        if review_channel:
            return [review_channel]
        if origin.channel_id.startswith(("C", "G")):
            return [origin.channel_id]
    asked = [name for name in approvers(connection, targets, target) if _is_person(name)]
    people = [row.author_id, *(name for name in asked if name not in authors_of(row))]
    return [person for person in people if _is_person(person)][: CARDS + 1]


def _is_restricted(connection: Connection, target: Target) -> bool:
    """Whether the text may not be shown to just anybody: a document of a collection with an audience."""
    if target.kind != "document":
        return False
    found = find_collection(connection, target.name.partition("/")[0])
    return found is not None and EVERYONE not in found.audience


def _is_person(name: str) -> bool:
    return name[:1] in ("U", "W") and name.isalnum() and name.isupper()
