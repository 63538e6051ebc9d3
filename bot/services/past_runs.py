"""Everything about runs that are over, in one place for whoever shows it."""

from dataclasses import dataclass

from bot.adapters.store.database import Store
from bot.services.access import Access
from bot.services.catalogue import Catalogue
from bot.services.explaining import Explaining
from bot.services.retention import Retention
from bot.services.run_exports import RunExports
from bot.services.run_history import RunHistory
from bot.services.run_sight import RunSights
from workflows.ports import Clock


@dataclass(frozen=True, slots=True)
class PastRuns:
    """The run log, its files, and how long its content is kept."""

    history: RunHistory
    exports: RunExports
    retention: Retention

    @classmethod
    def of(
        cls,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        clock: Clock,
        explaining: Explaining,
        retention_days: int = 0,
    ) -> "PastRuns":
        """Put together around one store."""
        sights = RunSights(access, catalogue)
        return cls(
            RunHistory(store, sights, explaining),
            RunExports(store, sights, clock),
            Retention(store, access, catalogue, clock, retention_days),
        )
