"""Charts on their way into messages and home tabs: drawn, uploaded once, or in words where that fails."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import structlog

from bot.adapters.charts import Charts
from bot.adapters.diagrams import NotDrawn
from bot.quality import chart_words
from bot.quality.chart_data import ChartData, packed
from bot.slack import elements as el
from bot.slack.gateway import SlackBusy, SlackRefused, SlackUncertain
from bot.slack.native_charts import native_block
from bot.slack.pictures import NOT_READY, Pictures, shown_in_time
from bot.slack.richtext import Block

log = structlog.get_logger(__name__)
T = TypeVar("T")

Files: TypeAlias = Mapping[str, str]
"""Slack's ids of the pictures there are, by the packed chart."""
NO_FILES: Files = {}
NATIVE_LIMIT = 2
"""Charts of Slack's own that it takes in one message."""


@dataclass(frozen=True, slots=True)
class ChartShow:
    """Has charts drawn and uploaded; with `native`, Slack draws what it can from the numbers."""

    charts: Charts
    pictures: Pictures
    native: bool = False

    def known(self, charts: Sequence[ChartData]) -> Files:
        """The pictures that need not be made any more."""
        found = {packed(chart): self.pictures.known(packed(chart)) for chart in charts}
        return {source: file for source, file in found.items() if file}

    async def files(self, charts: Sequence[ChartData]) -> Files:
        """A picture of each chart that needs one; those that cannot be had are left out."""
        natives = natives_of(charts) if self.native else ()
        made = {packed(chart): await self._file(chart) for chart in charts if chart not in natives}
        return {source: file for source, file in made.items() if file}

    async def shown(self, charts: Sequence[ChartData], show: Callable[[Files], Awaitable[T]]) -> T:
        """Do what shows the charts, again while Slack still takes the pictures in; at last without them.

        Raises what `show` raises.
        """
        return await self.show(await self.files(charts), show)

    async def show(self, files: Files, show: Callable[[Files], Awaitable[T]]) -> T:
        """As `shown`, with pictures that are there."""
        if not files:
            return await show(NO_FILES)
        try:
            return await shown_in_time(lambda: show(files))
        except SlackRefused as error:
            if error.reason not in NOT_READY:
                raise
            log.warning("chart.not_shown", reason=error.reason)
            for source in files:
                self.pictures.forget(source)
            return await show(NO_FILES)

    async def _file(self, chart: ChartData) -> str:
        source = packed(chart)
        file = self.pictures.known(source)
        if file or chart_words.is_empty(chart):
            return file
        try:
            png = await self.charts.draw(chart)
            said = chart_words.alt(chart)
            return await self.pictures.put(source, png, title=chart_words.title(chart), alt=said)
        except (NotDrawn, SlackBusy, SlackRefused, SlackUncertain) as error:
            log.warning("chart.no_picture", error=type(error).__name__, **getattr(error, "facts", {}))
            return ""


def natives_of(charts: Sequence[ChartData]) -> tuple[ChartData, ...]:
    """Those of a message that Slack draws by itself: the first two that it can."""
    return tuple(chart for chart in charts if native_block(chart))[:NATIVE_LIMIT]


def chart_blocks(charts: Sequence[ChartData], files: Files, *, native: bool = False) -> list[Block]:
    """Each chart as one block: Slack's own, the picture, or its numbers in words."""
    natives = natives_of(charts) if native else ()
    return [_block(chart, files.get(packed(chart), ""), native=chart in natives) for chart in charts]


def _block(chart: ChartData, file: str, *, native: bool) -> Block:
    if native:
        return native_block(chart) or _in_words(chart)
    if not file:
        return _in_words(chart)
    return {"type": "image", "slack_file": {"id": file}, "alt_text": chart_words.alt(chart)}


def _in_words(chart: ChartData) -> Block:
    return el.section(f"*{el.escape(chart_words.title(chart))}*\n{el.escape(chart_words.gist(chart))}")
