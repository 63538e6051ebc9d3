"""Sums of runs, spending and documents by hour: what reports add up, instead of reading every run.

An hour is made anew from its runs, never added to, so making it twice changes nothing. Reading takes whole
hours from the sums, and what they do not reach, an hour that has begun or an edge within one, from the rows
themselves: it is exact for any two moments, however long ago the sums were made.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BigInteger, Column, Connection, Integer, Select, String, Table, Text, func, select

from bot.adapters.store.balances_log import Dollars
from bot.adapters.store.raw_counts import (
    Names,
    SpendHour,
    Uses,
    count_documents,
    count_runs,
    count_spend,
    ended,
    hour_of,
    tally_of,
)
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata
from bot.quality.tallies import Durations, Spend, Tally

K = TypeVar("K")
V = TypeVar("V")

run_rollups = Table(
    "run_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    *filled(
        Integer,
        "runs",
        "answered",
        "abstained",
        "escalated",
        "failed",
        "cancelled",
        "votes_up",
        "votes_down",
        "corrected",
    ),
    Column("cost_usd", Dollars(), nullable=False),
    *filled(Integer, "input_tokens", "output_tokens"),
    Column("seconds", JsonText, nullable=False),
)
"""Runs by the hour in which they were asked for; `seconds` counts them by how long they took."""

spend_rollups = Table(
    "spend_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    Column("purpose", String(16), primary_key=True),
    Column("model", Text, primary_key=True),
    *filled(Integer, "calls", "failed", "unpriced", "input_tokens", "cached_tokens", "output_tokens"),
    Column("cost_usd", Dollars(), nullable=False),
)
"""The ledger by the hour in which each call began."""

document_rollups = Table(
    "document_rollups",
    metadata,
    Column("workflow", Text, primary_key=True),
    Column("hour", UtcDateTime, primary_key=True, index=True),
    Column("document_id", Text, primary_key=True),
    *filled(Integer, "answers", "votes_down"),
)
"""How many answers cite a document, and how many of those were voted down."""

rollup_marks = Table(
    "rollup_marks",
    metadata,
    Column("name", String(32), primary_key=True),
    *filled(UtcDateTime, "horizon", "until"),
    Column("seq", BigInteger, nullable=False),
    Column("turn", Integer, nullable=False),
)
"""How far the sums have got: `horizon` is the first hour without sums; `until` and `seq` say up to when, and
to which row of the ledger, later changes were taken up; `turn` grows with each write, and shuts out a second
writer."""

HOUR = timedelta(hours=1)
ROLLUPS = "rollups"
_TALLY = tuple(each.name for each in fields(Tally) if each.name != "durations")
_SPEND = tuple(each.name for each in fields(Spend))


class Mark(NamedTuple):
    """How far the sums have got; see `rollup_marks`."""

    horizon: datetime
    until: datetime
    seq: int
    turn: int


class Stretch(NamedTuple):
    """A stretch of time as it is read: whole hours from sums, pieces before and after from the rows."""

    first: datetime
    last: datetime
    pieces: tuple[tuple[datetime, datetime], ...]


def read_mark(connection: Connection) -> Mark | None:
    """How far the sums have got; None before the first."""
    columns = (rollup_marks.c[name] for name in Mark._fields)
    row = connection.execute(select(*columns).where(rollup_marks.c.name == ROLLUPS)).first()
    return Mark(*row) if row else None


def tallies(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[str, Tally]:
    """What the runs asked for in that time came to, by workflow; those without a run are absent."""
    stretch = _stretch(connection, since, until)
    sums = _of(select(run_rollups.c.workflow), run_rollups, stretch, workflows).group_by(
        run_rollups.c.workflow
    )
    seconds = _of(select(run_rollups.c.workflow, run_rollups.c.seconds), run_rollups, stretch, workflows)
    durations: dict[str, Durations] = defaultdict(Durations)
    for workflow, counts in connection.execute(seconds):
        durations[workflow].take_up(Durations.from_json(counts))
    summed = sums.add_columns(*(func.sum(run_rollups.c[name]) for name in _TALLY))
    found = {row[0]: _tally(row[1:], durations[row[0]]) for row in connection.execute(summed)}
    for (workflow, _), tally in _pieces(count_runs, connection, stretch, workflows):
        found[workflow] = found.get(workflow, Tally()) + tally
    return found


def tallies_by_hour(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[tuple[str, datetime], Tally]:
    """As `tallies`, by the UTC hour in which the runs were asked for; an edge within one cuts it."""
    stretch = _stretch(connection, since, until)
    columns = (run_rollups.c[name] for name in ("workflow", "hour", *_TALLY, "seconds"))
    rows = connection.execute(_of(select(*columns), run_rollups, stretch, workflows))
    found = {(row[0], row[1]): _tally(row[2:-1], Durations.from_json(row.seconds)) for row in rows}
    return found | dict(_pieces(count_runs, connection, stretch, workflows))


def tallies_between(
    connection: Connection, edges: Sequence[datetime], workflows: Names = None
) -> tuple[dict[str, Tally], ...]:
    """As `tallies`, for each stretch between one edge and the next: the days of a week in any time zone."""
    return tuple(tallies(connection, since, until, workflows) for since, until in pairwise(edges))


def spend_by_hour(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[SpendHour, Spend]:
    """Calls to models begun in that time, evaluations included, by workflow, UTC hour, purpose and model."""
    stretch = _stretch(connection, since, until)
    columns = (spend_rollups.c[name] for name in ("workflow", "hour", "purpose", "model", *_SPEND))
    rows = connection.execute(_of(select(*columns), spend_rollups, stretch, workflows))
    found = {(row[0], row[1], row[2], row[3]): Spend(*row[4:]) for row in rows}
    return found | dict(_pieces(count_spend, connection, stretch, workflows))


def document_uses(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[tuple[str, str], Uses]:
    """By workflow and document: answers asked for in that time that cite it, and those of them voted down."""
    stretch = _stretch(connection, since, until)
    keys = (document_rollups.c.workflow, document_rollups.c.document_id)
    sums = (func.sum(document_rollups.c.answers), func.sum(document_rollups.c.votes_down))
    rows = connection.execute(_of(select(*keys, *sums), document_rollups, stretch, workflows).group_by(*keys))
    found: dict[tuple[str, str], Uses] = {(row[0], row[1]): (row[2], row[3]) for row in rows}
    for (workflow, _, document_id), uses in _pieces(count_documents, connection, stretch, workflows):
        known = found.get((workflow, document_id), (0, 0))
        found[workflow, document_id] = (known[0] + uses[0], known[1] + uses[1])
    return found


def people(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[str, int]:
    """How many people asked for the runs of that time, by workflow."""
    asked = ended(connection, since, until, workflows).with_only_columns(
        runs.c.workflow, func.count(runs.c.actor_id.distinct())
    )
    return {row[0]: row[1] for row in connection.execute(asked.group_by(runs.c.workflow))}


def people_together(connection: Connection, since: datetime, until: datetime, workflows: Names = None) -> int:
    """As `people`, each counted once however many workflows they used."""
    asked = ended(connection, since, until, workflows)
    count = asked.with_only_columns(func.count(runs.c.actor_id.distinct()))
    return int(connection.execute(count).scalar_one())


def _stretch(connection: Connection, since: datetime, until: datetime) -> Stretch:
    since, until, mark = since.astimezone(UTC), until.astimezone(UTC), read_mark(connection)
    first = hour_of(since) if since == hour_of(since) else hour_of(since) + HOUR
    last = min(hour_of(until), mark.horizon) if mark else first
    if last <= first:
        return Stretch(first, first, ((since, until),))
    pieces = ((since, first), (last, until))
    return Stretch(first, last, tuple(piece for piece in pieces if piece[0] < piece[1]))


def _of(query: Select[Any], table: Table, stretch: Stretch, workflows: Names) -> Select[Any]:
    query = query.where(table.c.hour >= stretch.first, table.c.hour < stretch.last)
    return query if workflows is None else query.where(table.c.workflow.in_(list(workflows)))


def _tally(sums: Sequence[Any], durations: Durations) -> Tally:
    return tally_of(dict(zip(_TALLY, sums, strict=True)), durations)


def _pieces(
    count: Callable[[Connection, datetime, datetime, Names], dict[K, V]],
    connection: Connection,
    stretch: Stretch,
    workflows: Names,
) -> Iterator[tuple[K, V]]:
    for since, until in stretch.pieces:
        yield from count(connection, since, until, workflows).items()
