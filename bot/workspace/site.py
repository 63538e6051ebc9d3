"""Everything a method, an interaction or the page may touch, in one place."""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field

from bot.workspace.clockwork import Clock
from bot.workspace.default_town import APP_ID, BOT_ID, BOT_USER_ID
from bot.workspace.faults import Faults
from bot.workspace.file_shelf import FileShelf
from bot.workspace.installation import Installation
from bot.workspace.noticeboard import Json, Notice
from bot.workspace.response_urls import ResponseSlot, ResponseUrls
from bot.workspace.tiers import Tiers
from bot.workspace.town import Town
from bot.workspace.triggers import Triggers
from bot.workspace.view_desk import ViewDesk


@dataclass(frozen=True, slots=True)
class Options:
    """How strict and how secret this workspace is."""

    bot_token: str = ""
    """Empty takes any xoxb- token."""
    app_token: str = ""
    """Empty takes any xapp- token."""
    has_rate_limits: bool = False
    dedupes_client_msg_id: bool = False
    """Slack seems to, and says nobody should rely on it."""


@dataclass(slots=True)
class Site:
    """The parts of a workspace."""

    town: Town
    installation: Installation
    clock: Clock
    options: Options
    faults: Faults
    shelf: FileShelf
    triggers: Triggers
    desk: ViewDesk
    response_urls: ResponseUrls
    tiers: Tiers
    base_url: str = ""
    """Such as http://127.0.0.1:8765, without a slash at its end; known once started."""
    tickets: set[str] = field(default_factory=set)
    """Socket Mode addresses that nobody has used yet."""
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    bot_user_id: str = BOT_USER_ID
    bot_id: str = BOT_ID
    app_id: str = APP_ID

    @classmethod
    def build(cls, town: Town, installation: Installation, clock: Clock, options: Options) -> "Site":
        """Put the parts together around a town."""
        town.clock = clock
        facts: Json = {"team_id": town.team_id, "app_id": APP_ID, "bot_id": BOT_ID}
        facts["app_installed_team_id"] = town.team_id
        return cls(
            town=town,
            installation=installation,
            clock=clock,
            options=options,
            faults=Faults(),
            shelf=FileShelf(town.next_id),
            triggers=Triggers(clock),
            desk=ViewDesk(town.noticeboard, town.next_id, facts),
            response_urls=ResponseUrls(clock),
            tiers=Tiers(clock),
        )

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run in the background until done, or until the workspace stops."""
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def tell(self, kind: str, *, channel: str = "", person: str = "", subject: object = None) -> None:
        """Put something on the noticeboard."""
        self.town.noticeboard.publish(Notice(kind, channel, person, subject))

    def toast(self, person: str, text: str, level: str = "error") -> None:
        """Show a person a passing note on the page."""
        self.tell("toast", person=person, subject={"level": level, "text": text})

    def response_url(self, slot: ResponseSlot) -> str:
        """A new response URL for a slot."""
        return self.base_url + self.response_urls.issue(slot)
