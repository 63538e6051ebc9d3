"""The journal of one held run, as the engine's Journal port."""

from collections.abc import Mapping

from bot.adapters.store.database import Store
from bot.adapters.store.run_leases import Held
from bot.adapters.store.step_log import journal_step, read_steps
from workflows.run import StepRun


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
        """Keep one finished step. Raises LostLease."""
        await self._store.write(lambda connection: journal_step(connection, self._held, step), relaxed=True)
