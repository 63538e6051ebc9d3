"""Making the sums by hour: hours that are over, in order, and again those whose runs have changed since.

What to write is worked out from one snapshot and written only if nobody else wrote in between. What the
snapshot did not show yet falls into the next one's window, which begins a little before this one ended.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, delete, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.adapters.store.bulk_rows import insert_rows
from bot.adapters.store.escalations_log import escalations
from bot.adapters.store.ledger import ledger
from bot.adapters.store.raw_counts import (
    DocumentHour,
    RunHour,
    SpendHour,
    Uses,
    count_documents,
    count_runs,
    count_spend,
    hour_of,
    workflow_names,
)
from bot.adapters.store.rollups_log import (
    HOUR,
    ROLLUPS,
    Mark,
    document_rollups,
    read_mark,
    rollup_marks,
    run_rollups,
    spend_rollups,
)
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import scores
from bot.adapters.store.tables import UtcDateTime, canonical_json
from bot.quality.tallies import Durations, Spend, Tally

SETTLES = timedelta(minutes=2)
"""A write is seen by others within this time of the moment it carries."""
SLACK = 1000
"""Rows of the ledger that may be seen later than one with a higher number."""
LONGEST = timedelta(hours=1)
"""No call to a model takes longer."""
STEP = timedelta(hours=48)
"""Most hours taken in one go."""
_TABLES = (run_rollups, spend_rollups, document_rollups)


@dataclass(slots=True)
class Renewal:
    """What one go writes: the mark as it was and will be, the hours to replace, and what replaces them."""

    seen: Mark | None
    mark: Mark
    closes: tuple[datetime, datetime] | None = None
    """All workflows of a stretch, in place of single hours."""
    run_hours: set[RunHour] = field(default_factory=set)
    spend_hours: set[RunHour] = field(default_factory=set)
    tallies: dict[RunHour, Tally] = field(default_factory=dict)
    spend: dict[SpendHour, Spend] = field(default_factory=dict)
    documents: dict[DocumentHour, Uses] = field(default_factory=dict)

    @property
    def is_last(self) -> bool:
        """Whether there is nothing more to do just now."""
        return self.closes is None


def renew(connection: Connection, now: datetime) -> Renewal:
    """What is to be written next: first what is over and has no sums yet, then what has changed."""
    mark, end = read_mark(connection), hour_of(now - SETTLES)
    if mark is None:
        first = min(beginning(connection) or end, end)
        return _close(connection, None, Mark(first, now, _newest(connection), 0), end)
    if mark.horizon < end:
        return _close(connection, mark, mark, end)
    return _take_up(connection, mark, now)


def beginning(connection: Connection) -> datetime | None:
    """The hour of the oldest run or call to a model; None without one."""
    oldest = [connection.execute(select(func.min(ledger.c.started_at))).scalar()]
    for name in workflow_names(connection):
        query = select(func.min(runs.c.created_at)).where(runs.c.workflow == name)
        oldest.append(connection.execute(query).scalar())
    return min((hour_of(moment) for moment in oldest if moment), default=None)


def write_renewal(connection: Connection, renewal: Renewal) -> bool:
    """Replace the hours; False, and nothing written, when somebody else wrote since the snapshot."""
    if not _move_mark(connection, renewal):
        return False
    if renewal.closes is not None:
        for table in _TABLES:
            since, until = renewal.closes
            connection.execute(delete(table).where(table.c.hour >= since, table.c.hour < until))
    _remove(connection, run_rollups, renewal.run_hours)
    _remove(connection, document_rollups, renewal.run_hours)
    _remove(connection, spend_rollups, renewal.spend_hours)
    _insert(connection, renewal)
    return True


def forget_sums(connection: Connection) -> None:
    """Take all sums away, so that they are made again from the beginning."""
    for table in _TABLES:
        connection.execute(delete(table))
    first = beginning(connection)
    if first is not None:
        connection.execute(update(rollup_marks).values(horizon=first, turn=rollup_marks.c.turn + 1))


def _close(connection: Connection, seen: Mark | None, mark: Mark, end: datetime) -> Renewal:
    since, until = mark.horizon, min(mark.horizon + STEP, end)
    return Renewal(
        seen,
        mark._replace(horizon=until, turn=mark.turn + 1),
        closes=(since, until),
        tallies=count_runs(connection, since, until),
        spend=count_spend(connection, since, until),
        documents=count_documents(connection, since, until),
    )


def _take_up(connection: Connection, mark: Mark, now: datetime) -> Renewal:
    moved = mark._replace(until=now, seq=max(mark.seq, _newest(connection)), turn=mark.turn + 1)
    renewal = Renewal(mark, moved)
    for query in _changed_runs(mark):
        renewal.run_hours |= {(name, hour_of(at)) for name, at in connection.execute(query)}
    for spender, began, name, asked in _late_calls(connection, mark):
        if began < mark.horizon:
            renewal.spend_hours.add((spender, hour_of(began)))
        if asked is not None and asked < mark.horizon:
            renewal.run_hours.add((name, hour_of(asked)))
    for hour, names in _by_hour(renewal.run_hours):
        renewal.tallies |= count_runs(connection, hour, hour + HOUR, names)
        renewal.documents |= count_documents(connection, hour, hour + HOUR, names)
    for hour, names in _by_hour(renewal.spend_hours):
        renewal.spend |= count_spend(connection, hour, hour + HOUR, names)
    return renewal


def _changed_runs(mark: Mark) -> Iterator[Select[Any]]:
    """Workflow and moment of runs in hours that have sums, and of which something came later."""
    asked = select(runs.c.workflow, runs.c.created_at).where(runs.c.created_at < mark.horizon)
    since = mark.until - SETTLES
    yield asked.where(runs.c.finished_at >= since)
    scored = select(scores.c.run_id).where(scores.c.updated_at >= since)
    came = or_(escalations.c.created_at >= since, escalations.c.replied_at >= since)
    handed_on = select(escalations.c.run_id).where(came)
    # not joined: SQLite would walk through every run there is to find the few
    yield from (asked.where(runs.c.id.in_(changed)) for changed in (scored, handed_on))


def _late_calls(connection: Connection, mark: Mark) -> Iterator[tuple[str, datetime, str, datetime | None]]:
    """Workflow and moment of calls that may not be counted yet, and of the runs that they were made for."""
    since = mark.until - SETTLES
    query = (
        select(ledger.c.workflow, ledger.c.started_at, runs.c.workflow, runs.c.created_at)
        .add_columns(ledger.c.seq, ledger.c.seconds)
        .join(runs, runs.c.id == ledger.c.run_id, isouter=True)
        .where(
            ledger.c.seq > mark.seq - SLACK,
            or_(ledger.c.seq > mark.seq, ledger.c.started_at >= since - LONGEST),
            or_(ledger.c.started_at < mark.horizon, runs.c.created_at < mark.horizon),
        )
    )
    for *where, seq, seconds in connection.execute(query):
        # one that was seen before ended earlier
        if seq > mark.seq or where[1] + timedelta(seconds=seconds) >= since:
            yield where[0], where[1], where[2], where[3]


def _newest(connection: Connection) -> int:
    return connection.execute(select(func.max(ledger.c.seq))).scalar() or 0


def _by_hour(pairs: Iterable[RunHour]) -> Iterator[tuple[datetime, set[str]]]:
    hours: dict[datetime, set[str]] = defaultdict(set)
    for name, hour in pairs:
        hours[hour].add(name)
    yield from hours.items()


_FIRST = {
    dialect.__name__.rpartition(".")[2]: dialect.insert(rollup_marks)
    .on_conflict_do_nothing()
    .execution_options(preserve_rowcount=True)
    for dialect in (sqlite, postgresql)
}


def _move_mark(connection: Connection, renewal: Renewal) -> bool:
    values = renewal.mark._asdict()
    if renewal.seen is None:
        statement = _FIRST[connection.dialect.name]
        return connection.execute(statement, {"name": ROLLUPS, **values}).rowcount == 1
    guarded = update(rollup_marks).where(
        rollup_marks.c.name == ROLLUPS, rollup_marks.c.turn == renewal.seen.turn
    )
    return connection.execute(guarded.values(**values)).rowcount == 1


def _remove(connection: Connection, table: Table, pairs: Iterable[RunHour]) -> None:
    statement = delete(table).where(
        table.c.workflow == bindparam("name"), table.c.hour == bindparam("at", type_=UtcDateTime)
    )
    if rows := [{"name": name, "at": hour} for name, hour in pairs]:
        connection.execute(statement, rows)


def _insert(connection: Connection, renewal: Renewal) -> None:
    sums = {
        run_rollups: ((*key, *_counts(tally)) for key, tally in renewal.tallies.items()),
        spend_rollups: ((*key, *_amounts(spend)) for key, spend in renewal.spend.items()),
        document_rollups: ((*key, *uses) for key, uses in renewal.documents.items()),
    }
    for table, rows in sums.items():
        insert_rows(connection, table, tuple(table.c.keys()), rows)


def _counts(tally: Tally) -> Iterator[Any]:
    for name in (each.name for each in fields(Tally)):
        value = getattr(tally, name)
        yield canonical_json(value.to_json()) if isinstance(value, Durations) else value


def _amounts(spend: Spend) -> Iterator[Any]:
    return (getattr(spend, each.name) for each in fields(spend))
