"""App Home: published in one call whenever its person looks at it, and again after what they decide there."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from bot.governance.roles import Permission
from bot.quality.chart_data import ChartData
from bot.slack import change_blocks
from bot.slack.blocks import CANCEL
from bot.slack.desk import Desk, Reply
from bot.slack.digest_charts import NO_FILES, ChartShow, Files
from bot.slack.home_ahead import pictured
from bot.slack.home_blocks import home_view
from bot.slack.payloads import Call

PATIENCE_S = 2.0
"""A chart that takes longer is left out, its numbers said in words: its person is waiting."""
REDRAWS = frozenset({CANCEL, change_blocks.APPROVE})
"""Buttons of the tab after which something on it is different."""


async def opened(call: Call, desk: Desk) -> Reply:
    """Somebody looks at our home tab: draw it as of now."""
    channel = (call.raw.get("event") or {}).get("channel", "")
    if channel:
        desk.gateway.remember_direct(call.person, channel)
    if (call.raw.get("event") or {}).get("tab", "home") != "home":
        return Reply()
    return Reply(after=lambda: draw(call.person, desk))


def kept_current(call: Call, desk: Desk, reply: Reply) -> Reply:
    """The reply to a click, after which the tab is drawn again where the click was on it."""
    if (call.raw.get("view") or {}).get("type") != "home" or call.name not in REDRAWS:
        return reply

    async def after() -> None:
        if reply.after is not None:
            await reply.after()
        await draw(call.person, desk)

    return replace(reply, after=after)


async def draw(person: str, desk: Desk) -> None:
    """Publish a person's home tab, in one call. Raises SlackBusy, SlackUncertain, SlackRefused."""
    actor = await desk.people.actor(person)
    page = await desk.home.page(actor)
    is_admin = await desk.access.holds(actor, Permission.GRANT)
    show, charts = pictured(desk), [page.chart] if page.chart is not None else []

    async def publish(files: Files) -> None:
        await desk.gateway.publish_home(person, home_view(actor.name, page, files, is_admin=is_admin))

    await show.show(await _in_time(show, charts), publish)


async def _in_time(show: ChartShow, charts: Sequence[ChartData]) -> Files:
    """The pictures, usually drawn ahead; what takes longer than a person waits goes on for the next look."""
    making = asyncio.create_task(show.files(charts))
    done, _ = await asyncio.wait({making}, timeout=PATIENCE_S)
    return making.result() if done else NO_FILES
