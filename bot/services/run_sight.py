"""Whose runs a person sees, whose they may take away, and what of a run is there to be read."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

from bot.adapters.store.database import Connection
from bot.adapters.store.retention_log import read_retention
from bot.adapters.store.run_log import RunRow
from bot.adapters.store.run_search import Sight, has_runs
from bot.adapters.store.scores import Score
from bot.governance.roles import EVERYTHING, Permission
from bot.governance.run_filter import RunFilter
from bot.services.access import OPERATOR, WORKFLOW_SCOPE, Access, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.complaints import VOTE, person_source
from bot.services.discretion import Discretion
from bot.services.placement import NotInPilot, WorkflowRetired
from bot.services.run_files import Content

TAKERS = (Permission.SEE_RUNS, Permission.EXPORT)
"""Either takes runs of a workflow away."""


@dataclass(frozen=True, slots=True)
class RunSights:
    """Answers from the grants, inside the transaction that reads the runs."""

    access: Access
    catalogue: Catalogue

    def looking(self, connection: Connection, actor: Actor, wanted: RunFilter) -> Sight:
        """One's own, and everybody's where one holds SEE_RUNS.

        Raises Outsider, NotAuthorized (somebody else's runs are wanted), UnknownWorkflow.
        """
        self._refuse(connection, actor, wanted)
        seen = self.access.workflows(connection, actor, Permission.SEE_RUNS)
        sight = Sight("" if actor.id == OPERATOR else actor.id, seen)
        if wanted.person not in ("", actor.id) and not sees_others(sight, wanted):
            self._refuse_others(connection, actor, wanted)
        return sight

    def taking(self, connection: Connection, actor: Actor, wanted: RunFilter) -> Sight:
        """Whose runs may be taken away; for one's own one needs the right as well.

        Raises Outsider, NotAuthorized, UnknownWorkflow.
        """
        self._refuse(connection, actor, wanted)
        sight = self._takeable(connection, actor)
        if not sees_others(sight, wanted):
            self._refuse_others(connection, actor, wanted)
        return sight

    def may_take(self, connection: Connection, actor: Actor, wanted: RunFilter) -> bool:
        """Whether `taking` would give something."""
        return sees_others(self._takeable(connection, actor), wanted)

    def heard(
        self, connection: Connection, actor: Actor, workflow: str, scores: Iterable[Score]
    ) -> Iterator[Score]:
        """What people said of runs of one workflow: reasons and corrections are for those who decide about
        bad answers, as everybody who writes one is told; votes are for all who see other people's runs."""
        scope, own = f"{WORKFLOW_SCOPE}{workflow}", person_source(actor.id)
        sees, decides = (
            self.access.may(connection, actor, permission, scope)
            for permission in (Permission.SEE_RUNS, Permission.TRIAGE)
        )
        for score in scores:
            if decides or score.source == own:
                yield score
            elif sees and score.name == VOTE:
                yield replace(score, reason="")

    def _takeable(self, connection: Connection, actor: Actor) -> Sight:
        held = [self.access.workflows(connection, actor, permission) for permission in TAKERS]
        return Sight("", None if None in held else frozenset[str]().union(*filter(None, held)))

    def _refuse(self, connection: Connection, actor: Actor, wanted: RunFilter) -> None:
        if actor.is_outsider:
            raise Outsider(actor.id)
        if wanted.workflow and not has_runs(connection, wanted.workflow):
            with suppress(NotInPilot, WorkflowRetired):
                self.catalogue.find_in(connection, wanted.workflow)

    def _refuse_others(self, connection: Connection, actor: Actor, wanted: RunFilter) -> None:
        scope = f"{WORKFLOW_SCOPE}{wanted.workflow}" if wanted.workflow else EVERYTHING
        self.access.authorise(connection, actor, Permission.SEE_RUNS, scope)


class WhatIsThere:
    """Says of each run whether its words are there and may be read."""

    def __init__(self, connection: Connection, actor: Actor) -> None:
        self.discretion = Discretion(connection, actor)
        self._emptied = emptied_until(connection)

    def of(self, row: RunRow) -> Content:
        """Of a row of the store."""
        if is_emptied(self._emptied, row.workflow, row.finished_at):
            return "deleted"
        return "kept" if self.discretion.reads(row) else "withheld"


def sees_others(sight: Sight, wanted: RunFilter) -> bool:
    """Whether other people's runs are among what is seen of what is wanted."""
    return sight.covers(wanted.workflow) if wanted.workflow else sight.workflows != frozenset()


def emptied_until(connection: Connection) -> Mapping[str, datetime]:
    """By workflow the time before which its runs have been emptied."""
    kept = read_retention(connection).values()
    return {each.workflow: each.emptied_until for each in kept if each.emptied_until is not None}


def is_emptied(emptied: Mapping[str, datetime], workflow: str, ended_at: datetime | None) -> bool:
    """Whether what was asked and answered has been deleted after its time."""
    until = emptied.get(workflow)
    return until is not None and ended_at is not None and ended_at < until
