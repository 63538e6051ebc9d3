"""Seconds it takes to find the topics of many questions, stored and as they come, and to read a week of them.

    OPENBLAS_NUM_THREADS=1 python benchmarks/insights.py [--questions N] [--url DATABASE_URL]

The questions are planted on topics asked with falling frequency, two of ten belong to none, over six weeks.
Exits 1 when topics from the stored vectors take longer than a minute, or are not those that were planted.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from sqlalchemy import delete, insert, select

sys.path.insert(0, str(Path(__file__).parents[1]))

from bot.adapters.store import questions_log
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.adapters.store.run_log import runs
from bot.bootstrap import library
from bot.quality.clustering import Topics
from bot.services.access import Access
from bot.services.catalogue import Catalogue
from bot.services.insights import Insights
from bot.services.question_work import QuestionPace, QuestionWork
from bot.services.rollups import Rollups
from knowledge.embedding import Vectors
from tests.bot.history_rows import NOW, Past, insert_past
from tests.bot.planted import agreement, planted
from tests.fakes import FakeClock

LONGEST_S = 60.0
TOPICS, ALONE = 500, 0.2
WEEK, WEEKS = timedelta(days=7), 6
ROWS = 2000
"""Rows of one insert."""


def main() -> int:
    """Run; 0 when it is fast and right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=100_000)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary folder unless given")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(options.url or f"sqlite:///{Path(folder)}/bench.db")
        store.write_now(metadata.create_all)
        is_fine = asyncio.run(measure(store, options.questions))
        store.close()
    return 0 if is_fine else 1


async def measure(store: Store, count: int) -> bool:
    """Print each figure; whether it is fast and right."""
    vectors, topic = planted(count, TOPICS, alone=ALONE)
    fill(store, count)
    began = time.perf_counter()
    await as_they_come(store, vectors)
    print(f"{count} questions, written down as they come: {time.perf_counter() - began:.1f} s")
    began = time.perf_counter()
    stored = store.read_now(lambda connection: questions_log.stored_questions(connection, "ask-policy"))
    read = questions_log.unpacked([each.vector for each in stored])
    found = Topics().add(read, [each.asked_at.timestamp() for each in stored])
    at_once = time.perf_counter() - began
    right = agreement([topic[int(each.run_id)] for each in stored], found)
    print(f"from the stored vectors: {at_once:.1f} s, {len(set(found))} topics, Rand index {right:.3f}")
    came = agreement(found, [each.topic_id for each in stored])
    print(f"both ways agree: {came:.5f}")
    await read_week(store)
    return at_once <= LONGEST_S and right > 0.95


def fill(store: Store, count: int) -> None:
    """So many runs over six weeks, each asking for its own number."""
    store.write_now(lambda connection: insert_past(connection, Past("model")))
    model = dict(store.read_now(lambda connection: connection.execute(select(runs)).one())._mapping)
    step = WEEKS * WEEK / count

    def row(number: int) -> dict[str, object]:
        at = NOW - (count - number) * step
        abstained = number % 10 == 0
        return {
            **model,
            "id": str(number),
            "inputs": {"question": str(number)},
            "actor_id": f"U0P{number % 300}",
            "created_at": at,
            "finished_at": at + timedelta(seconds=3),
            "ending": "abstained" if abstained else "answered",
        }

    for start in range(0, count, ROWS):
        rows = [row(number) for number in range(start, min(count, start + ROWS))]
        store.write_now(lambda connection, rows=rows: connection.execute(insert(runs), rows))


async def as_they_come(store: Store, vectors: Vectors) -> None:
    """Through the worker's loop, whose encoder knows every text."""

    def encode(texts: Sequence[str]) -> Vectors:
        return vectors[[int(text) if text.isdigit() else 0 for text in texts]]

    await QuestionWork(store, encode, FakeClock(NOW), QuestionPace(batch=512)).drain()
    store.write_now(
        lambda connection: connection.execute(
            delete(questions_log.questions).where(questions_log.questions.c.run_id == "model")
        )
    )


async def read_week(store: Store) -> None:
    """The insights of the last of the weeks."""
    clock = FakeClock(NOW)
    catalogue = Catalogue(store, Access(store, clock), clock)
    await catalogue.seed(library())
    await Rollups(store, clock).refresh()
    insights = Insights(store, catalogue, clock)
    began = time.perf_counter()
    found = await insights.for_week(("ask-policy",), NOW - WEEK, NOW, may_see=True)
    took = time.perf_counter() - began
    print(f"a week's insights: {took:.2f} s, {len(found.topics)} topics, {len(found.gaps)} gaps")


if __name__ == "__main__":
    sys.exit(main())
