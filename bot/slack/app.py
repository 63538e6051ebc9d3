"""The Bolt app: one listener a kind of request, our own tables behind it, and one place where errors end."""

import asyncio
import contextlib
import functools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import structlog
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse

from bot.adapters.correlation import correlate, correlated, correlation_for
from bot.adapters.observing import Observers, RequestTaken
from bot.adapters.store.handed_log import HandedRequest
from bot.services.elsewhere import WorkersTask
from bot.services.handing_over import Farewell, HandOvers
from bot.services.opaque_ids import incident_token
from bot.slack import payloads, refusals_front, text
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.passing import NotInTime, passes
from bot.slack.payloads import Call, Kind
from bot.slack.workflow_command import UMBRELLA, workflow_command

if TYPE_CHECKING:
    # all rooms: loaded at the first request that is not for a workflow
    from bot.slack.desk import Desk, Handler

log = structlog.get_logger(__name__)

EVERY = re.compile("")
"""Bolt only tells the kinds apart; what a name means is looked up in the tables of each kind's module."""

ANSWER_S = 2.6
"""Slack waits three seconds; what is not stored by now is taken back, so that the person can be told."""


KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
READERS: Mapping[Kind, Callable[[Mapping[str, Any]], Call]] = {
    "command": payloads.from_command,
    "action": payloads.from_action,
    "view": payloads.from_view,
    "shortcut": payloads.from_shortcut,
    "event": payloads.from_event,
}


@functools.cache
def handlers() -> "Mapping[Kind, Handler]":
    """Who deals with each kind; the first call loads every room, which takes tenths of a second."""
    from bot.slack import actions, commands, messages, shortcuts, views

    return {
        "command": commands.received,
        "action": actions.received,
        "view": views.received,
        "shortcut": shortcuts.received,
        "event": messages.received,
    }


@dataclass(slots=True)
class Reception:
    """Takes each request to its handler, acknowledges it, and sees to what is done after."""

    desk: FrontDesk
    whole: "Callable[[], Awaitable[Desk]]"
    """The desk with everything on it, made when it is first needed."""
    hand_overs: HandOvers
    observers: Observers = field(default_factory=Observers)
    _after: set[asyncio.Task[None]] = field(default_factory=set)

    async def receive(self, kind: Kind, body: Mapping[str, Any], repetition: int = 0) -> BoltResponse:
        """Handle one request; the response is its acknowledgement, or has Slack deliver it again."""
        with correlated(correlation_for("")):
            return await self._receive(kind, body, repetition)

    async def _receive(self, kind: Kind, body: Mapping[str, Any], repetition: int) -> BoltResponse:
        call: Call | None = None
        begun, outcome = asyncio.get_running_loop().time(), "ok"
        try:
            call = READERS[kind](body)
            correlate(correlation_for(call.dedupe_key))
            reply = await self._handled(kind, call)
        except WorkersTask:
            outcome, reply = "handed over", await self._hand_over(kind, call, body, repetition)
        except Exception as error:
            outcome = type(error).__name__
            reply = self._excuse(kind, call, error, repetition)
        if reply.after is not None:
            self._start(kind, call, reply.after)
        ack = reply.ack
        if ack is not None and "view" in ack:
            ack = {**ack, "view": self.desk.gateway.sealed_view(ack["view"])}
        body_text = json.dumps(ack) if ack else ""
        seconds = asyncio.get_running_loop().time() - begun
        self.observers.tell(RequestTaken(kind, call.name if call else "", seconds, outcome))
        status = 503 if reply.comes_again else 200
        return BoltResponse(status=status, body=body_text, headers={"content-type": ["application/json"]})

    async def _handled(self, kind: Kind, call: Call) -> Reply:
        try:
            async with asyncio.timeout(ANSWER_S) as limit:
                if kind == "command" and call.name != UMBRELLA:
                    return await workflow_command(call, self.desk, call.name.removeprefix("/"), call.text)
                return await self._in_its_room(kind, call)
        except TimeoutError:
            if limit.expired():
                raise NotInTime from None
            raise

    async def _in_its_room(self, kind: Kind, call: Call) -> Reply:
        desk = await self.whole()
        return await handlers()[kind](call, desk)

    async def _hand_over(
        self, kind: Kind, call: Call | None, body: Mapping[str, Any], repetition: int
    ) -> Reply:
        """Have a worker deal with what this process cannot."""
        try:
            key = call.dedupe_key if call else ""
            await self.hand_overs.leave(HandedRequest(key, kind, body, is_answered=False))
        except Exception as error:
            return self._excuse(kind, call, error, repetition)
        return Reply()

    async def take_over(self, handed: HandedRequest) -> None:
        """Deal with a request that another process took; what there is to say is told the person.

        Raises what `passes`: nothing was done, and nobody has been told.
        """
        kind = KINDS[handed.kind]
        call = READERS[kind](handed.body)
        with correlated(correlation_for(call.dedupe_key)):
            try:
                reply = await self._in_its_room(kind, call)
            except Exception as error:
                if passes(error):
                    raise
                await self._tell(kind, call, error)
                return
            try:
                await self._follow(call, reply, handed)
            except Exception as error:
                await self._tell(kind, call, error)

    async def _follow(self, call: Call, reply: Reply, handed: HandedRequest) -> None:
        """What comes after a handler, here without an acknowledgement to send it with."""
        if reply.ack is not None and not handed.is_answered:
            await self._say_late(call, dict(reply.ack))
        if reply.after is not None:
            await reply.after()

    def farewell(self, handed: HandedRequest, error: Exception) -> Farewell:
        """What to tell whoever asked for something that was tried until it was too late."""
        kind = KINDS[handed.kind]
        call = READERS[kind](handed.body)
        return Farewell(call.person, self._words(kind, call, error).text)

    async def _say_late(self, call: Call, ack: dict[str, Any]) -> None:
        """What would have gone with the acknowledgement, to a person who had that already."""
        if "text" in ack and call.response_url:
            await self.desk.gateway.respond_sealed(call.response_url, ack)
        elif problems := ack.get("errors"):
            await self.desk.tell(call, notice("\n".join(problems.values())))
        elif ack.get("response_action") == "push":
            shown = ack["view"]
            await self.desk.tell(call, Outgoing(shown["title"]["text"], tuple(shown["blocks"])))

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
            await self._finished(kind, call, after)
        except Exception as last:
            log.warning("slack.unheard", kind=kind, name=call.name if call else "", error=type(last).__name__)

    async def _finished(self, kind: Kind, call: Call | None, after: Callable[[], Awaitable[None]]) -> None:
        """Raises what kept it from being told, or from being left to a worker."""
        try:
            await after()
        except WorkersTask:
            if call is not None:
                key = f"{call.dedupe_key}:after"
                await self.hand_overs.leave(HandedRequest(key, kind, call.raw, is_answered=True))
        except Exception as error:
            if call is not None:
                await self._tell_or_leave(kind, call, error)

    async def _tell_or_leave(self, kind: Kind, call: Call, error: Exception) -> None:
        """Slack has the acknowledgement of an event already: one that nobody hears of now is a worker's."""
        try:
            await self._tell(kind, call, error)
        except Exception:
            if kind != "event":
                raise
            await self.hand_overs.leave(HandedRequest(call.dedupe_key, kind, call.raw, is_answered=False))

    async def _tell(self, kind: Kind, call: Call, error: Exception) -> None:
        """Say what became of it. Raises what `passes`; what cannot be said at all is logged."""
        try:
            await self.desk.tell(call, self._words(kind, call, error))
        except Exception as last:
            if passes(last):
                raise
            log.warning("slack.unheard", kind=kind, name=call.name, error=type(last).__name__)

    def _excuse(self, kind: Kind, call: Call | None, error: Exception, repetition: int) -> Reply:
        """The sentence of an error, by the way this kind of request is answered."""
        if kind == "event" and repetition < payloads.LAST_REPETITION and passes(error):
            log.info("slack.comes_again", error=type(error).__name__, repetition=repetition)
            return Reply(comes_again=True)
        if kind not in ("command", "view") and call is not None:
            known = call
            return Reply(after=lambda: self._tell_or_leave(kind, known, error))
        words = self._words(kind, call, error)
        if kind == "command":
            return Reply(ack=self.desk.gateway.sealed_ack(words))
        if kind == "view":
            from bot.slack.views import pushed

            return Reply(ack=pushed("That did not work", words.text))
        return Reply()

    def _words(self, kind: Kind, call: Call | None, error: Exception) -> Outgoing:
        name, facts = type(error).__name__, getattr(error, "facts", {})
        seen = {"kind": kind, "name": call.name if call else "", "person": call.person if call else ""}
        if said := sentence_of(name, facts):
            log.info("slack.refused", error=name, **seen)
            return notice(said, mentions=_named(facts))
        token = incident_token()
        log.error("slack.incident", token=token, error=name, exc_info=error, **seen)
        return notice(text.failed(text.opaque_failure(), token))


def sentence_of(name: str, facts: Mapping[str, str]) -> str:
    """What to say of an error; empty of one that nobody foresaw."""
    if near := refusals_front.SENTENCES.get(name):
        return near(facts)
    # sentences of every room: loaded when one is needed
    from bot.slack.refusals import is_known, sentence

    return sentence(name, facts) if is_known(name) else ""


def _named(facts: Mapping[str, str]) -> set[str]:
    """The people whom a sentence about an error may name."""
    return {person for key in ("ask", "holders", "author", "by") for person in facts.get(key, "").split(",")}


def receive_at(desk: "Desk", hand_overs: HandOvers, observers: Observers | None = None) -> Reception:
    """The reception of a desk that has everything on it from the start."""
    handlers()

    async def whole() -> "Desk":
        return desk

    return Reception(desk, whole, hand_overs, observers or Observers())


def build_app(reception: Reception) -> AsyncApp:
    """The app around a desk. Requests are answered when the handler returns, not by polling for its ack.

    What reaches it is Slack's: the door has checked the signature, or it came over our own socket.
    """
    app = AsyncApp(
        # or it keeps the source of every file on the stack, to name itself after one
        name="spanwise",
        client=reception.desk.gateway.client,
        request_verification_enabled=False,
        process_before_response=True,
        attaching_conversation_kwargs_enabled=False,
        attaching_function_token_enabled=False,
    )

    def listener(kind: Kind) -> Callable[[dict[str, Any], AsyncBoltRequest], Awaitable[BoltResponse]]:
        async def listen(body: dict[str, Any], request: AsyncBoltRequest) -> BoltResponse:
            return await reception.receive(kind, body, payloads.repetition(request.headers))

        return listen

    app.command(EVERY)(listener("command"))
    app.action(EVERY)(listener("action"))
    app.view(EVERY)(listener("view"))
    app.shortcut(EVERY)(listener("shortcut"))
    app.event(EVERY)(listener("event"))
    return app


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
