"""The loop that carries out evaluations asked for in chat: one at a time, under a lease."""

import asyncio
import contextlib
from dataclasses import dataclass, field

import structlog
from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp, ringing_on
from bot.adapters.store import evaluations_log, outbox_log
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import HeldEvaluation
from bot.adapters.store.store_down import StoreDown
from bot.services.evaluating import Evaluations
from bot.services.evaluation_material import Asked
from bot.services.evaluation_requests import SUBJECT
from bot.services.opaque_ids import incident_token
from workflows.ports import Clock

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EvaluationPace:
    """How the loop works."""

    look_s: float = 2.0
    lease_s: float = 60.0
    beat_s: float = 1.0
    """Time between two reports of how far it is."""


@dataclass(slots=True)
class _Progress:
    """How far one evaluation is."""

    done: int = 0
    total: int = 0

    def __call__(self, done: int, total: int) -> None:
        self.done, self.total = done, total


@dataclass(slots=True)
class EvaluationWork:
    """Part of a worker process. Any number of them may run."""

    store: Store
    evaluations: Evaluations
    clock: Clock
    bell: WakeUp
    outgoing: WakeUp
    pace: EvaluationPace = field(default_factory=EvaluationPace)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Carry out what is asked for until `stop` is set; what is then under way is put back."""
        async with ringing_on(stop, self.bell.ring):
            while not stop.is_set():
                try:
                    busy = await self._next(stop)
                except Exception:
                    log.exception("evaluations.look_failed")
                    busy = False
                if not busy:
                    await self.bell.wait(self.pace.look_s)

    async def drain(self) -> None:
        """Carry out what is asked for, until nothing is."""
        never = asyncio.Event()
        while await self._next(never):
            pass

    async def _next(self, stop: asyncio.Event) -> bool:
        lease_s = self.pace.lease_s
        held = await self.store.write(
            lambda connection: evaluations_log.claim_evaluation(connection, lease_s=lease_s)
        )
        if held is None:
            return False
        progress = _Progress()
        asked = Asked(held.id, held.workflow, held.subject, held.label, held.asked_by, held.fence)
        task = asyncio.create_task(self.evaluations.carry_out(asked, on_progress=progress))
        ending = asyncio.create_task(stop.wait())
        try:
            await self._watch(held, task, ending, progress)
        finally:
            ending.cancel()
            if not task.done():
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        await self._redraw(held)
        return True

    async def _watch(
        self,
        held: HeldEvaluation,
        task: "asyncio.Task[object]",
        ending: "asyncio.Task[bool]",
        progress: _Progress,
    ) -> None:
        """Report how far it is until it ends, a person or this process stops it, or the lease is over."""
        loop = asyncio.get_running_loop()
        held_at = loop.time()
        while not task.done():
            await asyncio.wait({task, ending}, timeout=self.pace.beat_s, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                break
            began, is_ours = loop.time(), None
            if not ending.done():
                is_ours = await self._beat(held, progress)
                held_at = began if is_ours else held_at
                if is_ours or (is_ours is None and loop.time() - held_at < self.pace.lease_s):
                    continue
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            if is_ours is None:
                await self.store.write(
                    lambda connection: evaluations_log.put_back(connection, held.id, held.fence)
                )
            return
        error = None if task.cancelled() else task.exception()
        if error is not None:
            await self._fail(held, error)

    async def _beat(self, held: HeldEvaluation, progress: _Progress) -> bool | None:
        """Hold it longer and have its message drawn.

        False when it is not ours any more, None when the database does not say: the lease may outlast that.
        """

        def act(connection: Connection) -> bool:
            is_ours = evaluations_log.note_progress(
                connection,
                held.id,
                held.fence,
                done=progress.done,
                total=progress.total,
                lease_s=self.pace.lease_s,
            )
            if is_ours:
                outbox_log.redraw(connection, f"{SUBJECT}:{held.id}")
            return is_ours

        try:
            is_ours = await self.store.write(act)
        except StoreDown as error:
            log.warning("evaluation.not_held", evaluation=held.id, why=error.why)
            return None
        self.outgoing.ring()
        return is_ours

    async def _fail(self, held: HeldEvaluation, error: BaseException) -> None:
        token = incident_token()
        log.error("evaluation.failed", evaluation=held.id, token=token, exc_info=error)
        facts = {name: str(value) for name, value in getattr(error, "facts", {}).items()}
        why = {"kind": type(error).__name__, "facts": facts, "token": token}
        now = self.clock.now()
        await self.store.write(
            lambda connection: evaluations_log.fail_evaluation(
                connection, held.id, held.fence, why=why, at=now
            )
        )

    async def _redraw(self, held: HeldEvaluation) -> None:
        await self.store.write(lambda connection: outbox_log.redraw(connection, f"{SUBJECT}:{held.id}"))
        self.outgoing.ring()
