"""Messages where no worker is there: brought by the process that takes requests, and only then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import ALIVE, beat, end_beats
from bot.services import stand_in as standing_in
from bot.services.outbox import Courier
from bot.services.outbox_items import OutboxItem, Posted
from bot.services.stand_in import StandIn
from tests.bot.run_desk import Desk


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


def brought_by(desk: Desk) -> Callable[[], Awaitable[Courier]]:
    async def courier() -> Courier:
        return desk.courier

    return courier


async def test_it_works_only_while_no_worker_is_heard(desk: Desk) -> None:
    stand_in = StandIn(desk.store, brought_by(desk))
    desk.store.write_now(lambda c: beat(c, "host:1", ("worker",)))
    desk.store.write_now(lambda c: beat(c, "host:2", ("slack",)))
    await desk.ask()
    assert not await stand_in.look() and desk.sender.calls == []
    desk.store.write_now(lambda c: end_beats(c, "host:1"))
    assert await stand_in.look()
    assert [what for what, _ in desk.sender.calls] == ["post"], "the person sees that it waits"
    await desk.ask("k2")
    assert await stand_in.look() and len(desk.sender.messages) == 2


async def test_nothing_is_made_while_nothing_is_due(desk: Desk) -> None:
    made = 0

    async def courier() -> Courier:
        nonlocal made
        made += 1
        return desk.courier

    stand_in = StandIn(desk.store, courier)
    assert not await stand_in.look()
    assert made == 0, "making it loads the whole product"
    await desk.ask()
    assert await stand_in.look() and made == 1
    assert not await stand_in.look() and made == 1


async def test_the_first_look_leaves_a_worker_the_time_to_be_heard(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def ended(stop: asyncio.Event, seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == 3

    monkeypatch.setattr(standing_in, "_ended", ended)
    await StandIn(desk.store, brought_by(desk)).run_until(asyncio.Event())
    assert pauses == [ALIVE.total_seconds(), 15.0, 15.0]


async def test_who_stops_brings_only_what_is_under_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, post = asyncio.Event(), desk.sender.post

    async def stopped_meanwhile(item: OutboxItem) -> Posted:
        stop.set()
        return await post(item)

    monkeypatch.setattr(desk.sender, "post", stopped_meanwhile)
    for number in range(5):
        await desk.ask(f"k{number}")
    await StandIn(desk.store, brought_by(desk), first_s=0.0).run_until(stop)
    assert len(desk.sender.messages) == 1


async def test_a_failing_look_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, looks = asyncio.Event(), 0

    async def look(_: StandIn, _stop: asyncio.Event) -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            stop.set()
        raise OSError("no database")

    monkeypatch.setattr(StandIn, "look", look)
    await StandIn(desk.store, brought_by(desk), look_s=0.01, first_s=0.0).run_until(stop)
    assert looks == 2
