"""What taking a command needs, constructed: a process that only does that has little else in memory."""

from dataclasses import dataclass
from pathlib import Path

from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue, WakeUp
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.adapters.store.run_turns import Shares
from bot.governance.admission import Limits
from bot.lookout import Watching, watching
from bot.services.access import Access
from bot.services.admitting import Admission
from bot.services.catalogue import Catalogue, Encode
from bot.services.elsewhere import encode_elsewhere
from bot.services.handing_over import HandOvers
from bot.services.preferences import Preferences
from bot.services.runs import Runs
from bot.settings import Settings
from workflows.ports import Clock


class DataFolderUnusable(Exception):
    """The data folder is a file, or cannot be made; fact `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path)}


@dataclass(frozen=True, slots=True)
class Front:
    """The database, who may do what, and what there is to run."""

    settings: Settings
    store: Store
    clock: Clock
    encode: Encode
    access: Access
    catalogue: Catalogue
    queue: RunQueue
    outgoing: WakeUp
    hand_overs: HandOvers
    runs: Runs
    preferences: Preferences
    watching: Watching


def open_front(
    settings: Settings, clock: Clock, encode: Encode = encode_elsewhere, *, readers: int = 4
) -> Front:
    """Construct it and bring the database up to date.

    Raises DataFolderUnusable, TelemetryMissing and errors of the database.
    """
    make_data_folder(settings)
    migrate(settings.store_url)
    store, outgoing = Store(settings.store_url, readers=readers), WakeUp()
    seen = watching(settings)
    access, queue = Access(store, clock, settings.admins), _queue(store)
    catalogue = Catalogue(store, access, clock, encode)
    return Front(
        settings=settings,
        store=store,
        clock=clock,
        encode=encode,
        access=access,
        catalogue=catalogue,
        queue=queue,
        outgoing=outgoing,
        hand_overs=HandOvers(store, clock),
        runs=Runs(store, catalogue, access, clock, queue, outgoing, _admission(settings), seen.observers),
        preferences=Preferences(store, clock),
        watching=seen,
    )


def make_data_folder(settings: Settings) -> None:
    """See that the data folder is there. Raises DataFolderUnusable."""
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataFolderUnusable(settings.data_dir) from error


def _admission(settings: Settings) -> Admission:
    limits = Limits(settings.person_waiting, settings.queue_waiting, settings.longest_wait)
    return Admission(limits, shares_of(settings))


def shares_of(settings: Settings) -> Shares:
    """How much of the workers one person and one workflow may have."""
    return Shares(settings.person_share, settings.workflow_share)


def _queue(store: Store) -> RunQueue:
    """How workers hear of runs: on one machine by a bell, on several through PostgreSQL."""
    if store.is_sqlite:
        return EmbeddedQueue()
    from bot.adapters.queue.procrastinate_queue import ProcrastinateQueue

    return ProcrastinateQueue(store.url)
