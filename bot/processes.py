"""What runs until it is told to stop: taking requests, working, delivering, the clock, alone or together."""

import asyncio
import contextlib
from collections.abc import Collection, Coroutine, Iterator
from functools import partial
from typing import Any, Literal, TypeAlias

import structlog

from bot import jobs
from bot.bootstrap import Product
from bot.entrance import ending_in_time, take_requests
from bot.health import health_open
from bot.services.health_checks import checks_for
from bot.services.heartbeats import Heartbeats
from bot.services.question_work import QuestionWork
from bot.slack.digest_hanging import hanging
from bot.slack.home_ahead import DrawnAhead
from bot.slack.reception import Reception, receive_at
from bot.slack.store_watch import StoreWatch
from bot.slack.taking_over import TakingOver
from bot.slack_line import SlackLine, open_line
from bot.slack_wire import Reach, once_reached

log = structlog.get_logger(__name__)

Part: TypeAlias = Literal["slack", "worker", "clock"]
EVERYTHING: tuple[Part, ...] = ("slack", "worker", "clock")


async def run_parts(product: Product, parts: Collection[Part], stop: asyncio.Event) -> None:
    """Run the parts in this process until `stop` is set, then let each finish what it has in hand."""
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(ending_in_time(stop, product.store.hang_up))
        line, reach, speaks = None, Reach(), bool({"slack", "worker"} & set(parts))
        checks = checks_for(
            parts,
            product.store,
            product.models,
            product.holdings,
            reach.look if speaks else None,
            product.settings.queue_waiting,
        )
        await stack.enter_async_context(
            health_open(product.settings, product.watching, product.store, checks)
        )
        if speaks:
            line = await once_reached(partial(open_line, product), stop)
            if line is None:
                return
            stack.push_async_callback(line.close)
            reach.probe = line.probe
            reception = receive_at(line.desk, product.hand_overs, product.watching.observers)
        slots = product.settings.concurrency if "worker" in parts else 0
        beats = Heartbeats(product.store, parts, slots=slots, checks=checks)
        async with asyncio.TaskGroup() as tasks:
            loops: list[Coroutine[Any, Any, None]] = []
            if "worker" in parts and line is not None:
                loops += _working(product, line, reception, stop)
            if "slack" in parts and line is not None:
                loops += _taking(product, line, reception, beats, stop)
            for loop in loops:
                tasks.create_task(loop)
            if "clock" in parts:
                tasks.create_task(jobs.run_until(stop, product))
            tasks.create_task(beats.run_until(stop))
            log.info("started", parts=sorted(parts))
            await stop.wait()
    log.info("stopped", parts=sorted(parts))


def _working(
    product: Product, line: SlackLine, reception: Reception, stop: asyncio.Event
) -> Iterator[Coroutine[Any, Any, None]]:
    """What a worker does."""
    yield product.models.warm_up()
    yield product.holdings.keep_until(stop)
    yield TakingOver(reception.dealing).run_until(stop)
    yield product.worker().run_until(stop)
    yield product.courier(line.delivery).run_until(stop)
    yield product.change_work(line.desk.people).run_until(stop)
    yield product.evaluation_work().run_until(stop)
    yield QuestionWork(product.store, product.embedder.encode, product.clock).run_until(stop)
    yield product.digest_work().run_until(stop, line.desk.people, hanging(line.desk.charts))
    yield product.fixing.run_until(stop, line.desk.people.actor)


def _taking(
    product: Product, line: SlackLine, reception: Reception, beats: Heartbeats, stop: asyncio.Event
) -> Iterator[Coroutine[Any, Any, None]]:
    """What a process does that takes requests."""
    yield take_requests(product.settings, reception, line.probe, product.clock, stop)
    yield DrawnAhead(line.desk).run_until(stop)
    watch = StoreWatch(product.store, product.alerting, line.gateway, product.clock, beats.name)
    yield watch.run_until(stop)
