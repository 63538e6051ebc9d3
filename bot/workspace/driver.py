"""People for tests: do what a person does in Slack, see what a person sees, wait for what should come."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from bot.workspace.action_shapes import options_of
from bot.workspace.block_state import FIELDS
from bot.workspace.block_walk import elements
from bot.workspace.interactions import Outcome
from bot.workspace.noticeboard import Json, Notice
from bot.workspace.town_records import Message
from bot.workspace.view_desk import OpenView
from bot.workspace.workspace_server import Workspace

T = TypeVar("T")


class WaitedInVain(TimeoutError):
    """What was waited for did not come; `facts` says what came instead."""

    def __init__(self, facts: dict[str, str]) -> None:
        super().__init__(f"nothing came; seen: {facts}")
        self.facts = facts


class NoSuchElement(LookupError):
    """A message or view does not have the element that was to be used; `facts` lists what it has."""

    def __init__(self, action_id: str, present: list[str]) -> None:
        super().__init__(f"{action_id} is not among {present}")
        self.facts = {"action_id": action_id, "present": ", ".join(present)}


class Person:
    """One person of a workspace."""

    def __init__(self, workspace: Workspace, user_id: str) -> None:
        self._workspace = workspace
        self._people = workspace.people
        self.id = user_id
        self.toasts: list[str] = []
        workspace.town.noticeboard.subscribe(self._note)

    @property
    def dm(self) -> str:
        """The channel id of this person's direct messages with the app."""
        return self._workspace.town.direct(self.id, self._workspace.site.bot_user_id).id

    async def say(
        self, channel: str, text: str, thread_ts: str | None = None, files: Sequence[str] = ()
    ) -> Message:
        """Write a message, with files by the ids that `upload` gave."""
        return self._people.say(self.id, channel, text, thread_ts or "", files)

    async def command(self, channel: str, text: str, thread_ts: str | None = None) -> Outcome:
        """Type a slash command and wait for the app's acknowledgement."""
        return await self._people.interactions.command(self.id, channel, text, thread_ts or "")

    async def click(
        self,
        where: Message | OpenView,
        action_id: str,
        value: Any = None,
        *,
        values: Mapping[str, Any] | None = None,
    ) -> Outcome:
        """Use a button or menu; `value` is the option's (or the button's, where several share an id)."""
        block, element = _element(where.blocks, action_id, value)
        action = {"action_id": action_id, "block_id": block["block_id"]} | _chosen(element, value)
        container = (
            {"view_id": where.id}
            if isinstance(where, OpenView)
            else {"channel": where.channel, "ts": where.ts}
        )
        state = _state(where.blocks, values or {})
        return await self._people.interactions.press(self.id, container, action, state)

    async def submit(self, view: OpenView, values: Mapping[str, Mapping[str, Any]]) -> Outcome:
        """Fill in a modal and send it: {block_id: {action_id: plain value}}; the rest stays as it stands."""
        return await self._people.modals.submit(self.id, view.id, _state(view.blocks, values))

    async def close(self, view: OpenView) -> Outcome:
        """Dismiss a modal."""
        return await self._people.modals.close(self.id, view.id)

    async def shortcut(self, callback_id: str, message: Message | None = None) -> Outcome:
        """Use a shortcut, on a message or a global one."""
        channel, ts = (message.channel, message.ts) if message else ("", "")
        return await self._people.interactions.shortcut(self.id, callback_id, channel, ts)

    async def options(self, where: OpenView, action_id: str, typed: str) -> list[Json]:
        """The choices an external select offers for what was typed."""
        block, _ = _element(where.blocks, action_id, None)
        outcome = await self._people.interactions.options(
            self.id, {"view_id": where.id}, action_id, block["block_id"], typed
        )
        found: list[Json] = outcome.payload.get("options", [])
        return found

    async def open_home(self) -> OpenView:
        """Look at the app's home, and wait until the app has published it anew."""
        before = self.home()
        earlier = before.hash if before else ""
        self._people.open_home(self.id)
        return await self.wait_for(lambda: self._home_other_than(earlier))

    def home(self) -> OpenView | None:
        """The app's home as this person last had it."""
        return self._workspace.site.desk.homes.get(self.id)

    def upload(self, name: str, content: bytes) -> str:
        """Upload a file; its id is for `say`."""
        return self._people.upload(self.id, name, content).id

    def messages(self, channel: str, thread_ts: str = "") -> list[Message]:
        """What everyone in the channel (or thread) sees, oldest first."""
        return self._workspace.town.messages(channel, thread_ts)

    def ephemerals(self, channel: str) -> list[Message]:
        """What only this person sees there."""
        return self._workspace.town.ephemerals(channel, self.id)

    def views(self) -> tuple[OpenView, ...]:
        """The open modals, the visible one last."""
        return self._workspace.site.desk.stack(self.id)

    async def wait_for(self, predicate: Callable[[], T | None], seconds: float = 5.0) -> T:
        """The predicate's first truthy value; asked again whenever something happens. Raises WaitedInVain."""
        changed = asyncio.Event()
        stop = self._workspace.town.noticeboard.subscribe(lambda _notice: changed.set())
        try:
            async with asyncio.timeout(seconds):
                while True:
                    changed.clear()
                    value = predicate()
                    if value:
                        return value
                    await changed.wait()
        except TimeoutError:
            raise WaitedInVain(self._seen()) from None
        finally:
            stop()

    def _home_other_than(self, earlier: str) -> OpenView | None:
        home = self.home()
        return home if home and home.hash != earlier else None

    def _seen(self) -> dict[str, str]:
        town = self._workspace.town
        said = [one for channel in town.channels for one in town.messages(channel)]
        own = [one for channel in town.channels for one in town.ephemerals(channel, self.id)]
        last = sorted(said + own, key=lambda one: one.ts)[-5:]
        return {f"{one.channel} {one.ts}": f"{one.user}: {one.text[:200]}" for one in last} | {
            "toasts": " | ".join(self.toasts[-3:]),
            "views": ", ".join(str(view.body.get("callback_id", view.id)) for view in self.views()),
        }

    def _note(self, notice: Notice) -> None:
        if notice.kind == "toast" and notice.person == self.id:
            self.toasts.append(notice.subject["text"])


def _element(blocks: list[Json], action_id: str, value: Any) -> tuple[Json, Json]:
    found = [(block, element) for block, element in elements(blocks) if element.get("action_id") == action_id]
    exact = [(block, element) for block, element in found if _offers(element, value)]
    if not found:
        raise NoSuchElement(action_id, [element["action_id"] for _, element in elements(blocks)])
    return (exact or found)[0]


def _offers(element: Json, value: Any) -> bool:
    """Whether it is the button of that value, or the menu with that option."""
    return value == element.get("value") or value in [option.get("value") for option in options_of(element)]


def _chosen(element: Json, value: Any) -> Json:
    """The fields of an action for a plain value."""
    if element["type"] in ("button", "icon_button", "feedback_buttons"):
        return {"value": value}
    if element["type"] == "overflow":
        return {"selected_option": {"value": value}}
    return _filled(element, value)


def _filled(element: Json, value: Any) -> Json:
    name = FIELDS[element["type"]][0]
    if name == "selected_option" and isinstance(value, str):
        value = _option(element, value)
    elif name == "selected_options":
        value = [_option(element, one) if isinstance(one, str) else one for one in value]
    elif name == "value" and value is not None:
        value = str(value)
    return {"type": element["type"], name: value}


def _option(element: Json, value: str) -> Json:
    named = {"text": {"type": "plain_text", "text": value}, "value": value}
    return next((one for one in options_of(element) if one.get("value") == value), named)


def _state(blocks: list[Json], values: Mapping[str, Any]) -> Json:
    state: Json = {}
    known = {(block["block_id"], element["action_id"]): element for block, element in elements(blocks)}
    for block_id, inner in values.items():
        for action_id, value in inner.items():
            if (block_id, action_id) not in known:
                raise NoSuchElement(f"{block_id}/{action_id}", [f"{one}/{two}" for one, two in known])
            element = known[block_id, action_id]
            state.setdefault(block_id, {})[action_id] = (
                value if isinstance(value, dict) else _filled(element, value)
            )
    return state
