"""Moving a workflow between draft, pilot, production and retired; each move authorised and on record."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.stages_log import Standing, lock_standing, read_standing, write_standing
from bot.adapters.store.versions_log import CANDIDATE, insert_version, move_label
from bot.governance.roles import Permission
from bot.governance.stages import Pilot, Stage, WrongStage, moved, resting
from bot.services.access import Access, NotAuthorized
from bot.services.actors import Actor
from bot.services.candidates import differences
from bot.services.catalogue import Catalogue, Content
from bot.services.contents import WORKFLOW
from bot.services.placement import has_production, label_for
from workflows.ports import Clock
from workflows.run import Json
from workflows.versions import content_hash

CARD = "stage"
"""First word of the subject of a workflow's readiness cards: `stage:<workflow>`."""
MOST_NAMED = 100
"""People and groups that one pilot names."""


class NoCandidate(Exception):
    """There is nothing that differs from production; fact `workflow`."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class NobodyToPilot(Exception):
    """Neither people, nor a group, nor a share between 1 and 100; fact `workflow`."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class Stages:
    """Where workflows stand, and the moves."""

    def __init__(
        self, store: Store, access: Access, catalogue: Catalogue, clock: Clock, outgoing: WakeUp
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._outgoing = outgoing

    def label_for(self, connection: Connection, workflow: str, actor: Actor) -> str:
        """The label whose versions this person runs. Raises Outsider, WorkflowRetired, NotInPilot."""
        return label_for(connection, self._access, workflow, actor)

    def standing_in(self, connection: Connection, workflow: str) -> Standing:
        """Where it stands; what nobody ever moved is in production. Raises UnknownWorkflow."""
        self._catalogue.find_in(connection, workflow)
        found = read_standing(connection, workflow)
        at = datetime.min.replace(tzinfo=self._clock.now().tzinfo)
        return found or Standing(workflow, resting(has_production(connection, workflow)), "", at)

    async def draft(self, actor: Actor, contents: Sequence[Content]) -> Standing:
        """Keep contents as the candidate of the last one's workflow; what is new becomes a draft.

        Raises Outsider, NotAuthorized, WrongStage when it is retired.
        """
        workflow = contents[-1].name

        def act(connection: Connection) -> Standing:
            self._access.authorise(connection, actor, Permission.PROMOTE, f"workflow:{workflow}")
            now = self._clock.now()
            stage = resting(has_production(connection, workflow))
            found = lock_standing(connection, Standing(workflow, stage, actor.id, now))
            if found.stage is Stage.RETIRED:
                raise WrongStage(workflow, found.stage, Stage.DRAFT.value)
            for content in contents:
                _label(connection, content, actor.id, now)
            standing = replace(found, moved_by=actor.id, moved_at=now)
            names: list[Json] = [f"{content.kind}:{content.name}" for content in contents]
            return self._keep(connection, actor.id, standing, "stage.drafted", {"contents": names})

        return await self._write(act)

    async def refuse_move(self, workflow: str, target: Stage) -> None:
        """Say before it is confirmed what stands in the way of a move.

        Raises UnknownWorkflow, WrongStage, NoCandidate.
        """

        def look(connection: Connection) -> None:
            standing = self.standing_in(connection, workflow)
            if target is Stage.PILOT:
                self._refuse_empty(connection, workflow)
            if not standing.stage is target is Stage.PILOT:
                moved(workflow, standing.stage, target)

        await self._store.read(look)

    def _refuse_empty(self, connection: Connection, workflow: str) -> None:
        if not differences(connection, self._catalogue, workflow):
            raise NoCandidate(workflow)

    async def pilot(
        self,
        actor: Actor,
        workflow: str,
        *,
        people: Collection[str] = (),
        groups: Collection[str] = (),
        share: int = 0,
    ) -> Standing:
        """Give the candidate to these people, groups and share of the others, in place of an earlier choice.

        Raises Outsider, NotAuthorized, UnknownWorkflow, NoCandidate, NobodyToPilot, WrongStage.
        """

        def change(connection: Connection, standing: Standing) -> Standing:
            named = len(people) + len(groups)
            if not 0 <= share <= 100 or named > MOST_NAMED or not (named or share):
                raise NobodyToPilot(workflow)
            self._refuse_empty(connection, workflow)
            now = self._clock.now()
            if standing.stage is not Stage.PILOT:
                moved(workflow, standing.stage, Stage.PILOT)
            pilot = Pilot(now, tuple(sorted(people)), tuple(sorted(groups)), share)
            if standing.stage is Stage.PILOT and standing.pilot is not None:
                # who gets it changes; what it is compared on goes on
                pilot = replace(pilot, since=standing.pilot.since, looks=standing.pilot.looks)
            return replace(standing, stage=Stage.PILOT, pilot=pilot, why="")

        facts: dict[str, Json] = {"people": [*sorted(people)], "groups": [*sorted(groups)], "share": share}
        return await self._move(actor, workflow, "stage.piloted", change, facts)

    async def pause(self, actor: Actor, workflow: str, why: str = "") -> Standing:
        """Give everybody what is in production until the pilot is resumed. Raises as `pilot`."""

        def change(_connection: Connection, standing: Standing) -> Standing:
            if standing.pilot is None or standing.pilot.paused:
                raise WrongStage(workflow, standing.stage, "pause")
            return replace(standing, pilot=replace(standing.pilot, paused=why or "by hand"))

        return await self._move(actor, workflow, "stage.paused", change, {"why": why})

    async def resume(self, actor: Actor, workflow: str) -> Standing:
        """Let a paused pilot go on; the guard begins to count anew. Raises as `pilot`."""

        def change(_connection: Connection, standing: Standing) -> Standing:
            if standing.pilot is None or not standing.pilot.paused:
                raise WrongStage(workflow, standing.stage, "resume")
            pilot = replace(standing.pilot, paused="", since=self._clock.now(), looks=None)
            return replace(standing, pilot=pilot)

        return await self._move(actor, workflow, "stage.resumed", change)

    async def stop(self, actor: Actor, workflow: str) -> Standing:
        """End a pilot without promoting: the candidate is kept and serves nobody. Raises as `pilot`."""

        def change(connection: Connection, standing: Standing) -> Standing:
            if standing.stage is not Stage.PILOT:
                raise WrongStage(workflow, standing.stage, "stop")
            back = moved(workflow, standing.stage, resting(has_production(connection, workflow)))
            return replace(standing, stage=back, pilot=None)

        return await self._move(actor, workflow, "stage.stopped", change)

    async def retire(self, actor: Actor, workflow: str, why: str = "") -> Standing:
        """Let nobody run it any more; its runs stay, and what is queued is finished. Raises as `pilot`."""

        def change(_connection: Connection, standing: Standing) -> Standing:
            return replace(
                standing, stage=moved(workflow, standing.stage, Stage.RETIRED), pilot=None, why=why
            )

        return await self._move(actor, workflow, "stage.retired", change, {"why": why})

    async def reopen(self, actor: Actor, workflow: str) -> Standing:
        """Bring a retired workflow back to where it rests. Raises as `pilot`."""

        def change(connection: Connection, standing: Standing) -> Standing:
            if standing.stage is not Stage.RETIRED:
                raise WrongStage(workflow, standing.stage, "reopen")
            back = moved(workflow, standing.stage, resting(has_production(connection, workflow)))
            return replace(standing, stage=back, why="")

        return await self._move(actor, workflow, "stage.reopened", change)

    async def expect(self, actor: Actor, workflow: str, monthly_runs: int) -> Standing:
        """Say how many runs a month are expected. Raises as `pilot`."""

        def change(_connection: Connection, standing: Standing) -> Standing:
            return replace(standing, monthly_runs=monthly_runs)

        return await self._move(actor, workflow, "stage.volume_set", change, {"monthly_runs": monthly_runs})

    async def overview(self, actor: Actor) -> tuple[Standing, ...]:
        """Where each workflow stands that the actor may move, run or see the runs of; outsiders see none."""

        def look(connection: Connection) -> tuple[Standing, ...]:
            names = sorted(
                name for kind, name in self._catalogue.versions(connection, CANDIDATE) if kind == WORKFLOW
            )
            return tuple(
                self.standing_in(connection, name) for name in names if self._sees(connection, actor, name)
            )

        return await self._store.read(look)

    def _sees(self, connection: Connection, actor: Actor, workflow: str) -> bool:
        scope = f"workflow:{workflow}"
        wanted = (Permission.PROMOTE, Permission.RUN, Permission.SEE_RUNS)
        return any(self._access.may(connection, actor, permission, scope) for permission in wanted)

    async def _move(
        self,
        actor: Actor,
        workflow: str,
        action: str,
        change: Callable[[Connection, Standing], Standing],
        facts: Mapping[str, Json] | None = None,
    ) -> Standing:
        """One authorised change of a standing, with its audit event and its cards drawn again."""

        def act(connection: Connection) -> Standing:
            self.authorise(connection, actor, workflow)
            before = lock_standing(connection, self.standing_in(connection, workflow))
            after = change(connection, before)
            kept = replace(after, moved_by=actor.id, moved_at=self._clock.now())
            context = {"before": before.stage.value, "after": after.stage.value, **(facts or {})}
            return self._keep(connection, actor.id, kept, action, context)

        return await self._write(act)

    def authorise(self, connection: Connection, actor: Actor, workflow: str) -> None:
        """Raise Outsider, NotAuthorized or UnknownWorkflow unless the actor may move it."""
        try:
            self._access.authorise(connection, actor, Permission.PROMOTE, f"workflow:{workflow}")
        except NotAuthorized:
            # who may not move it at least learns that it does not exist
            self._catalogue.find_in(connection, workflow)
            raise
        self._catalogue.find_in(connection, workflow)

    def _keep(
        self,
        connection: Connection,
        by: str,
        standing: Standing,
        action: str,
        context: Mapping[str, Json],
    ) -> Standing:
        write_standing(connection, standing)
        audit_log.append_event(
            connection,
            actor=by,
            action=action,
            target=f"workflow:{standing.workflow}",
            context=context,
            at=self._clock.now(),
        )
        outbox_log.redraw(connection, f"{CARD}:{standing.workflow}")
        return standing

    async def _write(self, act: Callable[[Connection], Standing]) -> Standing:
        standing = await self._store.write(act)
        self._outgoing.ring()
        return standing


def _label(connection: Connection, content: Content, author: str, now: datetime) -> None:
    stored = insert_version(
        connection,
        kind=content.kind,
        name=content.name,
        content=content.text,
        content_hash=content_hash(content.text),
        author=author,
        at=now,
    )
    move_label(
        connection,
        kind=content.kind,
        name=content.name,
        number=stored.number,
        by=author,
        at=now,
        label=CANDIDATE,
    )
