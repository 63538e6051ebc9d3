"""The whole product in one process: a local workspace, and the bot pointed at it as it would be at Slack."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from bot.bootstrap import Product, build, library
from bot.governance.roles import EVERYONE, Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.seed_rows import SeedPerson
from bot.services.seeding import HasRuns, SeedPlan
from bot.settings import Secret, Settings
from bot.shipped import load_shipped
from bot.slack import manifest
from bot.slack.http_door import PortTaken
from bot.workspace.town_records import User
from bot.workspace.workspace_server import Workspace

ADMIN, OWNER, APPROVER = "U0DEV", "U0CHLOE", "U0EVA"
ZONE = "Europe/London"
"""Of the owner, as the workspace has it."""

GRANTS = (
    (EVERYONE, Role.RUNNER, "*"),
    (OWNER, Role.OWNER, "*"),
    (APPROVER, Role.APPROVER, "*"),
)
"""Who may do what in the demo, as an operator would grant it."""

WEEKS, RUNS = 6, 1500
"""How far back the history goes that the demo opens with, and of how many runs it is."""

OnProgress = Callable[[int, int, str], None]


class Demo:
    """Starts and stops it; the tests use the same one."""

    def __init__(self, settings: Settings, port: int = 0, *, history: int = 0) -> None:
        self.workspace = Workspace({}, port=port)
        self._port = port
        self._settings = settings
        self._history = history
        self._product: Product | None = None

    async def open_page(self) -> str:
        """Start the local workspace; returns the page's address. Raises PortTaken."""
        try:
            return await self.workspace.start()
        except OSError as error:
            raise PortTaken(self._port, "--port") from error

    async def prepare(self, on_progress: OnProgress | None = None) -> Product:
        """Build the product, load what ships, and install the manifest made of it."""
        settings = replace(
            self._settings,
            slack_api_url=self.workspace.api_url,
            slack_bot_token=Secret("xoxb-local-workspace"),
            slack_app_token=Secret("xapp-local-workspace"),
            admins=(ADMIN, *self._settings.admins),
        )
        product = self._product = build(settings)
        await product.catalogue.seed(library())
        await self.install_manifest(product)
        await load_shipped(product, on_progress)
        for grantee, role, scope in GRANTS:
            await product.access.grant(Actor(OPERATOR), grantee, role, scope)
        await self._make_up_history(product, on_progress)
        await product.digests.tell_last_week(OWNER, ZONE)
        return product

    async def _make_up_history(self, product: Product, on_progress: OnProgress | None) -> None:
        """Runs of the people of the workspace, the first time it opens."""
        if not self._history:
            return
        plan = SeedPlan(self._history, weeks=WEEKS, people=tuple(map(_colleague, self._people())))
        with suppress(HasRuns):
            await product.seeding().write(plan, on_progress)

    def _people(self) -> list[User]:
        return [user for user in self.workspace.town.users.values() if not user.is_bot]

    async def install_manifest(self, product: Product) -> None:
        """Tell the workspace which commands there are, as an admin tells Slack."""
        self.workspace.install(manifest.build(await product.catalogue.released()))

    async def close(self) -> None:
        """Stop the workspace and let go of everything."""
        await self.workspace.stop()
        if self._product is not None:
            await self._product.close()


def _colleague(user: User) -> SeedPerson:
    return SeedPerson(user.id, user.real_name, channels=("C0PEOPLE", "C0GENERAL"))
