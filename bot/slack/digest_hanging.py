"""Pictures of a digest: drawn and taken to Slack before its message is posted."""

from collections.abc import Sequence

from bot.quality.chart_data import ChartData, packed
from bot.quality.digest import Chart
from bot.services.digest_work import Hang
from bot.slack.digest_charts import ChartShow, natives_of


def hanging(show: ChartShow) -> Hang:
    """Has charts drawn; of one that cannot be had, the numbers are said instead."""

    async def hang(charts: Sequence[ChartData]) -> tuple[Chart, ...]:
        files = await show.files(charts)
        natives = natives_of(charts) if show.native else ()
        return tuple(Chart(packed(each), files.get(packed(each), ""), each in natives) for each in charts)

    return hang
