"""What ships: workflows and model profiles, released at every start, and an invented company's handbook."""

from collections.abc import Callable
from pathlib import Path

from bot.bootstrap import Product, library
from bot.groundwork import models_text
from bot.services.catalogue import SETTINGS, Content

HANDBOOK = Path(__file__).parent.parent / "knowledge" / "library" / "people"
PEOPLE = "people"
"""The collection that the shipped handbook fills."""

OnProgress = Callable[[int, int, str], None]


async def load_shipped(product: Product, on_progress: OnProgress | None = None) -> None:
    """Release the shipped workflows, record the model profiles, and take up the shipped handbook."""
    await seed_contents(product)
    await take_up_handbook(product, on_progress)


async def seed_contents(product: Product) -> None:
    """Release the shipped workflows and record the model profiles; costs little where nothing changed."""
    await product.catalogue.seed(library())
    await product.catalogue.seed([Content("models", "models", models_text(product.settings))], SETTINGS)


async def take_up_handbook(product: Product, on_progress: OnProgress | None = None) -> None:
    """Bring the collection up to date with the shipped handbook."""
    await product.holdings.add(HANDBOOK, PEOPLE, source="library", by="library", on_progress=on_progress)
