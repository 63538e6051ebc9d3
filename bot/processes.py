"""What runs until it is told to stop: taking requests, working, delivering, the clock, alone or together."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Collection
from typing import Literal, TypeAlias

import structlog

from bot import jobs
from bot.bootstrap import Product
from bot.health import health_open
from bot.services.heartbeats import Heartbeats
from bot.services.question_work import QuestionWork
from bot.services.stand_in import StandIn
from bot.slack.app import build_app, socket_open
from bot.slack.digest_hanging import hanging
from bot.slack.home_ahead import DrawnAhead
from bot.slack.http_door import build_door, open_door
from bot.slack.signatures import Signatures
from bot.slack.store_watch import StoreWatch
from bot.slack_line import NoWayIn, SlackLine, open_line

log = structlog.get_logger(__name__)

Part: TypeAlias = Literal["slack", "worker", "clock"]
EVERYTHING: tuple[Part, ...] = ("slack", "worker", "clock")


async def run_parts(product: Product, parts: Collection[Part], stop: asyncio.Event) -> None:
    """Run the parts in this process until `stop` is set, then let each finish what it has in hand."""
    async with contextlib.AsyncExitStack() as stack:
        line = None
        if {"slack", "worker"} & set(parts):
            line = await open_line(product)
            stack.push_async_callback(line.close)
        checks = await stack.enter_async_context(health_open(product, parts, line))
        async with asyncio.TaskGroup() as tasks:
            if "worker" in parts and line is not None:
                tasks.create_task(product.models.warm_up())
                tasks.create_task(product.holdings.keep_until(stop))
                tasks.create_task(product.worker().run_until(stop))
                tasks.create_task(product.courier(line.delivery).run_until(stop))
                tasks.create_task(product.change_work(line.desk.people).run_until(stop))
                tasks.create_task(product.evaluation_work().run_until(stop))
                asked = QuestionWork(product.store, product.embedder.encode, product.clock)
                tasks.create_task(asked.run_until(stop))
                tasks.create_task(
                    product.digest_work().run_until(stop, line.desk.people, hanging(line.desk.charts))
                )
                tasks.create_task(product.fixing.run_until(stop, line.desk.people.actor))
            if "slack" in parts and line is not None:
                tasks.create_task(_take_requests(product, line, stop))
                tasks.create_task(DrawnAhead(line.desk).run_until(stop))
                tasks.create_task(
                    StoreWatch(product.store, product.alerting, line.gateway, product.clock).run_until(stop)
                )
                if "worker" not in parts:
                    tasks.create_task(StandIn(product.store, product.courier(line.delivery)).run_until(stop))
            if "clock" in parts:
                tasks.create_task(jobs.run_until(stop, product))
            slots = product.settings.concurrency if "worker" in parts else 0
            tasks.create_task(Heartbeats(product.store, parts, slots=slots, checks=checks).run_until(stop))
            log.info("started", parts=sorted(parts))
            await stop.wait()
    log.info("stopped", parts=sorted(parts))


async def _take_requests(product: Product, line: SlackLine, stop: asyncio.Event) -> None:
    settings = product.settings
    app, reception = build_app(line.desk, observers=product.watching.observers)
    if settings.uses_socket_mode:
        async with socket_open(app, settings.slack_app_token.get_secret_value()) as is_connected:
            line.probe.is_connected = is_connected
            await stop.wait()
    elif settings.signing_secrets:
        signatures = Signatures(settings.signing_secrets, lambda: product.clock.now().timestamp())
        runner = await open_door(build_door(app, signatures), settings.port)
        log.info("listening", port=settings.port, path="/slack/events")
        try:
            await stop.wait()
        finally:
            await runner.cleanup()
    else:
        raise NoWayIn
    await reception.settle()


@contextlib.asynccontextmanager
async def stopping_on_signals() -> AsyncIterator[asyncio.Event]:
    """An event that SIGINT and SIGTERM set; the first is heard, a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def heard() -> None:
        stop.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, heard)
    try:
        yield stop
    finally:
        for each in signals:
            loop.remove_signal_handler(each)
