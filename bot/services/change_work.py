"""What happens to change requests by itself: testing, applying, going stale, expiring, telling who waits."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import structlog
from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp, ringing_on
from bot.adapters.store import changes_log as log
from bot.adapters.store.changes_log import ChangeRow, HeldChange
from bot.adapters.store.database import Store
from bot.adapters.store.outbox_log import redraw
from bot.governance.changes import UNDECIDED, ChangeStatus, Target
from bot.quality.evaluation import EvaluationReport
from bot.services.actors import Actor
from bot.services.change_posts import groups_to_ask, post_to_members
from bot.services.change_record import Step, locked, move
from bot.services.change_requests import Changes
from bot.services.change_views import ChangeView, Tested, subject_of, target_of
from bot.services.contents import Content
from bot.services.opaque_ids import incident_token
from bot.services.promotion import Directory
from bot.services.work import ITSELF
from workflows.ports import Clock
from workflows.run import Json

if TYPE_CHECKING:
    from bot.services.rehearsing import Rehearsal

log_ = structlog.get_logger(__name__)

SPANWISE = Actor(ITSELF)
"""Who applies what a person approved."""

TRIED = frozenset({"workflow", "prompt", "parameters", "rules", "models", "document"})
"""Kinds whose content can be tried out before it is in force."""


class Comparer(Protocol):
    """Runs the cases of a workflow on what is live and on what is proposed."""

    async def compare(
        self,
        workflow: str,
        contents: Sequence[Content],
        *,
        by: str,
        subject: str,
        label: str,
        knowledge: "Rehearsal | None" = None,
    ) -> EvaluationReport:
        """How both sides came out. A workflow without cases gives a report without rows."""
        ...


Listener: TypeAlias = Callable[[ChangeView], Awaitable[None]]
"""Hears of each applied change, again after a crash: hearing twice must do no harm."""


@dataclass(frozen=True, slots=True)
class TestPace:
    """How a tester works."""

    look_s: float = 1.0
    lease_s: float = 60.0
    tries: int = 3
    """Times that testing may fail before the change is shown as not tested."""


@dataclass(slots=True)
class ChangeWork:
    """The loop of a worker process. Any number of them may run."""

    store: Store
    changes: Changes
    comparer: Comparer
    clock: Clock
    outgoing: WakeUp
    bell: WakeUp
    listeners: Sequence[Listener] = ()
    directory: Directory | None = None
    """Names the members of user groups; without it only people named themselves are asked."""
    pace: TestPace = field(default_factory=TestPace)
    _asked: set[str] = field(default_factory=set)
    """Changes whose groups were asked by this process: once more after a restart does no harm."""
    _failures: dict[str, int] = field(default_factory=dict)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; a test under way is let go of and taken up by the next worker."""
        async with ringing_on(stop, self.bell.ring):
            while not stop.is_set():
                working = asyncio.create_task(self.drain())
                stopping = asyncio.create_task(stop.wait())
                await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stopping.cancel()
                if not working.done():
                    working.cancel()
                await asyncio.gather(working, stopping, return_exceptions=True)
                if not working.cancelled() and working.exception() is not None:
                    log_.error("changes.round_failed", exc_info=working.exception())
                if not stop.is_set():
                    await self.bell.wait(self.pace.look_s)

    async def drain(self) -> None:
        """Do all that is due now."""
        await self._sweep()
        await self._ask_groups()
        await self._apply()
        while await self._test():
            await self._apply()
        await self._announce()

    async def _sweep(self) -> None:
        """Let go stale what stands on something that moved, and expire what was left lying."""
        rows = await self.store.read(log.undecided_changes)
        due = [row.id for row in rows if row.expires_at <= self.clock.now()]
        moved = await self.store.read(
            lambda connection: [r.id for r in rows if self._is_moved(connection, r)]
        )
        for change_id in due:
            await self._write(partial(self._expire, change_id=change_id))
        for change_id in moved:
            await self._write(partial(self._put_aside, change_id=change_id))

    async def _ask_groups(self) -> None:
        """Show what stands in no channel to those who may approve through a user group only."""
        if self.directory is None:
            return
        for row in await self.store.read(log.undecided_changes):
            if row.id in self._asked:
                continue
            groups = await self.store.read(partial(self._groups, row=row))
            try:
                members = [each.person for each in await self.directory.holders(groups) if each.is_active]
            except Exception as error:
                # Slack may be away for a while; the next round asks again
                log_.info("changes.members_unknown", change=row.id, error=type(error).__name__)
                continue
            self._asked.add(row.id)
            if members:
                at = self.clock.now()
                await self._write(partial(post_to_members, row=row, members=members, at=at))

    def _groups(self, connection: Connection, row: ChangeRow) -> list[str]:
        ways = self.changes.proposals.ways
        return groups_to_ask(connection, self.changes.releases.targets, row, ways.review_channel)

    def _is_moved(self, connection: Connection, row: ChangeRow) -> bool:
        is_stale = row.status == ChangeStatus.STALE.value
        return not is_stale and self.changes.releases.why_stale(connection, row) is not None

    def _expire(self, connection: Connection, change_id: str) -> None:
        row = locked(connection, change_id)
        if ChangeStatus(row.status) in UNDECIDED and row.expires_at <= self.clock.now():
            step = Step("expired", ITSELF)
            why = {"reason": "expired", "was": row.status}
            move(connection, row, ChangeStatus.EXPIRED, step, at=self.clock.now(), why=why)

    def _put_aside(self, connection: Connection, change_id: str) -> None:
        row = locked(connection, change_id)
        if ChangeStatus(row.status) in UNDECIDED - {ChangeStatus.STALE}:
            why = self.changes.releases.why_stale(connection, row)
            if why is not None:
                self.changes.releases.put_aside(connection, row, why)

    async def _apply(self) -> None:
        """Apply what was approved: documents, and what a process left behind when it died."""
        for change_id in await self.store.read(log.changes_to_apply):
            try:
                await self.changes.apply(change_id, SPANWISE)
            except Exception:
                log_.exception("changes.not_applied", change=change_id, token=incident_token())

    async def _test(self) -> bool:
        """Test one change; False when none waits."""
        if not await self.store.read(log.is_waiting):
            return False
        row = await self.store.write(
            lambda connection: log.claim_change(connection, lease_s=self.pace.lease_s)
        )
        if row is None:
            return False
        held = HeldChange(row.id, row.fence)
        await self._write(lambda connection: redraw(connection, subject_of(row.id)))
        testing = asyncio.create_task(self._tests(row))
        beating = asyncio.create_task(self._beat(held, testing))
        try:
            await asyncio.wait({testing})
        except asyncio.CancelledError:
            testing.cancel()
            await asyncio.wait({testing})
            await self.store.write(lambda connection: log.drop_hold(connection, held))
            raise
        finally:
            beating.cancel()
        if testing.cancelled():
            # it is not ours any more
            return True
        try:
            tests = testing.result()
        except Exception as error:
            return await self._failed(row, held, error)
        await self._write(lambda connection: self._tested(connection, held, tests))
        return True

    async def _tests(self, row: ChangeRow) -> dict[str, Any]:
        """Summaries by workflow, and the workflows that nothing could be said of."""
        target = target_of(row)
        reports, untested = [], []
        knowledge = await self._knowledge(target, row.content) if row.affected else None
        contents = [] if knowledge else [Content(target.kind, target.name, row.content)]
        for workflow in row.affected if target.kind in TRIED else ():
            report = await self.comparer.compare(
                workflow,
                contents,
                by=row.author_id,
                subject=subject_of(row.id),
                label=row.label,
                knowledge=knowledge,
            )
            if report.rows:
                reports.append(Tested.of(report).as_json())
            else:
                untested.append(workflow)
        rest = [] if target.kind in TRIED else list(row.affected)
        return {"reports": reports, "untested": untested + rest}

    async def _knowledge(self, target: Target, text: str) -> "Rehearsal | None":
        """What would be searched with a document changed; None for everything else."""
        if target.kind != "document":
            return None
        collection, _, path = target.name.partition("/")
        return await self.changes.releases.targets.holdings.rehearse(collection, path, text)

    def _tested(self, connection: Connection, held: HeldChange, tests: dict[str, Any]) -> None:
        row = locked(connection, held.id)
        if (row.status, row.fence) != (ChangeStatus.TESTING.value, held.fence):
            # withdrawn, revised or taken by another while it was tested
            return
        cost = sum((Decimal(each["cost_new"]) for each in tests["reports"]), Decimal(0))
        context: dict[str, Json] = {
            "evaluations": [each["evaluation_id"] for each in tests["reports"]],
            "newly_failing": [case for each in tests["reports"] for case in each["newly_failing"]],
            "cost_usd": str(cost),
        }
        step = Step("tested", ITSELF, context=context)
        row = move(connection, row, ChangeStatus.IN_REVIEW, step, at=self.clock.now(), held=held, tests=tests)
        if row.approvals == 0:
            self._settle(connection, row)

    def _settle(self, connection: Connection, row: ChangeRow) -> None:
        """Where the policy asks for nobody, what fails no case is in force at once."""
        author = Actor.from_json(row.author)
        row = self.changes.decisions.settle(connection, row, author)
        if row.status == ChangeStatus.APPROVED.value and row.kind != "document":
            self.changes.releases.apply(connection, row, author)

    async def _failed(self, row: ChangeRow, held: HeldChange, error: Exception) -> bool:
        """Try again later; after a few times, show it as not tested rather than for ever in tests."""
        token = incident_token()
        log_.error("changes.not_tested", change=row.id, token=token, exc_info=error)
        self._failures[row.id] = self._failures.get(row.id, 0) + 1
        if self._failures[row.id] < self.pace.tries:
            await self.store.write(lambda connection: log.drop_hold(connection, held))
            return False
        del self._failures[row.id]
        tests = {"reports": [], "untested": list(row.affected), "token": token}
        await self._write(lambda connection: self._tested(connection, held, tests))
        return True

    async def _beat(self, held: HeldChange, testing: "asyncio.Task[Any]") -> None:
        """Hold it while it is tested; what is withdrawn, revised or taken by another is tested no longer."""
        is_ours = True
        while is_ours:
            await asyncio.sleep(self.pace.lease_s / 3)
            try:
                is_ours = await self.store.write(
                    lambda connection: log.extend_hold(connection, held, lease_s=self.pace.lease_s),
                    relaxed=True,
                )
            except Exception as error:
                # the lease may outlast it
                log_.warning("changes.not_held", change=held.id, error=type(error).__name__)
        testing.cancel()

    async def _announce(self) -> None:
        """Tell the listeners of what was applied, each at least once."""
        for change_id in await self.store.read(log.changes_to_announce):
            view = await self.changes.view(change_id)
            try:
                for listener in self.listeners:
                    await listener(view)
            except Exception:
                log_.exception("changes.not_announced", change=change_id)
                continue
            await self.store.write(partial(log.set_change, change_id=change_id, is_announced=True))

    async def _write(self, act: Callable[[Connection], None]) -> None:
        await self.store.write(act)
        self.outgoing.ring()
