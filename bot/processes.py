"""What runs until it is told to stop: taking requests, working, delivering, the clock, alone or together."""

import asyncio
import contextlib
from collections.abc import Collection
from functools import partial
from typing import Literal, TypeAlias

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
from bot.slack.reception import receive_at
from bot.slack.store_watch import StoreWatch
from bot.slack.taking_over import TakingOver
from bot.slack_line import open_line
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
            if "worker" in parts and line is not None:
                tasks.create_task(product.models.warm_up())
                tasks.create_task(product.holdings.keep_until(stop))
                tasks.create_task(TakingOver(reception.dealing).run_until(stop))
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
                tasks.create_task(take_requests(product.settings, reception, line.probe, product.clock, stop))
                tasks.create_task(DrawnAhead(line.desk).run_until(stop))
                store_watch = StoreWatch(
                    product.store, product.alerting, line.gateway, product.clock, beats.name
                )
                tasks.create_task(store_watch.run_until(stop))
            if "clock" in parts:
                tasks.create_task(jobs.run_until(stop, product))
            tasks.create_task(beats.run_until(stop))
            log.info("started", parts=sorted(parts))
            await stop.wait()
    log.info("stopped", parts=sorted(parts))
