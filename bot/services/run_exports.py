"""Taking runs away as a file, in constant memory; that it was done is an audit event."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from bot.adapters.store import audit_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.ledger import Consumed, sum_usage
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.run_search import Sight, every_run
from bot.adapters.store.scores import Score, scores_of
from bot.adapters.store.step_log import steps_of
from bot.governance.roles import EVERYTHING
from bot.governance.run_filter import RunFilter
from bot.services import run_files
from bot.services.actors import Actor
from bot.services.audit_files import Format
from bot.services.complaints import CORRECTION, REASON, VOTE
from bot.services.run_files import RunRecord
from bot.services.run_sight import RunSights, WhatIsThere
from workflows.ports import Clock
from workflows.run import Json

SPOKEN = (VOTE, REASON, CORRECTION)
ROWS = 500
"""Runs that are held at a time."""

Write = Callable[[str], object]


class TooManyRuns(Exception):
    """More than one file takes; fact `most`."""

    def __init__(self, most: int) -> None:
        super().__init__(most)
        self.facts = {"most": str(most)}


@dataclass(frozen=True, slots=True)
class RunExports:
    """Writes files for those who may take runs away."""

    store: Store
    sights: RunSights
    clock: Clock

    async def export(
        self,
        actor: Actor,
        wanted: RunFilter,
        form: Format,
        write: Write,
        *,
        surface: str,
        most: int | None = None,
    ) -> int:
        """Write the runs, oldest first; how many. Give what was written to nobody before this returns: the
        audit event comes last, with the count.

        Raises Outsider, NotAuthorized, UnknownWorkflow, TooManyRuns.
        """

        def read(connection: Connection) -> int:
            count, sight = 0, self.sights.taking(connection, actor, wanted)
            write(run_files.heading(form))
            for records in self._records(connection, actor, wanted, sight):
                count += len(records)
                if most is not None and count > most:
                    raise TooManyRuns(most)
                write(run_files.lines(records, form))
            return count

        count = await self.store.read(read)
        said: dict[str, Json] = {"format": form, "runs": count, "surface": surface, **_filter_words(wanted)}
        await self.store.write(lambda connection: self._record(connection, actor, wanted, said))
        return count

    def _records(
        self, connection: Connection, actor: Actor, wanted: RunFilter, sight: Sight
    ) -> Iterator[list[RunRecord]]:
        there = WhatIsThere(connection, actor)
        for rows in every_run(connection, wanted, sight, reads=there.discretion.reads, rows=ROWS):
            ids = [row.id for row in rows]
            used, steps = sum_usage(connection, ids), steps_of(connection, ids)
            said = self._said(connection, actor, rows)
            yield [
                RunRecord(
                    row, there.of(row), used.get(row.id, Consumed()), steps.get(row.id, ()), said[row.id]
                )
                for row in rows
            ]

    def _said(
        self, connection: Connection, actor: Actor, rows: Iterable[RunRow]
    ) -> dict[str, tuple[Score, ...]]:
        workflow_of = {row.id: row.workflow for row in rows}
        scores = scores_of(connection, list(workflow_of), SPOKEN)
        heard: dict[str, list[Score]] = {run_id: [] for run_id in workflow_of}
        for workflow in set(workflow_of.values()):
            ours = [score for score in scores if workflow_of[score.run_id] == workflow]
            for score in self.sights.heard(connection, actor, workflow, ours):
                heard[score.run_id].append(score)
        return {run_id: tuple(found) for run_id, found in heard.items()}

    def _record(self, connection: Connection, actor: Actor, wanted: RunFilter, said: dict[str, Json]) -> None:
        # the right may have been taken away while the file was written
        self.sights.taking(connection, actor, wanted)
        audit_log.append_event(
            connection,
            actor=actor.id,
            action="runs.exported",
            target=f"runs:{wanted.workflow or EVERYTHING}",
            context=said,
            at=self.clock.now(),
        )


def _filter_words(wanted: RunFilter) -> dict[str, Json]:
    moments = {"since": wanted.since, "until": wanted.until}
    return {
        "person": wanted.person,
        "state": wanted.state,
        "vote": wanted.vote,
        "text": wanted.text,
        **{name: at.isoformat() if at else "" for name, at in moments.items()},
    }
