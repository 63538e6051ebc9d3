"""What ships: workflows and model profiles, released at every start, and an invented company's handbook."""

from collections.abc import Callable
from pathlib import Path

from bot.adapters.store.database import Connection
from bot.adapters.store.document_log import document_paths, list_sources
from bot.bootstrap import Product, library
from bot.groundwork import models_text
from bot.services.catalogue import SETTINGS, Content
from bot.services.intake import LIBRARY, document_id
from knowledge.sources import open_source

HANDBOOK = Path(__file__).parent.parent / "knowledge" / "library" / "people"
PEOPLE = "people"
"""The collection that the shipped handbook fills."""

OnProgress = Callable[[int, int, str], None]


async def load_shipped(product: Product, on_progress: OnProgress | None = None) -> None:
    """Release the shipped workflows, record the model profiles, and take up the shipped handbook.

    That is left out where somebody put documents of their own: answers would mix two companies.
    """
    await seed_contents(product)
    if await product.store.read(_is_shipped_alone):
        await take_up_handbook(product, on_progress)


async def seed_contents(product: Product, *, is_passing: bool = False) -> bool:
    """Release the shipped workflows and record the model profiles; costs little where nothing changed.

    Returns whether other models are in force from now on.
    `is_passing`: for one command of the terminal, which without `SPANWISE_MODELS` says nothing about models.
    """
    await product.catalogue.seed(library())
    is_said = not is_passing or product.settings.models is not None
    profiles = Content("models", "models", models_text(product.settings))
    return bool(await product.catalogue.seed([profiles], SETTINGS if is_said else LIBRARY))


async def take_up_handbook(product: Product, on_progress: OnProgress | None = None) -> None:
    """Bring the collection up to date with the shipped handbook."""
    await product.holdings.add(HANDBOOK, PEOPLE, source=LIBRARY, by=LIBRARY, on_progress=on_progress)


async def lacks_handbook(product: Product) -> bool:
    """Whether some of the shipped handbook was never taken up, as when its loading was cut short.

    It is not missed where somebody put documents of their own.
    """
    return await product.store.read(_lacks_pages)


def _is_shipped_alone(connection: Connection) -> bool:
    return set(list_sources(connection, PEOPLE)) <= {LIBRARY}


def _lacks_pages(connection: Connection) -> bool:
    if not _is_shipped_alone(connection):
        return False
    known = document_paths(connection)
    return any(document_id(PEOPLE, file.path) not in known for file in open_source(HANDBOOK).files)
