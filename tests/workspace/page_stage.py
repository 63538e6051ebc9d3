"""A workspace in a thread of its own and an app that answers from a script: for tests with a real browser."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

import aiohttp

from bot.workspace.block_walk import with_ids
from bot.workspace.town_records import Message
from bot.workspace.workspace_server import Workspace

T = TypeVar("T")
APP = {"bot_id": "B0SPAN", "app_id": "A0SPAN"}


class ScriptedApp:
    """Acknowledges every envelope at once; `answers` maps a callback, action or command to a payload."""

    def __init__(self) -> None:
        self.answers: dict[str, dict[str, Any]] = {}
        self.heard: list[dict[str, Any]] = []
        self.after: dict[str, Callable[[dict[str, Any]], None]] = {}
        self._news = threading.Condition()

    async def run(self, workspace: Workspace, connected: threading.Event) -> None:
        async with aiohttp.ClientSession() as http:
            headers = {"Authorization": "Bearer xapp-test"}
            async with http.post(f"{workspace.api_url}apps.connections.open", headers=headers) as opened:
                url = (await opened.json())["url"]
            async with http.ws_connect(url) as link:
                connected.set()
                async for frame in link:
                    await self._answer(link, frame.json())

    async def _answer(self, link: aiohttp.ClientWebSocketResponse, envelope: dict[str, Any]) -> None:
        if "envelope_id" not in envelope:
            return
        payload = envelope["payload"]
        names = _names(payload)
        with self._news:
            self.heard.append(payload)
            self._news.notify_all()
        found = next((self.answers[name] for name in names if name in self.answers), {})
        await link.send_json({"envelope_id": envelope["envelope_id"], "payload": found})
        for name in names:
            if name in self.after:
                self.after[name](payload)

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = 10) -> dict[str, Any]:
        """The first payload that is wanted, once it has come."""
        with self._news:
            came = self._news.wait_for(lambda: any(map(wanted, self.heard)), seconds)
            assert came, f"not heard: {self.heard}"
            return next(filter(wanted, self.heard))

    def actions(self) -> list[dict[str, Any]]:
        return [action for one in self.heard for action in one.get("actions", ())]


def _names(payload: dict[str, Any]) -> list[str]:
    view, event = payload.get("view") or {}, payload.get("event") or {}
    actions = [one["action_id"] for one in payload.get("actions", ())]
    named = [
        payload.get("command"),
        payload.get("callback_id"),
        payload.get("action_id"),
        view.get("callback_id"),
    ]
    return [name for name in [*actions, *named, event.get("type")] if name]


class Stage:
    """Runs the workspace; everything said on it goes through its own event loop."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.app = ScriptedApp()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.workspace = Workspace(manifest)
        self.url = self._wait(self.workspace.start())
        connected = threading.Event()
        self._app_task = asyncio.run_coroutine_threadsafe(self.app.run(self.workspace, connected), self._loop)
        assert connected.wait(10)

    def do(self, act: Callable[[], T]) -> T:
        async def run() -> T:
            return act()

        return self._wait(run())

    def say(self, user: str, channel: str, text: str = "", blocks: Any = (), **more: Any) -> Message:
        written = with_ids(list(blocks), lambda: self.workspace.town.next_id("b"))
        author = APP if user == "U0SPAN" else {}
        message = Message(ts="", channel=channel, user=user, text=text, blocks=written, **author, **more)
        return self.do(lambda: self.workspace.town.say(message))

    def edit(self, message: Message, text: str, blocks: Any) -> None:
        written = with_ids(list(blocks), lambda: self.workspace.town.next_id("b"))
        self.do(lambda: self.workspace.town.edit(message, text=text, blocks=written))

    def close(self) -> None:
        self._app_task.cancel()
        self._wait(self.workspace.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(15)
