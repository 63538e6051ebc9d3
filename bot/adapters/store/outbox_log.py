"""The outbox: what Slack shall be told, how far that got, and who is telling it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    bindparam,
    case,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from bot.adapters.correlation import correlation
from bot.adapters.store.late_rows import Put, put_now
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata

WAITING, SHOWN, SETTLED, REFUSED = "waiting", "shown", "settled", "refused"
"""Not posted yet; posted and still changing; posted for good; Slack said no for good."""

outbox = Table(
    "outbox",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", String(36), nullable=False, unique=True),
    Column("run_id", ForeignKey("runs.id"), index=True),
    Column("subject", String(64), nullable=False, server_default="", index=True),
    Column("wanted_revision", Integer, nullable=False, server_default="0"),
    *filled(String(16), "kind", "state"),
    *filled(Text, "channel", "thread_ts", "owner", "posted_channel", "ts", "refusal"),
    Column("body", JsonText, nullable=False),
    *filled(Integer, "shown_revision", "fence", "attempts"),
    Column("lease_until", UtcDateTime),
    *filled(UtcDateTime, "due_at", "quiet_until", "created_at"),
    Column("first_sent_at", UtcDateTime),
    Column("correlation", String(32), nullable=False, server_default=""),
    Column("shown_place", Integer, nullable=False, server_default="0"),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_channel_state", "channel", "state"),
    Index("ix_outbox_posted_channel_ts", "posted_channel", "ts"),
)
"""`shown_revision` is the revision that readers see, of the run or, for a message about something else, of
`wanted_revision`; `subject` names that something, e.g. `change:c_...`; `attempts` counts failures since;
`shown_place` is the run's place in the queue as readers see it, 0 once it is out of it."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """A message to post."""

    id: str
    kind: str
    channel: str
    run_id: str | None = None
    thread_ts: str = ""
    body: Mapping[str, Any] | None = None
    subject: str = ""
    """What a message that is drawn again is about, e.g. `change:c_...`; runs need none."""


@dataclass(frozen=True, slots=True)
class HeldItem:
    """An outbox row as one courier holds it."""

    seq: int
    fence: int

    def key(self) -> dict[str, Any]:
        """Parameters of the guard that every write carries."""
        return {"held_seq": self.seq, "held_fence": self.fence}


_INSERT = insert(outbox).inline()
_HELD = (outbox.c.seq == bindparam("held_seq"), outbox.c.fence == bindparam("held_fence"))


def insert_item(connection: Connection, item: NewItem, at: datetime, put: Put = put_now) -> None:
    """Queue one message in the transaction of what it tells."""
    now = lease_clock(connection)
    row = {
        "id": item.id,
        "run_id": item.run_id,
        "subject": item.subject,
        "wanted_revision": 1 if item.subject else 0,
        "kind": item.kind,
        "channel": item.channel,
        "thread_ts": item.thread_ts,
        "body": dict(item.body or {}),
        "state": WAITING,
        "shown_revision": 0,
        "owner": "",
        "fence": 0,
        "attempts": 0,
        "due_at": now,
        "quiet_until": now,
        "posted_channel": "",
        "ts": "",
        "refusal": "",
        "created_at": at,
        "correlation": correlation(),
    }
    put(connection, _INSERT, row)


def is_known(connection: Connection, item_id: str) -> bool:
    """Whether a message of that id was queued already."""
    return bool(connection.execute(select(exists().where(outbox.c.id == item_id))).scalar())


IN_THE_WAY = 20
"""Attempts, of a quarter of an hour, after which a message holds back later ones of its thread no longer."""

_EARLIER = outbox.alias("earlier")
_IN_TURN = ~exists().where(
    _EARLIER.c.state == WAITING,
    _EARLIER.c.attempts < IN_THE_WAY,
    _EARLIER.c.channel == outbox.c.channel,
    _EARLIER.c.thread_ts == outbox.c.thread_ts,
    _EARLIER.c.seq < outbox.c.seq,
)
_NOW = bindparam("now", type_=UtcDateTime)
_IN_FLIGHT = outbox.alias("in_flight")
_CHANNEL_IS_FREE = ~exists().where(
    _IN_FLIGHT.c.state == WAITING,
    _IN_FLIGHT.c.channel == outbox.c.channel,
    _IN_FLIGHT.c.lease_until >= _NOW,
)
_DUE = (
    select(
        *outbox.c,
        func.coalesce(runs.c.revision, outbox.c.wanted_revision).label("revision"),
        _NOW.label("claimed_at"),
    )
    .select_from(outbox.outerjoin(runs, runs.c.id == outbox.c.run_id))
    .where(
        outbox.c.state.in_((WAITING, SHOWN)),
        outbox.c.due_at <= _NOW,
        or_(outbox.c.lease_until.is_(None), outbox.c.lease_until < _NOW),
        or_(
            and_(outbox.c.state == WAITING, _IN_TURN, _CHANNEL_IS_FREE),
            and_(
                outbox.c.state == SHOWN,
                or_(
                    runs.c.revision > outbox.c.shown_revision,
                    outbox.c.wanted_revision > outbox.c.shown_revision,
                ),
                or_(outbox.c.quiet_until <= _NOW, runs.c.finished_at.is_not(None)),
            ),
        ),
    )
    .order_by(outbox.c.due_at, outbox.c.seq)
    .limit(bindparam("most"))
)
_TO_TAKE = _DUE.with_for_update(of=outbox, skip_locked=True)
_TAKE = (
    update(outbox)
    .where(outbox.c.seq == bindparam("taken"))
    .values(
        owner=bindparam("taker"),
        lease_until=bindparam("until"),
        fence=outbox.c.fence + 1,
        first_sent_at=bindparam("sent"),
    )
)


def has_due(connection: Connection) -> bool:
    """Whether a message could be taken now."""
    return connection.execute(_DUE, {"now": lease_clock(connection), "most": 1}).first() is not None


def claim_items(connection: Connection, *, owner: str, lease_s: float, limit: int) -> tuple[Row[Any], ...]:
    """Take messages that are due, in the order of each channel's thread, one new one a channel at a time.

    The rows are as they were: `first_sent_at` is set on the way out, so whoever comes after a crash knows
    that Slack may hold the message already. The holder's fence is the row's plus one.
    """
    now = lease_clock(connection)
    until = now + timedelta(seconds=lease_s)
    taken: list[Row[Any]] = []
    while len(taken) < limit:
        found: list[Row[Any]] = list(connection.execute(_TO_TAKE, {"now": now, "most": limit - len(taken)}))
        due = _one_a_channel(found)
        if due:
            rows = [
                {"taken": row.seq, "taker": owner, "until": until, "sent": row.first_sent_at or now}
                for row in due
            ]
            connection.execute(_TAKE, rows)
        taken += due
        if len(due) == len(found):
            # no channel that waits much stood before others
            break
    return tuple(taken)


def _one_a_channel(rows: Iterable[Row[Any]]) -> list[Row[Any]]:
    """Slack takes one new message a second in a channel: more in hand would hold up other channels."""
    kept: list[Row[Any]] = []
    channels: set[str] = set()
    for row in rows:
        if row.state != WAITING or row.channel not in channels:
            kept.append(row)
        if row.state == WAITING:
            channels.add(row.channel)
    return kept


_SENT = (
    update(outbox)
    .where(*_HELD)
    .values(
        # asked for again while it was being drawn, it is not settled
        state=case((outbox.c.wanted_revision > bindparam("shown"), SHOWN), else_=bindparam("new_state")),
        shown_revision=bindparam("shown"),
        shown_place=bindparam("new_place"),
        posted_channel=bindparam("where"),
        ts=bindparam("new_ts"),
        owner="",
        lease_until=None,
        attempts=0,
        due_at=bindparam("now"),
        quiet_until=bindparam("quiet"),
    )
)


def mark_sent(
    connection: Connection,
    held: HeldItem,
    *,
    channel: str,
    ts: str,
    revision: int,
    settled: bool,
    quiet_s: float,
    place: int = 0,
) -> bool:
    """Record what Slack shows now; False when another courier has taken the row.

    `place` is the run's place in the queue as it is shown, 0 when it is not in it.
    """
    now = lease_clock(connection)
    values = {
        "new_state": SETTLED if settled else SHOWN,
        "shown": revision,
        "new_place": place,
        "where": channel,
        "new_ts": ts,
        "now": now,
        "quiet": now + timedelta(seconds=quiet_s),
    }
    return connection.execute(_SENT, {**held.key(), **values}).rowcount == 1


def put_back(
    connection: Connection, held: HeldItem, *, after_s: float, attempts: int, first_sent_at: datetime | None
) -> None:
    """Let go of a row until later; `first_sent_at` is None when it is certain that nothing was posted."""
    due_at = lease_clock(connection) + timedelta(seconds=after_s)
    statement = update(outbox).where(*_HELD)
    statement = statement.values(owner="", lease_until=None, attempts=attempts, due_at=due_at)
    connection.execute(statement.values(first_sent_at=first_sent_at), held.key())


def doubt_waiting(connection: Connection) -> int:
    """Have every message that waits be looked for in Slack before it is posted; how many do."""
    waiting = update(outbox).where(outbox.c.state == WAITING, outbox.c.first_sent_at.is_(None))
    return connection.execute(waiting.values(first_sent_at=outbox.c.created_at)).rowcount


def suspend_channel(connection: Connection, channel: str, after_s: float) -> None:
    """Post nothing new in a channel until later: Slack said so."""
    until = lease_clock(connection) + timedelta(seconds=after_s)
    waits = (outbox.c.channel == channel, outbox.c.state == WAITING, outbox.c.due_at < until)
    connection.execute(update(outbox).where(*waits).values(due_at=until))


def refuse_item(connection: Connection, held: HeldItem, reason: str) -> bool:
    """End a row that Slack will never take; False when another courier has it."""
    statement = update(outbox).where(*_HELD).values(state=REFUSED, refusal=reason, owner="", lease_until=None)
    return connection.execute(statement, held.key()).rowcount == 1


def reopen_message(connection: Connection, run_id: str) -> None:
    """Have the run's own message drawn again after its run changed once more."""
    own = (outbox.c.run_id == run_id, outbox.c.kind == "run", outbox.c.state.in_((WAITING, SHOWN, SETTLED)))
    state = case((outbox.c.state == SETTLED, SHOWN), else_=outbox.c.state)
    # one that is being drawn as the run was before must not be settled by that
    wanted = select(runs.c.revision).where(runs.c.id == run_id).scalar_subquery()
    connection.execute(update(outbox).where(*own).values(state=state, wanted_revision=wanted))


def redraw(connection: Connection, subject: str) -> None:
    """Have every message about something drawn again after it changed."""
    statement = (
        update(outbox)
        .where(outbox.c.subject == subject, outbox.c.state.in_((WAITING, SHOWN, SETTLED)))
        .values(
            wanted_revision=outbox.c.wanted_revision + 1,
            state=case((outbox.c.state == WAITING, WAITING), else_=SHOWN),
        )
    )
    connection.execute(statement)


def message_about(connection: Connection, subject: str) -> tuple[str, str]:
    """Channel and ts of the first message about something; empty strings until it is posted."""
    query = select(outbox.c.posted_channel, outbox.c.ts).where(outbox.c.subject == subject, outbox.c.ts != "")
    row = connection.execute(query.order_by(outbox.c.seq).limit(1)).first()
    return (row.posted_channel, row.ts) if row else ("", "")


def place_of(connection: Connection, subject: str) -> str:
    """Where the first message about something is meant to stand; empty when there is none."""
    query = select(outbox.c.channel).where(outbox.c.subject == subject).order_by(outbox.c.seq).limit(1)
    return connection.execute(query).scalar() or ""


def subject_of_item(connection: Connection, item_id: str) -> str:
    """What a message that was queued is about; empty when it was not."""
    return connection.execute(select(outbox.c.subject).where(outbox.c.id == item_id)).scalar() or ""


def subject_of_message(connection: Connection, channel: str, ts: str) -> str:
    """What the message at this place is about; empty when it is none of those."""
    query = select(outbox.c.subject).where(outbox.c.posted_channel == channel, outbox.c.ts == ts)
    return connection.execute(query).scalar() or ""


def run_of_message(connection: Connection, channel: str, ts: str) -> str | None:
    """The run whose message, its own or a shared one, this is."""
    query = select(outbox.c.run_id).where(outbox.c.posted_channel == channel, outbox.c.ts == ts)
    return connection.execute(query).scalar()


def is_posting(connection: Connection, channels: Collection[str]) -> bool:
    """Whether a run's message is on its way to one of these, so Slack may show it before we know its ts."""
    query = select(
        exists().where(
            outbox.c.state == WAITING,
            outbox.c.channel.in_(channels),
            outbox.c.run_id.is_not(None),
            outbox.c.lease_until > lease_clock(connection),
        )
    )
    return bool(connection.execute(query).scalar())


def run_of_thread(connection: Connection, channel: str, thread_ts: str) -> str | None:
    """The newest run whose message begins this thread or stands in it."""
    query = (
        select(outbox.c.run_id)
        .where(
            outbox.c.kind.in_(("run", "share", "fix")),
            or_(
                and_(outbox.c.posted_channel == channel, outbox.c.ts == thread_ts),
                # a reply may come before the post in its thread is marked as sent
                and_(
                    or_(outbox.c.posted_channel == channel, outbox.c.channel == channel),
                    outbox.c.thread_ts == thread_ts,
                ),
            ),
        )
        .order_by(outbox.c.seq.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


_MESSAGES = select(outbox.c.run_id, outbox.c.posted_channel, outbox.c.ts).where(
    outbox.c.run_id.in_(bindparam("ids", expanding=True)), outbox.c.kind == "run", outbox.c.ts != ""
)


def messages_of(connection: Connection, run_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Run id to the channel and ts of its own message, where it is posted."""
    return {row[0]: (row[1], row[2]) for row in connection.execute(_MESSAGES, {"ids": list(run_ids)})}
