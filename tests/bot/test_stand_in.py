"""Messages where no worker is there: brought by the process that takes requests, and only then."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import beat, end_beats
from bot.services.outbox import Courier
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


async def test_a_failing_look_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    stop, looks = asyncio.Event(), 0

    async def look(_: StandIn) -> bool:
        nonlocal looks
        looks += 1
        if looks == 2:
            stop.set()
        raise OSError("no database")

    monkeypatch.setattr(StandIn, "look", look)
    await StandIn(desk.store, brought_by(desk), look_s=0.01).run_until(stop)
    assert looks == 2
