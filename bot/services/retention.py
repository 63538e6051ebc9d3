"""How long what was asked and answered is kept, by workflow, and the nightly work that deletes it after that.

Numbers, endings, versions and costs of runs stay for ever; audit events hold no content.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.adapters.store import audit_log, retention_log
from bot.adapters.store.database import Store
from bot.adapters.store.retention_log import Kept
from bot.adapters.store.run_search import has_runs
from bot.governance.retention_words import FOR_EVER
from bot.governance.roles import EVERYTHING, Permission
from bot.services.access import WORKFLOW_SCOPE, Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.work import ITSELF
from workflows.ports import Clock
from workflows.run import Json

BATCH = 200
"""Runs that are emptied together."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long one workflow's content is kept."""

    workflow: str
    days: int
    """FOR_EVER, or the age in days after which it is deleted."""
    is_own: bool
    """Somebody said so for this workflow; else it is as the setting says."""
    set_by: str = ""
    emptied_until: datetime | None = None
    """Content of runs that ended before is gone."""


@dataclass(frozen=True, slots=True)
class KeepingChange:
    """What a change would do."""

    workflow: str
    days: int | None
    """As it was asked for: None as the setting says."""
    now: Keeping
    then: Keeping
    loses: int
    """Runs whose content would be deleted the next night, and is there now."""


class Retention:
    """Says and sets for whoever holds RETAIN over the workflow."""

    def __init__(
        self, store: Store, access: Access, catalogue: Catalogue, clock: Clock, default_days: int = FOR_EVER
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._default_days = default_days

    async def overview(self, actor: Actor) -> tuple[Keeping, ...]:
        """Each workflow that the actor may set it for. Raises Outsider, NotAuthorized when there is none."""

        def look(connection: Connection) -> tuple[Keeping, ...]:
            kept = retention_log.read_retention(connection)
            names = {item.name for item in self._catalogue.released_in(connection)} | set(kept)
            mine = [name for name in sorted(names) if self._may(connection, actor, name)]
            if not mine:
                self._access.authorise(connection, actor, Permission.RETAIN, EVERYTHING)
            return tuple(self._keeping(name, kept.get(name)) for name in mine)

        return await self._store.read(look)

    async def preview(self, actor: Actor, workflow: str, days: int | None) -> KeepingChange:
        """What setting it would do. Raises Outsider, NotAuthorized, UnknownWorkflow."""
        return await self._store.read(lambda connection: self._change(connection, actor, workflow, days))

    async def keep(self, actor: Actor, workflow: str, days: int | None) -> KeepingChange:
        """Set it; deleting begins the next night. Raises as `preview`."""

        def act(connection: Connection) -> KeepingChange:
            change, now = self._change(connection, actor, workflow, days), self._clock.now()
            retention_log.write_days(connection, workflow, days, actor.id, now)
            context: dict[str, Json] = {"from": change.now.days, "to": change.then.days}
            self._record(connection, actor.id, "retention.changed", workflow, context)
            return change

        return await self._store.write(act)

    async def empty_due(self) -> Mapping[str, int]:
        """Delete what is due; by workflow how many runs were emptied. Harmless to repeat."""
        emptied: dict[str, int] = {}
        for workflow in await self._store.read(retention_log.workflows_run):
            count = await self._empty_workflow(workflow)
            if count:
                emptied[workflow] = count
        return emptied

    async def _empty_workflow(self, workflow: str) -> int:
        total, more = 0, True
        while more:
            count, more = await self._store.write(lambda connection: self._empty(connection, workflow))
            total += count
        return total

    def _empty(self, connection: Connection, workflow: str) -> tuple[int, bool]:
        """One batch; whether there is more."""
        now = self._clock.now()
        keeping = self._keeping(workflow, retention_log.read_retention(connection).get(workflow))
        before = _before(keeping, now)
        if before is None or (keeping.emptied_until and keeping.emptied_until >= before):
            return 0, False
        rows, until = retention_log.due_runs(connection, workflow, keeping.emptied_until, before, BATCH)
        retention_log.empty_runs(connection, rows)
        if until == before:
            retention_log.empty_late_words(connection, workflow, before)
            retention_log.empty_digests(connection, workflow, before)
            retention_log.empty_reports(connection, workflow, keeping.emptied_until, before)
        retention_log.mark_emptied(connection, workflow, until, now)
        if rows:
            said: dict[str, Json] = {"runs": len(rows), "until": until.isoformat(), "days": keeping.days}
            self._record(connection, ITSELF, "retention.emptied", workflow, said)
        return len(rows), until < before

    def _change(self, connection: Connection, actor: Actor, workflow: str, days: int | None) -> KeepingChange:
        if not has_runs(connection, workflow):
            self._catalogue.find_in(connection, workflow)
        self._access.authorise(connection, actor, Permission.RETAIN, f"{WORKFLOW_SCOPE}{workflow}")
        kept = retention_log.read_retention(connection).get(workflow)
        now = self._keeping(workflow, kept)
        then = Keeping(workflow, self._default_days if days is None else days, days is not None, actor.id)
        before = _before(then, self._clock.now())
        loses = 0
        if before is not None:
            loses = retention_log.count_ended(connection, workflow, now.emptied_until, before)
        return KeepingChange(workflow, days, now, then, loses)

    def _keeping(self, workflow: str, kept: Kept | None) -> Keeping:
        if kept is None:
            return Keeping(workflow, self._default_days, is_own=False)
        days = self._default_days if kept.days is None else kept.days
        return Keeping(workflow, days, kept.days is not None, kept.set_by, kept.emptied_until)

    def _may(self, connection: Connection, actor: Actor, workflow: str) -> bool:
        return self._access.may(connection, actor, Permission.RETAIN, f"{WORKFLOW_SCOPE}{workflow}")

    def _record(
        self, connection: Connection, by: str, action: str, workflow: str, context: Mapping[str, Json]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=by,
            action=action,
            target=f"retention:{workflow}",
            context=context,
            at=self._clock.now(),
        )


def _before(keeping: Keeping, now: datetime) -> datetime | None:
    """Content of runs that ended before is due; None when it is kept for ever."""
    return None if keeping.days == FOR_EVER else now - timedelta(days=keeping.days)
