"""Takes each request to where it is dealt with, acknowledges it, and sees to what is done after."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from slack_bolt.response import BoltResponse

from bot.adapters.correlation import correlate, correlated, correlation_for
from bot.adapters.observing import Observers, RequestTaken
from bot.adapters.store.handed_log import HandedRequest
from bot.adapters.store.store_down import StoreDown
from bot.services.elsewhere import WorkersTask
from bot.services.handing_over import HandOvers
from bot.slack import payloads
from bot.slack.dealing import Dealing
from bot.slack.excuses import tell, words_for
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.passing import NotInTime, passes
from bot.slack.payloads import Call, Kind
from bot.slack.rooms import READERS, handlers
from bot.slack.workflow_command import UMBRELLA, workflow_command

if TYPE_CHECKING:
    from bot.slack.desk import Desk

log = structlog.get_logger(__name__)

ANSWER_S = 2.6
"""Slack waits three seconds; what is not stored by now is taken back, so that the person can be told."""
STAYING = frozenset({"errors", "push", "update"})
"""Answers to a form that leave it open."""


class DeliveredBefore(Exception):
    """A request was delivered a second time; the first delivery is on record or dealt with."""


@dataclass(slots=True)
class Reception:
    """Where everything that Slack sends comes in."""

    dealing: Dealing
    observers: Observers = field(default_factory=Observers)
    _after: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def desk(self) -> FrontDesk:
        """What taking a command needs."""
        return self.dealing.desk

    @property
    def hand_overs(self) -> HandOvers:
        """Requests on record."""
        return self.dealing.hand_overs

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
            reply = await self._in_time(kind, call)
        except DeliveredBefore:
            outcome, reply = "delivered before", Reply()
        except WorkersTask:
            outcome, reply = "handed over", await self._hand_over(kind, call, repetition)
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

    async def _in_time(self, kind: Kind, call: Call) -> Reply:
        try:
            async with asyncio.timeout(ANSWER_S) as limit:
                return await self._handled(kind, call)
        except TimeoutError:
            if limit.expired():
                raise NotInTime from None
            raise

    async def _handled(self, kind: Kind, call: Call) -> Reply:
        if kind == "command" and call.name != UMBRELLA:
            # its run is on record together with its key
            return await workflow_command(call, self.desk, call.name.removeprefix("/"), call.text)
        return await (self._recorded(call) if kind == "event" else self._once(kind, call))

    async def _recorded(self, call: Call) -> Reply:
        """Put a message to us on record, which is then acknowledged; Slack delivers some several times."""
        desk = await self.dealing.whole()
        from bot.slack.messages import is_for_us, is_said

        if not is_said(call):
            return await handlers()["event"](call, desk)
        if not await is_for_us(call, desk):
            return Reply()
        request = HandedRequest(call.dedupe_key, "event", call.raw, is_answered=False)
        taken = await self.hand_overs.take_in(request)
        if taken is None:
            raise DeliveredBefore
        return Reply(after=lambda: self.dealing.deal(taken))

    async def _once(self, kind: Kind, call: Call) -> Reply:
        """Deal with a click, a form or a command of ours, but for one that was dealt with before."""
        desk = await self.dealing.whole()
        key = call.delivery_key
        if key and await self.hand_overs.is_dealt(key):
            raise DeliveredBefore
        reply = await handlers()[kind](call, desk)
        # a form that stays open may be sent off again as it is
        if key and (reply.ack or {}).get("response_action") not in STAYING:
            self.hand_overs.remember(key)
        return reply

    async def _leave(self, kind: Kind, call: Call, key: str, *, is_answered: bool = False) -> None:
        await self.hand_overs.leave(HandedRequest(key, kind, call.raw, is_answered))

    async def _hand_over(self, kind: Kind, call: Call | None, repetition: int) -> Reply:
        """Have a worker deal with what this process cannot."""
        try:
            if call is not None:
                await self._leave(kind, call, call.dedupe_key)
        except Exception as error:
            return self._excuse(kind, call, error, repetition)
        return Reply()

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
                await self._leave(kind, call, f"{call.dedupe_key}:after", is_answered=True)
        except Exception as error:
            if call is not None:
                await self._leave_or_tell(kind, call, error)

    async def _leave_or_tell(self, kind: Kind, call: Call, error: Exception) -> None:
        """Slack delivers an event no more: one that met what passes is a worker's, if that can be written."""
        if kind == "event" and passes(error):
            with suppress(StoreDown):
                await self._leave(kind, call, call.dedupe_key)
                return
        await tell(self.desk, kind, call, error)

    def _excuse(self, kind: Kind, call: Call | None, error: Exception, repetition: int) -> Reply:
        """The sentence of an error, by the way this kind of request is answered."""
        if kind == "event" and repetition < payloads.LAST_REPETITION and passes(error):
            log.info("slack.comes_again", error=type(error).__name__, repetition=repetition)
            return Reply(comes_again=True)
        if kind not in ("command", "view") and call is not None:
            known = call
            return Reply(after=lambda: self._leave_or_tell(kind, known, error))
        words = words_for(kind, call, error)
        if kind == "command":
            return Reply(ack=self.desk.gateway.sealed_ack(words))
        if kind == "view":
            from bot.slack.views import pushed

            return Reply(ack=pushed("That did not work", words.text))
        return Reply()


def receive_at(desk: "Desk", hand_overs: HandOvers, observers: Observers | None = None) -> Reception:
    """The reception of a desk that has everything on it from the start."""
    handlers()

    async def whole() -> "Desk":
        return desk

    return Reception(Dealing(desk, whole, hand_overs), observers or Observers())
