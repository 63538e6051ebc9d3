"""`python -m bot slack`: a process that takes requests, stores them and acknowledges, in little memory.

It loads no model, no vectors and no drawing. What is not a workflow's command loads the rooms of the desk
when it first comes; what needs a model or vectors is left to a worker.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

import structlog

from bot.adapters.system_clock import SystemClock
from bot.entrance import ending_in_time, stopping_on_signals, take_requests
from bot.front import Front, open_front
from bot.health import health_open
from bot.services.alert_places import AlertPlaces
from bot.services.health_checks import HealthChecks, checks_for
from bot.services.heartbeats import Heartbeats
from bot.services.stand_in import StandIn
from bot.settings import Settings
from bot.slack.dealing import Dealing
from bot.slack.front_desk import FrontDesk
from bot.slack.reception import Reception
from bot.slack.rooms import handlers
from bot.slack.store_watch import StoreWatch
from bot.slack_wire import Reach, Wire, once_reached, open_wire

if TYPE_CHECKING:
    from bot.bootstrap import Product
    from bot.services.outbox import Courier
    from bot.slack.desk import Desk

log = structlog.get_logger(__name__)

PART = "slack"
READERS = 2
"""Connections that read: each keeps pages of its own, and more would only wait for each other."""


class Rooms:
    """Everything beyond workflows' commands, made once and when it is first needed."""

    def __init__(self, front: Front, wire: Wire) -> None:
        self._front = front
        self._wire = wire
        self._making = asyncio.Lock()
        self._furnished = asyncio.Event()
        self._made: tuple[Product, Desk] | None = None

    async def desk(self) -> "Desk":
        """The desk with everything on it. Raises InvalidProfiles."""
        return (await self._furniture())[1]

    async def courier(self) -> "Courier":
        """Who brings messages while no worker does."""
        from bot.slack.delivery import Delivery

        product, _ = await self._furniture()
        wire = self._wire
        return product.courier(Delivery(wire.gateway, wire.people, self._front.clock))

    async def _furniture(self) -> "tuple[Product, Desk]":
        async with self._making:
            if self._made is None:
                # importing takes longer than others who wait for their acknowledgement should
                await asyncio.to_thread(handlers)
                self._made = await asyncio.to_thread(_furnish, self._front, self._wire)
                self._furnished.set()
            return self._made

    async def draw_ahead(self, stop: asyncio.Event) -> None:
        """From the time that somebody came further than commands, draw what home tabs will show."""
        ended, made = asyncio.create_task(stop.wait()), asyncio.create_task(self._furnished.wait())
        try:
            await asyncio.wait({ended, made}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            ended.cancel()
            made.cancel()
        if not stop.is_set():
            from bot.slack.home_ahead import DrawnAhead

            await DrawnAhead(await self.desk()).run_until(stop)

    async def close(self) -> None:
        """Let go of what was made."""
        if self._made is not None:
            await self._made[0].charts.close()


def _furnish(front: Front, wire: Wire) -> "tuple[Product, Desk]":
    from bot.bootstrap import build_on
    from bot.slack_line import whole_desk

    product = build_on(front)
    return product, whole_desk(product, wire)


def reception_of(front: Front, wire: Wire, whole: "Callable[[], Awaitable[Desk]]") -> Reception:
    """Takes workflows' commands with what is there, and everything else at the whole desk."""
    desk = FrontDesk(
        runs=front.runs,
        catalogue=front.catalogue,
        preferences=front.preferences,
        gateway=wire.gateway,
        people=wire.people,
        clock=front.clock,
        workspace_url=wire.workspace_url,
    )
    return Reception(Dealing(desk, whole, front.hand_overs), front.watching.observers)


async def serve(settings: Settings) -> None:
    """Take requests until told to stop. Raises NoBotToken, NoWayIn, PortTaken, errors of the database."""
    async with stopping_on_signals() as stop:
        front = open_front(settings, SystemClock(), readers=READERS)
        try:
            reach = Reach()
            checks = checks_for((PART,), front.store, None, None, reach.look, settings.queue_waiting)
            async with health_open(settings, front.watching, front.store, checks):
                opening = partial(open_wire, settings, front.clock, front.watching.observers)
                wire = await once_reached(opening, stop)
                if wire is not None:
                    reach.probe = wire.probe
                    try:
                        await _take(front, wire, checks, stop)
                    finally:
                        await wire.close()
        finally:
            await front.watching.close()
            front.store.close()


async def _take(front: Front, wire: Wire, checks: HealthChecks, stop: asyncio.Event) -> None:
    rooms = Rooms(front, wire)
    reception = reception_of(front, wire, rooms.desk)
    try:
        async with (
            ending_in_time(stop, front.store.hang_up),
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(take_requests(front.settings, reception, wire.probe, front.clock, stop))
            tasks.create_task(rooms.draw_ahead(stop))
            told = AlertPlaces(front.store, front.access, front.settings.alert_channel)
            beats = Heartbeats(front.store, (PART,), checks=checks)
            watch = StoreWatch(front.store, told, wire.gateway, front.clock, beats.name)
            tasks.create_task(watch.run_until(stop))
            tasks.create_task(StandIn(front.store, rooms.courier).run_until(stop))
            tasks.create_task(beats.run_until(stop))
            # what there is stays: looking through it for garbage would hold up acknowledgements for 0.2 s
            gc.collect()
            gc.freeze()
            log.info("started", parts=[PART])
            await stop.wait()
    finally:
        await rooms.close()
    log.info("stopped", parts=[PART])
