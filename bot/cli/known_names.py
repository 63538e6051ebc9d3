"""Names of workflows and collections as an operator types them, with the nearest for what there is not."""

from bot.adapters.store.database import Connection
from bot.adapters.store.stages_log import read_standings
from bot.adapters.store.versions_log import CANDIDATE
from bot.bootstrap import Product, library
from bot.services.contents import WORKFLOW, UnknownWorkflow, nearest_name
from bot.shipped import PEOPLE
from workflows.ports import UnknownCollection


async def see_scope(product: Product, scope: str) -> None:
    """See that what a role is given over is there. Raises UnknownCollection, UnknownWorkflow."""
    kind, _, name = scope.partition(":")
    if kind == "collection":
        await see_collection(product, name, shipped=(PEOPLE,))
    elif kind == "workflow":
        await _see_workflow(product, name)


async def see_collection(product: Product, name: str, *, shipped: tuple[str, ...] = ()) -> None:
    """See that there is one; those `shipped` come with the first run. Raises UnknownCollection."""
    names = {*shipped, *(row.name for row in await product.holdings.collections())}
    if name not in names:
        unknown = UnknownCollection(name)
        unknown.facts["nearest"] = nearest_name(name, sorted(names))
        raise unknown


async def _see_workflow(product: Product, name: str) -> None:
    """Drafts and what is retired are there as well, and so is what the first run brings."""

    def look(connection: Connection) -> set[str]:
        kept = {each for kind, each in product.catalogue.versions(connection, CANDIDATE) if kind == WORKFLOW}
        return kept | set(read_standings(connection))

    shipped = {content.name for content in library() if content.kind == WORKFLOW}
    names = await product.store.read(look) | shipped
    if name not in names:
        raise UnknownWorkflow(name, nearest_name(name, sorted(names)))
