"""The charts of home tabs, drawn before anybody looks: a tab is then one call with its picture in it."""

import asyncio
from dataclasses import dataclass, replace

import structlog

from bot.slack.desk import Desk
from bot.slack.digest_charts import ChartShow

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class DrawnAhead:
    """Part of the process that Slack tells of who opens their tab."""

    desk: Desk
    again_s: float = 600.0
    """Between two looks at whether the day is another or somebody answers for something else."""

    async def run_until(self, stop: asyncio.Event) -> None:
        """Draw what is new now and then, until `stop` is set."""
        while not stop.is_set():
            try:
                await self.draw()
            except Exception:
                log.exception("home.not_drawn_ahead")
            try:
                async with asyncio.timeout(self.again_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def draw(self) -> None:
        """Have the picture of everybody's chart of today; those there are cost nothing."""
        people, show = self.desk.people, pictured(self.desk)
        holders = await people.holders(await self.desk.home.answering())
        for person in sorted({each.person for each in holders if each.is_active}):
            chart = await self.desk.home.chart(await people.actor(person))
            if chart is not None:
                await show.files([chart])


def pictured(desk: Desk) -> ChartShow:
    """On a home tab charts are always pictures: Slack draws none of its own there."""
    return replace(desk.charts, native=False)
