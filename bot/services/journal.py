"""The journal of one held run, as the engine's Journal port."""

from collections.abc import Mapping

from bot.adapters.store.database import Connection, Store
from bot.adapters.store.run_leases import Held
from bot.adapters.store.step_log import journal_step, read_steps
from workflows.run import StepRun

FREE = frozenset({"retrieve", "decide", "check", "template"})
"""Kinds of steps that touch nothing outside and, unless a model was asked, cost nothing to do again."""


class RunJournal:
    """Writes with the holder's fence, so a worker that lost the run records nothing more."""

    def __init__(self, store: Store, held: Held) -> None:
        self._store = store
        self._held = held

    async def finished(self) -> Mapping[str, StepRun]:
        """What earlier attempts finished."""
        if self._held.fence == 1:
            return {}
        return await self._store.read(lambda connection: read_steps(connection, self._held.run_id))

    async def record(self, step: StepRun) -> None:
        """Keep one finished step, with the next write when it costs nothing to do again. Raises LostLease."""

        def act(connection: Connection) -> None:
            journal_step(connection, self._held, step)

        if step.kind in FREE and not step.usage.input_tokens:
            self._store.leave(act)
        else:
            await self._store.write(act, relaxed=True)
