"""What everything else stands on: the database, the models, knowledge, rights and money."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bot.adapters.llm import Models
from bot.adapters.profiles import SETTING, SHIPPED, read_profiles
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.front import Front
from bot.services.access import Access
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.catalogue import Catalogue, Encode
from bot.services.elsewhere import HoldingsElsewhere
from bot.settings import Settings
from bot.settings_reading import environment
from workflows.ports import Clock

if TYPE_CHECKING:
    from bot.services.holdings import Holdings
    from knowledge.embedding import Embedder


class ModelsUnreadable(Exception):
    """The setting names no file of text; facts `file` and `setting`."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"file": str(path), "setting": SETTING}


@dataclass(frozen=True, slots=True)
class Base:
    """What everything else stands on."""

    front: Front
    store: Store
    clock: Clock
    embedder: "Embedder"
    encode: Encode
    access: Access
    catalogue: Catalogue
    holdings: "Holdings"
    models: Models
    billing: Billing
    outgoing: WakeUp


def lay(front: Front, embedder: "Embedder | None") -> Base:
    """Construct it. Raises InvalidProfiles, ModelsUnreadable.

    Without an embedder, what needs models or vectors is left to a worker, and its libraries are never loaded.
    """
    settings, store, clock = front.settings, front.store, front.clock
    models = Models(
        read_profiles(models_text(settings), source=str(settings.models or SHIPPED)),
        store,
        embedder=embedder,
        clock=clock,
        environ=environment(),
        allows_unpriced=settings.unknown_price == "flag",
    )
    return Base(
        front=front,
        store=store,
        clock=clock,
        embedder=cast("Embedder", embedder),
        encode=front.encode,
        access=front.access,
        catalogue=front.catalogue,
        holdings=_holdings(front, embedder),
        models=models,
        billing=Billing(
            store,
            clock,
            BudgetNotices(front.access),
            front.outgoing,
            teams=settings.teams,
            observers=front.watching.observers,
        ),
        outgoing=front.outgoing,
    )


def _holdings(front: Front, embedder: "Embedder | None") -> "Holdings":
    if embedder is None:
        return cast("Holdings", HoldingsElsewhere())
    # tens of MiB that a process which only takes requests does without
    from bot.services.holdings import Holdings

    settings = front.settings
    return Holdings(
        front.store, settings.data_dir, front.clock, chroma_url=settings.chroma_url, embedder=embedder
    )


def models_text(settings: Settings) -> str:
    """The text of the models.yaml that the settings name. Raises ModelsUnreadable."""
    path = settings.models or SHIPPED
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ModelsUnreadable(path) from error
