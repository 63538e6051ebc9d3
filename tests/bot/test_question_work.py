"""Questions get their vectors and topics: each once, in order, whoever does it, on both databases."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import delete, select

from bot.adapters.store import questions_log
from bot.adapters.store.database import Store
from bot.adapters.store.questions_log import TopicsMoved, questions, topics
from bot.adapters.store.retention_log import empty_runs
from bot.adapters.store.run_log import runs
from bot.services.question_work import QuestionPace, QuestionWork
from knowledge.embedding import Vectors
from tests.bot.history_rows import NOW, Past, insert_past
from tests.bot.planted import planted
from tests.fakes import FakeClock
from workflows.run import RunStatus

SUBJECTS = ("leave", "hotel", "password", "laptop", "pension")


class FakeEncoder:
    """A vector by the subject that a text names, moved a little by its other words; keeps the texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._vectors, topic = planted(400, len(SUBJECTS), noise=0.02)
        self._of = [
            [index for index, each in enumerate(topic) if each == name] for name in range(len(SUBJECTS))
        ]

    def __call__(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        return self._vectors[[self._place(text) for text in texts]]

    def _place(self, text: str) -> int:
        mine = self._of[next(index for index, each in enumerate(SUBJECTS) if each in text)]
        return mine[sum(map(ord, text)) % len(mine)]


def past(number: int, **changes: Any) -> Past:
    subject = SUBJECTS[number % len(SUBJECTS)]
    values = {
        "question": f"What of my {subject}, case {number}?",
        "asked_at": NOW - timedelta(minutes=200 - number),
    }
    return Past(f"r_{number:03}", **{**values, **changes})


def put(store: Store, *found: Past) -> None:
    store.write_now(lambda connection: [insert_past(connection, each) for each in found])


def work(store: Store, **pace: Any) -> QuestionWork:
    return QuestionWork(store, FakeEncoder(), FakeClock(NOW), QuestionPace(**{"batch": 8, **pace}))


def grouping(store: Store) -> list[set[str]]:
    rows = store.read_now(lambda connection: connection.execute(select(questions)).all())
    by_topic: dict[str, set[str]] = {}
    for row in rows:
        by_topic.setdefault(row.topic_id, set()).add(row.run_id)
    return sorted(by_topic.values(), key=min)


def sizes(store: Store) -> list[int]:
    return sorted(
        store.read_now(lambda connection: connection.execute(select(topics.c.size)).scalars().all())
    )


async def test_questions_of_a_subject_share_a_topic(store: Store) -> None:
    put(store, *(past(number) for number in range(40)))
    assert await work(store).drain() == 40
    assert grouping(store) == [{f"r_{number:03}" for number in range(first, 40, 5)} for first in range(5)]
    assert sizes(store) == [8] * 5


async def test_only_what_was_dealt_with_counts_and_keeps_whether_it_was_covered(store: Store) -> None:
    put(
        store,
        past(0),
        past(1, abstained=True),
        past(2, status=RunStatus.FAILED),
        past(3, status=RunStatus.QUEUED),
        past(4, question="  "),
    )
    await work(store).drain()
    rows = store.read_now(lambda connection: connection.execute(select(questions)).all())
    assert {row.run_id: row.is_covered for row in rows} == {"r_000": True, "r_001": False}


async def test_what_still_waits_is_counted_by_when_it_was_asked(store: Store) -> None:
    since, until = NOW - timedelta(minutes=190), NOW - timedelta(minutes=170)
    count = lambda: store.read_now(lambda c: questions_log.count_new(c, since, until))  # noqa: E731
    put(store, *(past(number) for number in range(9, 31)), past(31, asked_at=NOW))
    assert count() == 20, "from the tenth up to the thirtieth"
    await work(store).step()
    assert count() == 20 - 7, "eight were taken up, the first of them asked before"
    await work(store).drain()
    assert count() == 0


async def test_restarting_and_coming_late_change_nothing(store: Store) -> None:
    """A new worker for every batch, and a run that is seen after later ones were taken up."""
    put(store, *(past(number) for number in range(40) if number != 35))
    while await work(store).step():
        pass
    late = work(store)
    put(store, past(35))
    assert await late.drain() == 1
    assert sizes(store) == [8] * 5
    assert len(grouping(store)) == 5


async def test_a_worker_that_is_beaten_starts_again(store: Store) -> None:
    put(store, *(past(number) for number in range(10)))
    first, second = work(store, batch=16), work(store, batch=16)
    await first.drain()
    put(store, *(past(number) for number in range(10, 20)))
    found = await store.read(
        lambda connection: questions_log.new_questions(connection, (NOW - timedelta(days=9), ""), 99)
    )
    await second._take_up(found)
    with pytest.raises(TopicsMoved):
        await first._take_up(found)
    first._known.clear()
    put(store, *(past(number) for number in range(20, 30)))
    await first.drain()
    assert sizes(store) == [6] * 5


async def test_topics_that_grew_elsewhere_are_not_overwritten(store: Store) -> None:
    put(store, *(past(number) for number in range(10)))
    first = work(store)
    await first.drain()
    put(store, past(10))
    await work(store).drain()
    put(store, past(15))
    with pytest.raises(TopicsMoved):
        await first.step()
    await first.drain()
    assert sizes(store) == [2, 2, 2, 2, 4]


async def test_the_same_words_are_encoded_once(store: Store) -> None:
    put(store, *(past(number, question="Is there a pension?") for number in range(20)))
    busy = work(store)
    await busy.drain()
    assert busy.encode.texts == ["Is there a pension?"]  # type: ignore[attr-defined]


async def test_looking_again_and_again_reads_no_further_back(store: Store) -> None:
    put(store, *(past(number) for number in range(3)))
    busy = work(store)
    looks = []
    for _ in range(4):
        await busy.step()
        looks.append(busy._after)
    assert all(one == other for one, other in pairwise(looks))


async def test_what_is_deleted_leaves_no_vector(store: Store) -> None:
    put(store, past(0), past(5), past(1))
    await work(store).drain()

    def empty(connection: Any) -> None:
        rows = connection.execute(select(runs).where(runs.c.id.in_(["r_000", "r_001"]))).all()
        empty_runs(connection, rows)

    store.write_now(empty)
    assert grouping(store) == [{"r_005"}]
    assert sizes(store) == [2]
    # nor does it come back: there are no words left
    assert await work(store).drain() == 0


async def test_the_loop_ends_when_told(store: Store) -> None:
    put(store, *(past(number) for number in range(20)))
    stop, busy = asyncio.Event(), work(store, look_s=0.01)
    running = asyncio.create_task(busy.run_until(stop))
    async with asyncio.timeout(10):
        while len(sizes(store)) < 5:
            await asyncio.sleep(0.01)
        stop.set()
        await running


async def test_a_topic_read_back_is_what_was_written(store: Store) -> None:
    put(store, *(past(number) for number in range(10)))
    await work(store).drain()
    read = await store.read(lambda connection: questions_log.read_topics(connection, "ask-policy"))
    again = await store.read(lambda connection: questions_log.states_of(connection, list(read)))
    assert [(state.size, state.asked_at) for state in read.values()] == [
        (again[topic].size, again[topic].asked_at) for topic in read
    ]
    assert [state.asked_at for state in read.values()] == sorted(state.asked_at for state in read.values())
    store.write_now(lambda connection: connection.execute(delete(topics)))
    assert await store.read(lambda connection: questions_log.read_topics(connection, "ask-policy")) == {}
