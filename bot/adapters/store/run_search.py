"""Finding runs by workflow, person, state, vote, text and date, a page at a time and in order.

Whoever looks sees their own runs and those of some workflows. Each of these parts has an index in the order
of the pages; the parts are read apart and put together, so that no page sorts more than it shows.
"""

import heapq
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Text,
    and_,
    collate,
    exists,
    or_,
    select,
    type_coerce,
)

from bot.adapters.store.run_log import RunRow, own_runs, runs
from bot.adapters.store.scores import scores
from bot.governance.run_filter import OPEN, UNFINISHED, RunFilter, fold
from workflows.run import Ending

VOTE = "vote"
CHUNK = 100
"""Runs whose text is looked at together, at first; each time twice as many."""
MOST_LOOKED_AT = 50_000
"""Runs that are looked through for a text before a page is shown as it is."""

_SAFE = re.compile(r"[ !#-\[\]-~]+")
"""ASCII that stands in JSON as it is: no quotation mark and no backslash."""

Reads: TypeAlias = Callable[[RunRow], bool]
"""Whether whoever looks may read the answer of a run."""


@dataclass(frozen=True, slots=True)
class Sight:
    """Whose runs somebody sees."""

    person: str = ""
    """Their own, as `own_runs` has them; empty when only those of the workflows count."""
    workflows: frozenset[str] | None = frozenset()
    """Everybody's runs of these; None for each workflow."""

    def covers(self, workflow: str) -> bool:
        """Whether everybody's runs of it are seen."""
        return self.workflows is None or workflow in self.workflows


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a run stands in the order: by when it was asked for, then by id."""

    at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """Some runs in the order they were looked through, and where to go on."""

    rows: tuple[RunRow, ...]
    rest: Place | None
    """What is beyond was not looked at; None at the end."""
    is_cut: bool = False
    """Looking for a text ended before there were as many as were wanted."""


@dataclass(frozen=True, slots=True)
class _Way:
    """In which direction, from where."""

    ascending: bool
    start: Place | None
    most: int
    """Runs to look through for a text."""

    def order(self, query: Select[Any]) -> Select[Any]:
        columns = (runs.c.created_at, runs.c.id)
        return query.order_by(*(columns if self.ascending else (each.desc() for each in columns)))

    def beyond(self, place: Place | None) -> ColumnElement[bool]:
        if place is None:
            return and_(True)
        at, key = runs.c.created_at, runs.c.id
        if self.ascending:
            return and_(at >= place.at, or_(at > place.at, key > place.id))
        return and_(at <= place.at, or_(at < place.at, key < place.id))

    def up_to(self, place: Place | None) -> ColumnElement[bool]:
        if place is None:
            return and_(True)
        at, key = runs.c.created_at, runs.c.id
        if self.ascending:
            return and_(at <= place.at, or_(at < place.at, key <= place.id))
        return and_(at >= place.at, or_(at > place.at, key >= place.id))


def place_of(row: RunRow) -> Place:
    """Where a run stands."""
    return Place(row.created_at, row.id)


def find_runs(
    connection: Connection,
    wanted: RunFilter,
    sight: Sight,
    *,
    limit: int,
    start: Place | None = None,
    ascending: bool = False,
    reads: Reads = lambda row: True,
) -> Found:
    """At most `limit` runs beyond `start`, the newest first unless ascending.

    A text is looked for in what was asked, and in answers that `reads` lets through.
    """
    sources = _sources(wanted, sight)
    way = _Way(ascending, start, MOST_LOOKED_AT // max(len(sources), 1))
    parts = [
        _part(connection, and_(source, *_conditions(wanted)), wanted, way, limit + 1, reads)
        for source in sources
    ]
    merged = heapq.merge(*(part.rows for part in parts), key=place_of, reverse=not ascending)
    cuts = [part.rest for part in parts if part.rest is not None]
    # beyond the nearest cut a part may lack what another has
    cut = (min(cuts) if ascending else max(cuts)) if cuts else None
    rows = [row for row in merged if cut is None or _is_within(place_of(row), cut, ascending)]
    if len(rows) > limit:
        return Found(tuple(rows[:limit]), place_of(rows[limit - 1]))
    return Found(tuple(rows), cut, is_cut=cut is not None)


def every_run(
    connection: Connection, wanted: RunFilter, sight: Sight, *, reads: Reads, rows: int = 500
) -> Iterator[tuple[RunRow, ...]]:
    """All of them, oldest first, some at a time."""
    start: Place | None = None
    while True:
        found = find_runs(connection, wanted, sight, limit=rows, start=start, ascending=True, reads=reads)
        if found.rows:
            yield found.rows
        if found.rest is None:
            return
        start = found.rest


def has_runs(connection: Connection, workflow: str) -> bool:
    """Whether anybody ever ran a workflow of that name."""
    query = select(runs.c.id).where(runs.c.workflow == workflow).limit(1)
    return connection.execute(query).first() is not None


def contains(row: RunRow, text: str, *, with_answer: bool = True) -> bool:
    """Whether a text occurs in what was asked or, where it may be read, answered."""
    sought = fold(text)
    said = [str(value) for value in row.inputs.values()]
    if with_answer and row.answer:
        said.append(str(row.answer.get("text", "")))
    return any(sought in fold(each) for each in said)


def _sources(wanted: RunFilter, sight: Sight) -> list[ColumnElement[bool]]:
    """The parts of what is seen that can hold what is wanted; none of them shares a run with another."""
    seen = sight.workflows
    covered = and_(True) if seen is None else runs.c.workflow.in_(sorted(seen))
    own = own_runs(sight.person)
    if wanted.person:
        return [own if wanted.person == sight.person else and_(runs.c.actor_id == wanted.person, covered)]
    if seen is None:
        return [and_(True)]
    if wanted.workflow:
        return [and_(True)] if wanted.workflow in seen else [own] if sight.person else []
    parts = [runs.c.workflow == name for name in sorted(seen)]
    return [*parts, and_(own, ~covered)] if sight.person else parts


def _conditions(wanted: RunFilter) -> Iterator[ColumnElement[bool]]:
    """Everything but the text."""
    if wanted.workflow:
        yield runs.c.workflow == wanted.workflow
    if wanted.state in set(Ending):
        yield runs.c.ending == wanted.state
    elif wanted.state == OPEN:
        yield runs.c.status.in_([status.value for status in UNFINISHED])
    elif wanted.state:
        yield runs.c.status == wanted.state
    if wanted.vote:
        given = scores.c.value > 0 if wanted.vote == "up" else scores.c.value < 0
        yield exists().where(scores.c.run_id == runs.c.id, scores.c.name == VOTE, given)
    if wanted.since:
        yield runs.c.created_at >= wanted.since
    if wanted.until:
        yield runs.c.created_at < wanted.until


def _part(
    connection: Connection,
    condition: ColumnElement[bool],
    wanted: RunFilter,
    way: _Way,
    limit: int,
    reads: Reads,
) -> Found:
    """As many of one part; `rest` is where looking for a text was ended."""
    if not wanted.text:
        query = way.order(select(runs).where(condition, way.beyond(way.start))).limit(limit)
        return Found(tuple(connection.execute(query)), None)
    rows: list[RunRow] = []
    start, rough = way.start, _roughly(connection, wanted.text)
    looked, chunk = 0, CHUNK
    while looked < way.most:
        edge = _edge(connection, condition, way, start, chunk)
        query = select(runs).where(condition, way.beyond(start), way.up_to(edge), rough)
        found = connection.execute(way.order(query))
        rows += [row for row in found if contains(row, wanted.text, with_answer=reads(row))]
        if edge is None or len(rows) >= limit:
            return Found(tuple(rows[:limit]), None)
        start, looked, chunk = edge, looked + chunk, 2 * chunk
    return Found(tuple(rows), start)


def _edge(
    connection: Connection, condition: ColumnElement[bool], way: _Way, start: Place | None, chunk: int
) -> Place | None:
    """Where the next chunk ends; None when it is the last."""
    query = select(runs.c.created_at, runs.c.id).where(condition, way.beyond(start))
    row = connection.execute(way.order(query).offset(chunk - 1).limit(1)).first()
    return Place(row.created_at, row.id) if row else None


def _roughly(connection: Connection, text: str) -> ColumnElement[bool]:
    """What the database can say of a text in JSON: true of every run that holds it, and of some others."""
    piece = max(_SAFE.findall(text), key=len, default="")
    if not piece:
        return and_(True)
    is_sqlite = connection.dialect.name == "sqlite"
    columns = (runs.c.inputs, runs.c.answer)
    escaped = re.sub(r"([%_/])", r"/\1", piece)
    plain = [
        type_coerce(each, Text) if is_sqlite else collate(type_coerce(each, Text), "C") for each in columns
    ]
    return or_(*(each.ilike(f"%{escaped}%", escape="/") for each in plain))


def _is_within(place: Place, cut: Place, ascending: bool) -> bool:
    return place <= cut if ascending else place >= cut
