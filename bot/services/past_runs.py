"""Everything about runs that are over, in one place for whoever shows it."""

from dataclasses import dataclass

from bot.adapters.store.database import Store
from bot.services.access import Access
from bot.services.catalogue import Catalogue
from bot.services.explaining import Explaining
from bot.services.run_exports import RunExports
from bot.services.run_history import RunHistory
from bot.services.run_sight import RunSights
from workflows.ports import Clock


@dataclass(frozen=True, slots=True)
class PastRuns:
    """The run log, and its files."""

    history: RunHistory
    exports: RunExports

    @classmethod
    def of(
        cls, store: Store, access: Access, catalogue: Catalogue, clock: Clock, explaining: Explaining
    ) -> "PastRuns":
        """Put together around one store."""
        sights = RunSights(access, catalogue)
        return cls(RunHistory(store, sights, explaining), RunExports(store, sights, clock))
