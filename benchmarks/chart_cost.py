"""What the charts of one digest cost: drawn in the child process, uploaded, and posted as one message.

    python benchmarks/chart_cost.py

Counts the processor time of this process, with the local workspace in it, and of the child that draws.
The limit for one digest with four charts is 3 s, the start of the child included.
"""

import argparse
import asyncio
import resource
import sys
import tempfile
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot.adapters.charts import Charts
from bot.adapters.system_clock import SystemClock
from bot.quality.chart_data import ChartData, of_week
from bot.quality.tallies import Durations, Tally
from bot.slack.digest_charts import ChartShow, Files, chart_blocks
from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, Placed, open_client
from bot.slack.manifest import build
from bot.slack.pictures import Pictures
from bot.workspace.workspace_server import Workspace

LIMIT_S = 3.0
CHANNEL = "C0PEOPLE"


def charts_of(week: int, workflows: int) -> tuple[ChartData, ...]:
    """The four charts of a week in which that many workflows ran; no two weeks are alike."""
    days = [date(2026, 1, 5) + timedelta(days=7 * week + day) for day in range(7)]
    return of_week(days, _tallies(week + 1, workflows), _tallies(week, workflows))


def _tallies(week: int, workflows: int) -> list[dict[str, Tally]]:
    return [
        {f"workflow-{number}": _tally(7 * week + day, number) for number in range(workflows)}
        for day in range(7)
    ]


def _tally(day: int, number: int) -> Tally:
    runs = 20 + (day * 31 + number * 17) % 90
    durations = Durations({700 + (day + each) % 90: 3 for each in range(runs // 3)})
    return Tally(
        runs,
        answered=runs,
        votes_up=runs // 5,
        votes_down=runs // 19,
        cost_usd=Decimal(runs) / 81,
        durations=durations,
    )


async def post(show: ChartShow, gateway: Gateway, charts: tuple[ChartData, ...]) -> None:
    """One message with these charts."""

    async def send(files: Files) -> Placed:
        return await gateway.post(CHANNEL, Outgoing("Charts", tuple(chart_blocks(charts, files))))

    files = await show.files(charts)
    if len(files) < len(charts):
        raise SystemExit("a chart could not be drawn or uploaded")
    await show.show(files, send)


async def digests(count: int, workflows: int, folder: Path) -> None:
    """So many digests, one after the other, by one child process."""
    workspace = Workspace(build([]))
    await workspace.start()
    gateway = Gateway(open_client("xoxb-test", workspace.api_url), SystemClock())
    charts = Charts(folder)
    try:
        for week in range(count):
            await post(ChartShow(charts, Pictures(gateway)), gateway, charts_of(week, workflows))
    finally:
        await charts.close()
        await workspace.stop()


def processor_s() -> float:
    """Processor seconds of this process and of the children that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)


def measured(count: int, workflows: int, folder: Path) -> float:
    """Processor seconds that so many digests take."""
    before = processor_s()
    asyncio.run(digests(count, workflows, folder))
    return processor_s() - before


def main() -> None:
    """Measure, print, and fail above the limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workflows", type=int, default=40)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        # the first start on a machine looks for its fonts and keeps what it found
        print(f"{'very first, fonts looked for':<40} {measured(1, arguments.workflows, Path(name)):5.2f} s")
        first = sorted(measured(1, arguments.workflows, Path(name)) for _ in range(arguments.rounds))
        many = measured(1 + arguments.rounds, arguments.workflows, Path(name))
    middle = first[len(first) // 2]
    spread = f"median of {arguments.rounds}, most {first[-1]:.2f} s"
    print(f"{'one digest with four charts':<40} {middle:5.2f} s ({spread})")
    print(f"{'each further one, same child':<40} {(many - middle) / arguments.rounds:5.2f} s")
    if middle > LIMIT_S:
        raise SystemExit(f"more than {LIMIT_S} s")


if __name__ == "__main__":
    main()
