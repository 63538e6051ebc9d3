"""Requests that are on record: dealt with after their acknowledgement, where they came in or by a worker."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from bot.adapters.correlation import correlated, correlation_for
from bot.adapters.store.handed_log import HandedRequest
from bot.services.elsewhere import WorkersTask
from bot.services.handing_over import Farewell, HandOvers
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.excuses import tell, words_for
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.gateway import SlackUncertain
from bot.slack.passing import passes
from bot.slack.payloads import Call
from bot.slack.rooms import KINDS, READERS, handlers

if TYPE_CHECKING:
    from bot.slack.desk import Desk

log = structlog.get_logger(__name__)

MOST_ATTEMPTS = 3
"""A request that ended three processes is not given to a fourth."""


class EndsProcesses(Exception):
    """A request that ended every process which dealt with it."""


@dataclass(frozen=True, slots=True)
class Dealing:
    """Deals with requests that this process holds."""

    desk: FrontDesk
    whole: "Callable[[], Awaitable[Desk]]"
    """The desk with everything on it, made when it is first needed."""
    hand_overs: HandOvers

    async def deal(self, taken: HandedRequest) -> None:
        """See it through under its lease; what cannot be done now is left to whoever takes it up next."""
        try:
            if taken.attempts - taken.put_off <= MOST_ATTEMPTS:
                async with self.hand_overs.held(taken):
                    await self.take_over(taken)
                    await self.hand_overs.end(taken)
            else:
                call = READERS[KINDS[taken.kind]](taken.body)
                with correlated(correlation_for(call.dedupe_key)):
                    log.error("handed.given_up", kind=taken.kind, attempts=taken.attempts)
                    await self.hand_overs.give_up(taken, self._farewell(taken, EndsProcesses()))
        except Exception as error:
            await self._failed(taken, error)

    async def _failed(self, taken: HandedRequest, error: Exception) -> None:
        """Its lease ends, and it is taken up again; for what passes by itself, it is not to blame."""
        try:
            if isinstance(error, WorkersTask):
                await self.hand_overs.hand_back(taken)
            elif passes(error):
                waits = await self.hand_overs.put_off(taken, self._farewell(taken, error))
                log.warning("handed.put_off" if waits else "handed.given_up", error=type(error).__name__)
            else:
                log.error("handed.failed", kind=taken.kind, exc_info=error)
        except Exception:
            log.exception("handed.failed", kind=taken.kind)

    async def take_over(self, handed: HandedRequest) -> None:
        """Deal with a request that was acknowledged; what there is to say is told the person.

        Raises WorkersTask, and what `passes`: it is dealt with again, and what it changes is changed once.
        """
        kind = KINDS[handed.kind]
        call = READERS[kind](handed.body)
        with correlated(correlation_for(call.dedupe_key)):
            try:
                reply = await handlers()[kind](call, await self.whole())
            except Exception as error:
                if passes(error) or isinstance(error, WorkersTask):
                    raise
                await tell(self.desk, kind, call, error)
                return
            try:
                await self._follow(call, reply, handed)
            except WorkersTask:
                raise
            except Exception as error:
                # what may have been heard already is not said again and again
                with suppress(SlackUncertain):
                    await tell(self.desk, kind, call, error)

    async def _follow(self, call: Call, reply: Reply, handed: HandedRequest) -> None:
        """What comes after a handler, here without an acknowledgement to send it with."""
        if reply.ack is not None and not handed.is_answered:
            await self._say_late(call, dict(reply.ack))
        if reply.after is not None:
            await reply.after()

    def _farewell(self, handed: HandedRequest, error: Exception) -> Farewell:
        """What to tell whoever asked for something that was tried until it was too late."""
        kind = KINDS[handed.kind]
        call = READERS[kind](handed.body)
        return Farewell(call.person, words_for(kind, call, error).text)

    async def _say_late(self, call: Call, ack: dict[str, Any]) -> None:
        """What would have gone with the acknowledgement, to a person who had that already."""
        if "text" in ack and call.response_url:
            await self.desk.gateway.respond_sealed(call.response_url, ack)
        elif problems := ack.get("errors"):
            await self.desk.tell(call, notice("\n".join(problems.values())))
        elif ack.get("response_action") == "push":
            shown = ack["view"]
            await self.desk.tell(call, Outgoing(shown["title"]["text"], tuple(shown["blocks"])))
