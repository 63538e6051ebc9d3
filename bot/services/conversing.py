"""What an admin and the bot are talking about: kept in the database, so that it outlives a restart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import conversations_log as log
from bot.adapters.store.outbox_log import NewItem, insert_item, message_about, redraw
from bot.governance.understanding import Choice, Missing
from bot.services.actors import Origin
from bot.services.opaque_ids import conversation_id, message_id

OPEN_FOR = timedelta(hours=24)
"""A question or a preview that nobody answers for so long is void: what it shows may have moved."""

ADMIN = "admin"
"""Kind of outbox message."""


class UnknownConversation(Exception):
    """There is none of that id."""

    def __init__(self, conversation: str) -> None:
        super().__init__(conversation)
        self.facts = {"conversation": conversation}


class NotYourConversation(Exception):
    """Only who asked may go on with it."""

    def __init__(self, person: str) -> None:
        super().__init__(person)
        self.facts = {"person": person, "ask": person}


class ConversationOver(Exception):
    """It was confirmed, cancelled, or nobody answered for a day; fact `state`."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.facts = {"state": state}


class PreviewMoved(Exception):
    """What was pressed is not what the preview shows now."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody spoke to us."""

    request: str
    """The same for each delivery of one sentence."""
    channel: str
    thread_ts: str
    origin: Origin
    is_posted: bool = True
    """Whether our part is a message of its own; a slash command is answered with a note instead."""

    @property
    def is_public(self) -> bool:
        """Whether others read what we answer."""
        return self.is_posted and self.origin.visibility == "channel"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One exchange, as it stands. Everything its message shows is in it."""

    id: str
    person: str
    channel: str
    thread_ts: str
    state: str
    missing: str
    result: str
    created_at: datetime
    updated_at: datetime
    said: Mapping[str, Any] = field(default_factory=dict)
    """What was understood, what is asked, and what confirming would do, as plain JSON."""
    is_old: bool = False
    """Whether it waited too long."""

    @property
    def subject(self) -> str:
        """What its message is about."""
        return subject_of(self.id)

    @property
    def groups(self) -> tuple[str, ...]:
        """User groups that it names."""
        typed = self.said.get("typed", {})
        named = (typed.get("grantee", ""), *typed.get("people", ()))
        return tuple(each for each in named if each.startswith("S"))

    @property
    def origin(self) -> Origin:
        """Where it began."""
        return Origin.from_json(self.said["origin"])

    @property
    def is_posted(self) -> bool:
        """Whether its message is drawn again by itself."""
        return bool(self.said.get("is_posted"))

    @property
    def is_public(self) -> bool:
        """Whether others read its message."""
        return self.is_posted and self.origin.visibility == "channel"

    @property
    def question(self) -> Missing:
        """What is asked for."""
        asked = self.said["asked"]
        return Missing(
            asked["kind"],
            asked["slots"],
            asked["field"],
            tuple(Choice(*each) for each in asked["choices"]),
            asked["said"],
            asked["why"],
        )

    def is_open(self, *states: str) -> bool:
        """Whether it stands in one of the states and is not too old."""
        return self.state in states and not self.is_old


def asked_json(missing: Missing) -> dict[str, Any]:
    """A question as plain JSON."""
    return {
        "kind": missing.kind,
        "slots": dict(missing.slots),
        "field": missing.field,
        "choices": [[each.value, each.label, each.scope] for each in missing.choices],
        "said": missing.said,
        "why": missing.why,
    }


def subject_of(conversation: str) -> str:
    """The subject of a conversation's message."""
    return f"conversation:{conversation}"


def begin(
    connection: Connection,
    person: str,
    place: Place,
    *,
    state: str,
    said: Mapping[str, Any],
    missing: str = "",
    at: datetime,
) -> Conversation:
    """Keep a new conversation and queue its message; a second delivery finds the first one's."""
    known = log.find_request(connection, place.request)
    if known is not None:
        return _as_it_is(known, at)
    whole = {**said, "origin": place.origin.as_json(), "is_posted": place.is_posted}
    row = log.ConversationRow(
        id=conversation_id(),
        request=place.request,
        person=person,
        channel=place.channel,
        thread_ts=place.thread_ts,
        command=whole,
        missing=missing,
        state=state,
        result="",
        created_at=at,
        updated_at=at,
    )
    log.insert_conversation(connection, row)
    if place.is_posted:
        item = NewItem(
            id=message_id(row.id, ADMIN),
            kind=ADMIN,
            channel=place.channel,
            thread_ts=place.thread_ts,
            body={"person": person},
            subject=subject_of(row.id),
        )
        insert_item(connection, item, at)
    return _as_it_is(row, at)


def advance(
    connection: Connection,
    conversation: Conversation,
    *,
    among: Sequence[str],
    state: str,
    at: datetime,
    said: Mapping[str, Any] | None = None,
    missing: str = "",
    result: str | None = None,
) -> Conversation:
    """Move one on and have its message drawn again. Raises ConversationOver when it was moved meanwhile."""
    whole = None if said is None else {**conversation.said, **said}
    moved = log.update_conversation(
        connection,
        conversation.id,
        among=among,
        state=state,
        at=at,
        command=whole,
        missing=missing,
        result=result,
    )
    if not moved:
        raise ConversationOver(read(connection, conversation.id, at).state)
    redraw(connection, conversation.subject)
    return read(connection, conversation.id, at)


def read(connection: Connection, conversation: str, at: datetime) -> Conversation:
    """One as it stands. Raises UnknownConversation."""
    row = log.find_conversation(connection, conversation)
    if row is None:
        raise UnknownConversation(conversation)
    return _as_it_is(row, at)


def waiting_for(
    connection: Connection, person: str, channel: str, thread_ts: str, at: datetime
) -> Conversation | None:
    """The conversation that a reply of this person in this thread goes on with."""
    row = log.find_asking(connection, person, channel, thread_ts, at - OPEN_FOR)
    return _as_it_is(row, at) if row else None


def heard_before(
    connection: Connection, person: str, channel: str, thread_ts: str, request: str, at: datetime
) -> Conversation | None:
    """The conversation that this very reply went into, when it was delivered before."""
    for row in log.recent_conversations(connection, person, channel, thread_ts):
        if request in row.command.get("heard", ()):
            return _as_it_is(row, at)
    return None


def having_heard(conversation: Conversation, request: str) -> Conversation:
    """As it stands, with a note of the reply that moves it on; a choice from a menu is none."""
    if not request:
        return conversation
    heard = [*conversation.said.get("heard", ()), request]
    return replace(conversation, said={**conversation.said, "heard": heard})


def place_of_change(connection: Connection, change: str) -> tuple[str, str]:
    """Channel and ts of a change request's message; empty until it is posted."""
    return message_about(connection, f"change:{change}")


def _as_it_is(row: log.ConversationRow, at: datetime) -> Conversation:
    return Conversation(
        id=row.id,
        person=row.person,
        channel=row.channel,
        thread_ts=row.thread_ts,
        state=row.state,
        missing=row.missing,
        result=row.result,
        created_at=row.created_at,
        updated_at=row.updated_at,
        said=row.command,
        is_old=row.updated_at < at - OPEN_FOR,
    )
