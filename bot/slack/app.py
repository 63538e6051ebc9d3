"""The Bolt app: one listener a kind of request, our own tables behind it, and one place where errors end."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse

from bot.adapters.correlation import correlate, correlated, correlation_for
from bot.adapters.observing import Observers, RequestTaken
from bot.services.opaque_ids import incident_token
from bot.slack import actions, commands, messages, payloads, shortcuts, text, views
from bot.slack.blocks import notice
from bot.slack.desk import Desk, Handler, Reply
from bot.slack.elements import Outgoing
from bot.slack.payloads import Call, Kind
from bot.slack.refusals import is_known, sentence

log = structlog.get_logger(__name__)

EVERY = re.compile("")
"""Bolt only tells the kinds apart; what a name means is looked up in the tables of each kind's module."""

ANSWER_S = 2.6
"""Slack waits three seconds; what is not stored by now is taken back, so that the person can be told."""


class NotInTime(Exception):
    """A request could not be dealt with while Slack waits: nothing was stored."""


READERS: Mapping[Kind, Callable[[Mapping[str, Any]], Call]] = {
    "command": payloads.from_command,
    "action": payloads.from_action,
    "view": payloads.from_view,
    "shortcut": payloads.from_shortcut,
    "event": payloads.from_event,
}
HANDLERS: Mapping[Kind, Handler] = {
    "command": commands.received,
    "action": actions.received,
    "view": views.received,
    "shortcut": shortcuts.received,
    "event": messages.received,
}


@dataclass(slots=True)
class Reception:
    """Takes each request to its handler, acknowledges it, and sees to what is done after."""

    desk: Desk
    observers: Observers = field(default_factory=Observers)
    _after: set[asyncio.Task[None]] = field(default_factory=set)

    async def receive(self, kind: Kind, body: Mapping[str, Any]) -> BoltResponse:
        """Handle one request; the response is its acknowledgement."""
        with correlated(correlation_for("")):
            return await self._receive(kind, body)

    async def _receive(self, kind: Kind, body: Mapping[str, Any]) -> BoltResponse:
        call: Call | None = None
        begun, outcome = asyncio.get_running_loop().time(), "ok"
        try:
            call = READERS[kind](body)
            correlate(correlation_for(call.dedupe_key))
            reply = await self._handled(kind, call)
        except Exception as error:
            outcome = type(error).__name__
            reply = self._excuse(kind, call, error)
        if reply.after is not None:
            self._start(kind, call, reply.after)
        ack = reply.ack
        if ack is not None and "view" in ack:
            ack = {**ack, "view": self.desk.gateway.sealed_view(ack["view"])}
        body_text = json.dumps(ack) if ack else ""
        seconds = asyncio.get_running_loop().time() - begun
        self.observers.tell(RequestTaken(kind, call.name if call else "", seconds, outcome))
        return BoltResponse(status=200, body=body_text, headers={"content-type": ["application/json"]})

    async def _handled(self, kind: Kind, call: Call) -> Reply:
        try:
            async with asyncio.timeout(ANSWER_S) as limit:
                return await HANDLERS[kind](call, self.desk)
        except TimeoutError:
            if limit.expired():
                raise NotInTime from None
            raise

    async def settle(self) -> None:
        """Wait until everything that was to be done after an acknowledgement is done."""
        while self._after:
            await asyncio.gather(*self._after, return_exceptions=True)

    def _start(self, kind: Kind, call: Call | None, after: Callable[[], Awaitable[None]]) -> None:
        task = asyncio.create_task(self._finish(kind, call, after))
        self._after.add(task)
        task.add_done_callback(self._after.discard)

    async def _finish(self, kind: Kind, call: Call | None, after: Callable[[], Awaitable[None]]) -> None:
        try:
            await after()
        except Exception as error:
            words = self._words(kind, call, error)
            if call is not None:
                try:
                    await self.desk.tell(call, words)
                except Exception as last:
                    log.warning("slack.unheard", kind=kind, name=call.name, error=type(last).__name__)

    def _excuse(self, kind: Kind, call: Call | None, error: Exception) -> Reply:
        """The sentence of an error, by the way this kind of request is answered."""
        words = self._words(kind, call, error)
        if kind == "command":
            return Reply(ack=self.desk.gateway.sealed_ack(words))
        if kind == "view":
            return Reply(ack=views.pushed("That did not work", words.text))
        if call is None:
            return Reply()
        known = call
        return Reply(after=lambda: self.desk.tell(known, words))

    def _words(self, kind: Kind, call: Call | None, error: Exception) -> Outgoing:
        name, facts = type(error).__name__, getattr(error, "facts", {})
        seen = {"kind": kind, "name": call.name if call else "", "person": call.person if call else ""}
        if is_known(name):
            log.info("slack.refused", error=name, **seen)
            return notice(sentence(name, facts), mentions=_named(facts))
        token = incident_token()
        log.error("slack.incident", token=token, error=name, exc_info=error, **seen)
        return notice(text.failed(text.opaque_failure(), token))


def _named(facts: Mapping[str, str]) -> set[str]:
    """The people whom a sentence about an error may name."""
    return {person for key in ("ask", "holders", "author", "by") for person in facts.get(key, "").split(",")}


def build_app(desk: Desk, *, observers: Observers | None = None) -> tuple[AsyncApp, Reception]:
    """The app around a desk. Requests are answered when the handler returns, not by polling for its ack.

    What reaches it is Slack's: the door has checked the signature, or it came over our own socket.
    """
    app = AsyncApp(
        client=desk.gateway.client,
        request_verification_enabled=False,
        process_before_response=True,
        attaching_conversation_kwargs_enabled=False,
        attaching_function_token_enabled=False,
    )
    reception = Reception(desk, observers or Observers())

    def listener(kind: Kind) -> Callable[[dict[str, Any]], Awaitable[BoltResponse]]:
        async def listen(body: dict[str, Any]) -> BoltResponse:
            return await reception.receive(kind, body)

        return listen

    app.command(EVERY)(listener("command"))
    app.action(EVERY)(listener("action"))
    app.view(EVERY)(listener("view"))
    app.shortcut(EVERY)(listener("shortcut"))
    app.event(EVERY)(listener("event"))
    return app, reception


@contextlib.asynccontextmanager
async def socket_open(app: AsyncApp, app_token: str) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Hold open the socket over which Slack sends; what it gives says whether it is connected just now."""
    handler = AsyncSocketModeHandler(app, app_token)
    # bolt leaves these methods without types
    await handler.connect_async()  # type: ignore[no-untyped-call]
    try:
        yield handler.client.is_connected
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]
