"""The guard of pilots: rests a candidate that does significantly worse, and tells those who answer for it."""

from dataclasses import replace

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.grants import holders_of
from bot.adapters.store.pilot_runs import tally
from bot.adapters.store.run_log import read_run
from bot.adapters.store.stages_log import (
    Standing,
    lock_standing,
    read_standing,
    read_standings,
    write_standing,
)
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.governance.roles import Role
from bot.governance.stages import Stage
from bot.quality.pilots import Decision, Side, guard
from bot.services.access import Access
from bot.services.opaque_ids import message_id
from bot.services.placement import owners_of
from bot.services.staging import CARD
from bot.services.work import ITSELF
from workflows.ports import Clock

PAUSED_KIND = "pilot-paused"
"""Kind of outbox message."""


class PilotWatch:
    """Looks at pilots: by the clock, and after each vote on a run of one."""

    def __init__(self, store: Store, access: Access, clock: Clock, outgoing: WakeUp) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._outgoing = outgoing

    async def look(self) -> tuple[str, ...]:
        """Look at every pilot; returns those that rest from now on."""
        standings = await self._store.read(read_standings)
        paused = []
        for name, standing in standings.items():
            if _is_serving(standing) and await self._look(name):
                paused.append(name)
        self._outgoing.ring()
        return tuple(paused)

    async def _look(self, workflow: str) -> bool:
        return await self._store.write(lambda connection: self.look_in(connection, workflow))

    def after_vote(self, connection: Connection, run_id: str) -> None:
        """Look at the pilot that a run was part of, in the transaction of the vote."""
        row = read_run(connection, run_id)
        if row is not None and row.label == CANDIDATE:
            self.look_in(connection, row.workflow)

    def look_in(self, connection: Connection, workflow: str) -> bool:
        """Look at one pilot; True when it rests from now on."""
        seen = read_standing(connection, workflow)
        if seen is None or not _is_serving(seen):
            return False
        standing = lock_standing(connection, seen)
        if not _is_serving(standing) or standing.pilot is None:
            return False
        found = tally(connection, workflow, standing.pilot.since)
        decision = guard(found[PRODUCTION], found[CANDIDATE], standing.pilot.looks or {})
        if decision.looks == (standing.pilot.looks or {}):
            return False
        paused = decision.pause.value if decision.pause else ""
        pilot = replace(standing.pilot, looks=decision.looks, paused=paused)
        write_standing(connection, replace(standing, pilot=pilot))
        if decision.pause:
            self._tell(connection, standing, decision, found[PRODUCTION], found[CANDIDATE])
        return bool(decision.pause)

    def _tell(
        self, connection: Connection, standing: Standing, decision: Decision, old: Side, new: Side
    ) -> None:
        """On record, and to the owners in their direct messages."""
        now, workflow = self._clock.now(), standing.workflow
        facts = {
            "measure": decision.pause.value if decision.pause else "",
            "chance": f"{decision.chance:.4f}",
            "production": f"{old.up} up, {old.down} down, {old.failed} of {old.runs} failed",
            "candidate": f"{new.up} up, {new.down} down, {new.failed} of {new.runs} failed",
        }
        sealed = audit_log.append_event(
            connection,
            actor=ITSELF,
            action="stage.paused",
            target=f"workflow:{workflow}",
            context={"before": standing.stage.value, "after": standing.stage.value, **facts},
            at=now,
        )
        for person in self._whom(connection, standing):
            item = outbox_log.NewItem(
                id=message_id(f"{CARD}:{workflow}", f"{sealed}:{person}"),
                kind=PAUSED_KIND,
                channel=person,
                body={"person": person, "workflow": workflow, **facts},
            )
            outbox_log.insert_item(connection, item, now)
        outbox_log.redraw(connection, f"{CARD}:{workflow}")

    def _whom(self, connection: Connection, standing: Standing) -> tuple[str, ...]:
        """The owners as Slack last knew them, else as they were named, else whoever may move it."""
        known = [holder.person for holder in standing.holders if holder.is_active]
        named = holders_of(connection, Role.OWNER, f"workflow:{standing.workflow}")
        may = owners_of(connection, self._access, standing.workflow)
        for people in (known, named, may):
            found = tuple(dict.fromkeys(person for person in people if person.startswith(("U", "W"))))
            if found:
                return found
        return ()


def _is_serving(standing: Standing) -> bool:
    return standing.stage is Stage.PILOT and standing.pilot is not None and not standing.pilot.paused
