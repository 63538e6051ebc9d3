"""The run log for people: looking through it a page at a time, and opening one run.

Everybody sees their own runs. Those of others need SEE_RUNS over the workflow, and what was answered also
that one may read the documents behind it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.run_log import RunRow, read_run
from bot.adapters.store.run_search import Found, Place, find_runs, place_of
from bot.adapters.store.scores import Score, scores_of
from bot.governance.run_filter import RunFilter
from bot.services.actors import Actor
from bot.services.complaints import VOTE
from bot.services.explained import RunExplained
from bot.services.explaining import Explaining
from bot.services.run_exports import SPOKEN
from bot.services.run_files import Content
from bot.services.run_sight import RunSights, WhatIsThere, emptied_until, is_emptied, sees_others
from bot.services.run_views import RunView, load_views
from workflows.run import Ending

PAGE = 8
"""Runs on a page."""

Find = Callable[[Place | None, bool], Found]
"""From where, and whether towards the newer ones."""


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run in a list."""

    view: RunView
    ending: Ending | None
    up: int
    down: int
    content: Content


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, the newest first, and where others are."""

    wanted: RunFilter
    lines: tuple[RunLine, ...]
    older: Place | None = None
    newer: Place | None = None
    looked_back_to: datetime | None = None
    """Looking for a text stopped there; there may be more before."""
    only_own: bool = False
    """Of what is wanted, whoever looks sees their own runs and nobody else's."""
    may_take: bool = False
    """They may take these away as a file."""


@dataclass(frozen=True, slots=True)
class RunOpened:
    """One run with everything that is said of it."""

    explained: RunExplained
    ending: Ending | None
    content: Content
    scores: tuple[Score, ...] = ()
    """Votes, and of reasons and corrections those that whoever looks may read."""


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Reads under the rights of whoever looks."""

    store: Store
    sights: RunSights
    explaining: Explaining
    size: int = PAGE

    async def page(
        self, actor: Actor, wanted: RunFilter, *, start: Place | None = None, newer: bool = False
    ) -> RunPage:
        """A page beyond `start`, towards the older runs or the newer ones.

        Raises Outsider, NotAuthorized (somebody else's runs are wanted), UnknownWorkflow.
        """
        return await self.store.read(lambda connection: self._look(connection, actor, wanted, start, newer))

    def _look(
        self, connection: Connection, actor: Actor, wanted: RunFilter, start: Place | None, newer: bool
    ) -> RunPage:
        sight = self.sights.looking(connection, actor, wanted)
        there = WhatIsThere(connection, actor)

        def find(start: Place | None, ascending: bool) -> Found:
            return find_runs(
                connection,
                wanted,
                sight,
                limit=self.size,
                start=start,
                ascending=ascending,
                reads=there.discretion.reads,
            )

        found, older, back = _turned(find, start, newer)
        return RunPage(
            wanted,
            tuple(_lines(connection, found.rows, there)),
            older=older,
            newer=back,
            looked_back_to=older.at if found.is_cut and older else None,
            only_own=wanted.person == actor.id or not sees_others(sight, wanted),
            may_take=self.sights.may_take(connection, actor, wanted),
        )

    async def run(self, actor: Actor, run_id: str) -> RunOpened:
        """One run. Raises Outsider, NotAuthorized, UnknownRun."""
        explained = await self.explaining.run(actor, run_id)
        return await self.store.read(lambda connection: self._opened(connection, actor, explained))

    def _opened(self, connection: Connection, actor: Actor, explained: RunExplained) -> RunOpened:
        run, row = explained.base.run, read_run(connection, explained.base.run.id)
        is_gone = is_emptied(emptied_until(connection), run.workflow, run.finished_at)
        scores = scores_of(connection, (run.id,), SPOKEN)
        said = tuple(self.sights.heard(connection, actor, run.workflow, scores))
        content: Content = "deleted" if is_gone else "withheld" if explained.is_withheld else "kept"
        return RunOpened(explained, Ending(row.ending) if row and row.ending else None, content, said)


def _turned(find: Find, start: Place | None, newer: bool) -> tuple[Found, Place | None, Place | None]:
    """A page with the newest run first, and where the older and the newer ones begin."""
    if newer and start is not None:
        found = find(start, True)
        if found.rest is not None:
            rows = tuple(reversed(found.rows))
            return Found(rows, None), place_of(rows[-1]) if rows else start, found.rest
        # the newest page is always a full one
        start = None
    found = find(start, False)
    back = place_of(found.rows[0]) if start and found.rows else start
    return found, found.rest, back


def _lines(connection: Connection, rows: tuple[RunRow, ...], there: WhatIsThere) -> Iterator[RunLine]:
    votes: dict[str, list[bool]] = {row.id: [] for row in rows}
    for score in scores_of(connection, list(votes), (VOTE,)):
        votes[score.run_id].append(score.value > 0)
    for row, view in zip(rows, load_views(connection, rows), strict=True):
        up = sum(votes[row.id])
        ending = Ending(row.ending) if row.ending else None
        yield RunLine(view, ending, up, len(votes[row.id]) - up, there.of(row))
