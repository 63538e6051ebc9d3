"""What everything else stands on: the database, the models, knowledge, rights and money."""

from dataclasses import dataclass

from bot.adapters.llm import Models
from bot.adapters.profiles import SHIPPED, read_profiles
from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue, WakeUp
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.lookout import Watching, watching
from bot.services.access import Access
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.catalogue import Catalogue
from bot.services.holdings import Holdings
from bot.settings import Settings, environment
from knowledge.embedding import Embedder
from workflows.ports import Clock


@dataclass(frozen=True, slots=True)
class Base:
    """What everything else stands on."""

    store: Store
    clock: Clock
    embedder: Embedder
    access: Access
    catalogue: Catalogue
    holdings: Holdings
    models: Models
    billing: Billing
    queue: RunQueue
    outgoing: WakeUp
    watching: Watching


def lay(settings: Settings, clock: Clock, embedder: Embedder) -> Base:
    """Construct it and bring the database up to date.

    Raises InvalidProfiles, TelemetryMissing, and errors of the database.
    """
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    profiles = read_profiles(models_text(settings), source=str(settings.models or SHIPPED))
    migrate(settings.store_url)
    store, outgoing, seen = Store(settings.store_url), WakeUp(), watching(settings)
    access = Access(store, clock, settings.admins)
    models = Models(
        profiles,
        store,
        embedder=embedder,
        clock=clock,
        environ=environment(),
        allows_unpriced=settings.unknown_price == "flag",
    )
    return Base(
        store=store,
        clock=clock,
        embedder=embedder,
        access=access,
        catalogue=Catalogue(store, access, clock, embedder.encode),
        holdings=Holdings(store, settings.data_dir, clock, chroma_url=settings.chroma_url, embedder=embedder),
        models=models,
        billing=Billing(
            store, clock, BudgetNotices(access), outgoing, teams=settings.teams, observers=seen.observers
        ),
        queue=_queue(store),
        outgoing=outgoing,
        watching=seen,
    )


def _queue(store: Store) -> RunQueue:
    """How workers hear of runs: on one machine by a bell, on several through PostgreSQL."""
    if store.is_sqlite:
        return EmbeddedQueue()
    from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue

    return ProcrastinateQueue(store.url)


def models_text(settings: Settings) -> str:
    """The text of models.yaml in force."""
    return (settings.models or SHIPPED).read_text(encoding="utf-8")
