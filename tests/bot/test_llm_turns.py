"""Rates and circuits of models in the database, for all processes together."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.rate import MINUTE, Rate
from bot.adapters.store.database import Store
from tests.bot.model_bench import Bench
from tests.fakes import FakeClock
from tests.openai_server import OpenAIServer, rejection
from workflows.ports import ModelBusy, ModelRefused, ModelResting, ModelUnavailable

NOW = FakeClock().at


class Floor:
    """Two processes with their own connections to one database and one server."""

    def __init__(self, server: OpenAIServer, one: Store, other: Store) -> None:
        self.clock = FakeClock()
        self.server = server
        self.one, self.other = Bench(server, one, self.clock), Bench(server, other, self.clock)


@pytest.fixture
async def floor(store: Store, second: Store) -> AsyncIterator[Floor]:
    async with OpenAIServer() as server:
        yield Floor(server, store, second)


async def test_processes_wait_for_their_turn_together(floor: Floor) -> None:
    asked = [bench.ask("paced") for _ in range(4) for bench in (floor.one, floor.other)]
    await asyncio.gather(*asked)
    assert len(floor.server.history) == 8
    assert len(floor.clock.sleeps) >= 5, "two of twenty a minute go at once"


async def test_what_does_not_fit_into_the_deadline_is_refused_and_takes_no_turn(floor: Floor) -> None:
    for _ in range(2):
        await floor.one.ask("paced")
    with pytest.raises(ModelBusy) as caught:
        await floor.other.ask("paced", deadline_s=2)
    assert caught.value.facts == {
        "alias": "paced",
        "model": "openai/paced",
        "host": floor.server.base_url.split("/")[2],
        "again_s": "3",
    }
    assert len(floor.server.history) == 2 and sum(floor.clock.sleeps) < 0.001
    await floor.one.ask("paced", deadline_s=10)
    assert floor.clock.sleeps[-1] == pytest.approx(60 / 19, abs=0.01)


async def test_tokens_are_counted_as_providers_do(floor: Floor) -> None:
    """What is sent and the most that may come back: 4 and 100 of 1,000 a minute, a tenth at once."""
    assert (await floor.one.ask("counted")).model == "openai/counted"
    assert (await floor.other.ask("counted", deadline_s=1)).model == "openai/spare", "which has no rate"


async def test_more_than_a_minute_has_is_refused(floor: Floor) -> None:
    floor.one.profiles_of("counted", tokens_per_minute=50)
    with pytest.raises(ModelRefused) as caught:
        await floor.one.ask("counted")
    assert caught.value.facts["reason"] == "too_long"
    assert not floor.server.history


async def test_what_one_process_saw_fail_another_does_not_call(floor: Floor) -> None:
    floor.server.script.extend([rejection(500)] * 5)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            await floor.one.ask()
    await floor.one.store.write(lambda _: None)
    with pytest.raises(ModelResting):
        await floor.other.ask()
    assert len(floor.server.history) == 5
    assert any("left alone" in why for why in await floor.other.models.unusable())
    await floor.clock.sleep(31)
    assert (await floor.other.ask()).text, "its call is the one that tries"
    await floor.other.store.write(lambda _: None)
    assert (await floor.one.ask()).text


async def test_what_has_no_rate_asks_nobody(floor: Floor) -> None:
    floor.one.models.turns = floor.other.models.turns
    floor.other.store.close()
    assert (await floor.one.ask("spare")).text


AMOUNTS = st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 100)), min_size=1, max_size=120)


@given(st.integers(1, 200), AMOUNTS)
def test_no_minute_has_more_than_the_rate(per_minute: int, asked: list[tuple[int, int]]) -> None:
    """Whatever is asked for when: what starts within any minute adds up to no more."""
    rate, now, full_at = Rate(per_minute), NOW, NOW - MINUTE
    started = []
    for later_ms, amount in asked:
        now += timedelta(milliseconds=later_ms)
        amount = min(amount, per_minute)
        start = rate.starts_at(amount, full_at, now)
        full_at = rate.full_after(amount, full_at, start)
        started.append((start, amount))
    assert all(one[0] <= next_[0] for one, next_ in pairwise(started)), "first come, first served"
    for since, _ in started:
        assert sum(amount for at, amount in started if since <= at < since + MINUTE) <= per_minute


@given(st.integers(1, 100_000))
def test_a_rate_is_mostly_used(per_minute: int) -> None:
    """Asked for without end, nine tenths of it and more go out."""
    rate, full_at, start = Rate(per_minute), NOW - MINUTE, NOW
    amount, count = max(1, per_minute // 50), 0
    while start < NOW + 10 * MINUTE:
        start = rate.starts_at(amount, full_at, start)
        full_at = rate.full_after(amount, full_at, start)
        count += amount
    assert count >= 9 * per_minute
