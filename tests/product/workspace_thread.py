"""A local workspace in a thread of its own, for commands and processes that come and go around it."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from bot.slack import manifest
from bot.workspace.driver import Person
from bot.workspace.site import Options
from bot.workspace.workspace_server import Workspace

T = TypeVar("T")


class WorkspaceThread:
    """Started by `with`; what happens in it goes through `wait`."""

    def __init__(self, options: Options | None = None, **how: Any) -> None:
        self._options = options or Options()
        self._how = how
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> "WorkspaceThread":
        self._thread.start()
        self.wait(self._open())
        return self

    async def _open(self) -> None:
        self.workspace = Workspace(manifest.build(()), options=self._options, **self._how)
        await self.workspace.start()

    def __exit__(self, *_: object) -> None:
        self.wait(self.workspace.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    @property
    def settings(self) -> dict[str, str]:
        """What points the bot here, in Socket Mode."""
        return {
            "SLACK_API_URL": self.workspace.api_url,
            "SLACK_BOT_TOKEN": self._options.bot_token or "xoxb-local",
            "SLACK_APP_TOKEN": self._options.app_token or "xapp-local",
        }

    def person(self, user_id: str) -> Person:
        """Somebody who acts here."""

        async def make() -> Person:
            return Person(self.workspace, user_id)

        return self.wait(make())

    def wait(self, work: Coroutine[Any, Any, T], seconds: float = 60) -> T:
        """Do something on the workspace's loop."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)
