"""Retries: at most a share of all calls, over all processes on one database."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.breaker import Breaker
from bot.adapters.llm import ATTEMPTS
from bot.adapters.retry_budget import BUCKET, WORTH, RetryBudget
from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown
from tests.bot.model_bench import Bench
from tests.fakes import FakeClock
from tests.openai_server import OpenAIServer, rejection
from workflows.ports import ModelUnavailable

CALLS = int(BUCKET.each / WORTH)
"""First calls that are worth one retry."""


class Processes:
    """Two, each with its own connections."""

    def __init__(self, *stores: Store) -> None:
        self.clock = FakeClock()
        self.each = [
            RetryBudget(store, lambda _: self.clock.now(), lambda: self.clock.now().timestamp())
            for store in stores
        ]

    async def granted(self, wanted: int, provider: str = "p") -> int:
        """How many of so many retries each may make, all asked for at once."""
        asked = [budget.take(provider) for budget in self.each for _ in range(wanted)]
        return sum(await asyncio.gather(*asked))


@pytest.fixture
def processes(store: Store, second: Store) -> Processes:
    return Processes(store, second)


async def test_processes_share_what_is_saved(processes: Processes) -> None:
    assert await processes.granted(30) == BUCKET.most, "as many as one process would have"
    assert await processes.granted(30) == 0
    assert await processes.granted(1, "another") == 2, "each provider has its own"


async def test_calls_of_all_processes_are_worth_retries(processes: Processes) -> None:
    await processes.granted(30)
    for budget in processes.each:
        for _ in range(CALLS // 2):
            budget.called("p")
    assert not await processes.each[0].take("p"), "half of one"
    assert await processes.each[1].take("p")


async def test_good_times_are_not_saved_up(processes: Processes) -> None:
    for budget in processes.each:
        for _ in range(CALLS * 1000):
            budget.called("p")
    processes.clock.at += BUCKET.each * 1.1
    assert await processes.granted(30) == BUCKET.most


async def test_time_brings_one_to_all_of_them_together(processes: Processes) -> None:
    await processes.granted(30)
    processes.clock.at += BUCKET.each * 3
    assert await processes.granted(30) == 3


async def test_nobody_tries_again_while_the_others_cannot_be_asked(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(*_: object, **__: object) -> bool:
        raise StoreDown("full")

    monkeypatch.setattr(Store, "write", write)
    assert await processes.granted(1) == 0


async def test_an_outage_is_not_multiplied_by_workers(
    store: Store, second: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call would be made three times; with the budget, ten of all of them are."""
    async with OpenAIServer(respond=lambda _: rejection(500)) as server:
        clock = FakeClock()
        benches = [Bench(server, each, clock) for each in (store, second)]
        # that a provider is left alone after five failures is tested elsewhere
        monkeypatch.setattr(Breaker, "failed", lambda *_: None)
        monkeypatch.setattr(clock, "sleep", lambda _: asyncio.sleep(0))

        async def ask(bench: Bench) -> None:
            with pytest.raises(ModelUnavailable):
                await bench.ask("whole")

        asked = 4
        await asyncio.gather(*(ask(bench) for bench in benches for _ in range(asked)))
        first = asked * len(benches)
        assert first * ATTEMPTS > len(server.history) == first + BUCKET.most


@given(
    st.lists(st.one_of(st.integers(0, 40), st.timedeltas(timedelta(0), timedelta(minutes=2))), max_size=200)
)
def test_retries_keep_to_their_share(events: list[int | timedelta]) -> None:
    """Calls, each followed by as many retries as there are, and pauses, in any order."""
    begun = now = full_at = FakeClock().at
    calls = retries = 0
    for event in events:
        if isinstance(event, timedelta):
            now += event
            continue
        calls += event
        earned, is_taken = WORTH * event, True
        while is_taken:
            full_at, is_taken = BUCKET.full_after(full_at, earned, now)
            earned = timedelta(0)
            retries += is_taken
            assert full_at <= now + BUCKET.most * BUCKET.each
        assert retries <= BUCKET.most + calls / CALLS + (now - begun) / BUCKET.each
