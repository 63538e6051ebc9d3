"""The breaker that processes share: the states of one circuit, and several processes on one database."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.breaker import Breaker, Resting
from bot.adapters.circuit import CALM, FAILURES, PROBE_AFTER, WINDOW, Circuit
from bot.adapters.store.circuits_log import read_circuits
from bot.adapters.store.database import Store
from tests.fakes import FakeClock

NOW = FakeClock().at


class Process:
    """One of several on the same store and clock."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.breaker = Breaker(store, lambda _: clock.now())
        self.breaker.fresh_s = 0

    async def allows(self, key: str = "a") -> bool:
        try:
            await self.breaker.admit(key)
        except Resting:
            return False
        return True

    async def calls(self, outcomes: str, key: str = "a") -> None:
        for sign in outcomes:
            was_probe = await self.breaker.admit(key)
            if sign == "-":
                self.breaker.failed(key)
            else:
                self.breaker.succeeded(key, was_probe=was_probe)
        await self.written()

    async def written(self) -> None:
        """What nobody waited for is committed."""
        await self.store.write(lambda _: None)


class Floor:
    """Two processes, each with its own connections."""

    def __init__(self, store: Store, second: Store) -> None:
        self.store = store
        self.clock = FakeClock()
        self.one, self.other = Process(store, self.clock), Process(second, self.clock)

    def wait(self, span: timedelta = PROBE_AFTER) -> None:
        self.clock.at += span

    @property
    def rows(self) -> dict[str, Circuit]:
        return self.store.read_now(read_circuits)


@pytest.fixture
def floor(store: Store) -> Iterator[Floor]:
    second = Store(store.url)
    yield Floor(store, second)
    second.close()


async def test_failures_of_all_processes_open_it_for_all(floor: Floor) -> None:
    await floor.one.calls("---")
    await floor.other.calls("--")
    assert not await floor.one.allows()
    assert not await floor.other.allows()
    assert await floor.one.allows("b"), "another model is called as before"
    assert floor.one.breaker.refused == 1
    with pytest.raises(Resting) as caught:
        await floor.other.breaker.admit("a")
    assert 29 <= caught.value.seconds <= 30


async def test_one_process_tries_it_and_closes_it_for_all(floor: Floor) -> None:
    await floor.one.calls("-" * FAILURES)
    floor.wait()
    tries = await asyncio.gather(
        *(process.allows() for process in (floor.one, floor.other) for _ in range(4))
    )
    assert sum(tries) == 1
    await floor.one.written()
    floor.one.breaker.failed("a")
    await floor.one.written()
    assert not await floor.other.allows()
    floor.wait()
    await floor.other.calls("+")
    assert await floor.one.allows() and await floor.one.allows()
    assert floor.rows == {}, "nothing is left to remember"


async def test_what_was_under_way_does_not_close_it(floor: Floor) -> None:
    for _ in range(3):
        await floor.one.breaker.admit("a")
    await floor.other.calls("-" * FAILURES)
    assert not await floor.one.allows()
    floor.one.breaker.succeeded("a")
    await floor.one.written()
    assert not await floor.other.allows()


async def test_a_probe_that_is_never_heard_of_again_is_followed_by_another(floor: Floor) -> None:
    await floor.one.calls("-" * FAILURES)
    floor.wait()
    assert await floor.one.allows()
    assert not await floor.other.allows()
    floor.wait()
    assert await floor.other.allows()


async def test_calls_that_go_well_write_nothing(floor: Floor) -> None:
    floor.one.breaker.fresh_s = 3600
    written: list[object] = []
    floor.store.leave = lambda work: written.append(work)  # type: ignore[method-assign]
    read, looks = floor.store.read, 0

    async def counted(work: object) -> object:
        nonlocal looks
        looks += 1
        return await read(work)  # type: ignore[arg-type]

    floor.store.read = counted  # type: ignore[method-assign,assignment]
    await floor.one.calls("+" * 50)
    assert (looks, written) == (1, [])


@pytest.mark.parametrize("successes", [WINDOW - FAILURES + 1, WINDOW])
async def test_old_failures_are_forgotten(floor: Floor, successes: int) -> None:
    await floor.one.calls("-" * (FAILURES - 1))
    await floor.other.calls("+" * successes)
    await floor.one.calls("-")
    assert await floor.other.allows()


async def test_successes_elsewhere_are_counted_too(floor: Floor) -> None:
    """A process whose own line is bad does not shut out all the others."""
    for _ in range(10):
        await floor.one.calls("-")
        await floor.other.calls("++++++")
    assert await floor.one.allows()


async def test_without_its_table_calls_are_still_made(model_store: Store) -> None:
    model_store.write_now(lambda connection: connection.exec_driver_sql("DROP TABLE circuits"))
    process = Process(model_store, FakeClock())
    assert await process.allows()
    process.breaker.failed("a")
    assert await process.allows()


EVENTS = st.lists(st.sampled_from(["fail", "succeed", "probe", "wait"]), max_size=80)


@given(EVENTS)
def test_a_circuit_is_open_exactly_when_it_should_be(events: list[str]) -> None:
    """Against a plain list of what happened since it was last calm."""
    circuit, now = CALM, NOW
    happened: list[bool] = []
    opened: datetime | None = None
    for event in events:
        if event == "wait":
            now += timedelta(seconds=7)
        elif event == "probe":
            if circuit.probe_at is not None and circuit.probe_at <= now:
                circuit, opened = circuit.probed(now), now
        else:
            happened.append(event == "fail")
            circuit = circuit.failed(now) if event == "fail" else circuit.succeeded()
            if opened is None and event == "fail" and sum(happened[-WINDOW:]) >= FAILURES:
                opened = now
        assert circuit.is_open == (opened is not None)
        assert opened is None or circuit.probe_at == opened + PROBE_AFTER
        assert circuit.is_calm == (opened is None and not any(happened[-WINDOW:]))
