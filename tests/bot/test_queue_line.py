"""Places in the queue, how long until a run starts, and when a request is refused."""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, update

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import beat
from bot.adapters.store.queue_line import places as found_places
from bot.adapters.store.run_log import runs
from bot.adapters.store.run_turns import Shares
from bot.governance.admission import Lane, Limits, QueueFull, Waiting, refuse_full
from bot.services.actors import Actor
from bot.services.admitting import Admission
from bot.services.health_checks import checks_for
from bot.services.line_news import AT_A_TIME, furthest, tell_places
from tests.bot.run_desk import ANA, BEN, Desk, request

LONG_AGO = "2020-01-01 00:00:00.000000"
CARL = Actor("U0CARL", "Carl")


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store, admission=Admission(shares=Shares(person=50))).open()


async def heard(desk: Desk, slots: int = 2, seconds: float = 20.0) -> None:
    """A worker with so many slots, which took that long for a run that ended."""
    await desk.store.write(lambda c: beat(c, "w", ("worker",), slots))
    done = await desk.ask("done", actor=Actor("U0DONE"))
    at = datetime.now(UTC)
    ended = {"status": "succeeded", "started_at": at - timedelta(seconds=seconds), "finished_at": at}
    await desk.store.write(lambda c: c.execute(update(runs).where(runs.c.id == done).values(ended)))


async def places(desk: Desk, *run_ids: str) -> list[int]:
    return [(await desk.runs.view(run_id)).position for run_id in run_ids]


async def test_places_follow_the_order_of_turns(desk: Desk) -> None:
    first, second, third = [await desk.ask(f"a{number}") for number in range(3)]
    ben, again = await desk.ask("b", actor=BEN), await desk.ask("b2", actor=BEN)
    assert await places(desk, first, ben, second, again, third) == [1, 2, 3, 4, 5]
    later = await desk.runs.accept(request("c", CARL))
    assert (later.position, later.duplicate) == (3, False)
    assert await places(desk, first, ben, later.run_id, second) == [1, 2, 3, 4]
    await desk.worker(concurrency=1).drain()
    assert await places(desk, first, ben, third) == [0, 0, 0]


@pytest.mark.parametrize("seed", range(4))
async def test_places_asked_for_together_are_those_asked_for_one_by_one(desk: Desk, seed: int) -> None:
    chance, since = random.Random(seed), datetime.now(UTC) - timedelta(hours=1)
    await heard(desk)
    asked = [await desk.ask(f"k{n}", actor=Actor(f"U0P{chance.randrange(9)}")) for n in range(30)]
    for run_id, second in zip(asked, chance.sample(range(90), len(asked)), strict=True):
        at = since + timedelta(seconds=second)
        status = chance.choice(["queued"] * 4 + ["running", "succeeded"])
        ended = {"started_at": at, "finished_at": datetime.now(UTC)} if status == "succeeded" else {}
        change = update(runs).where(runs.c.id == run_id).values(due_at=at, status=status, **ended)
        await desk.store.write(partial(Connection.execute, statement=change))
    shares = Shares(person=50)
    together = await desk.store.read(lambda connection: found_places(connection, asked, shares))
    for run_id in asked:
        alone = await desk.store.read(
            lambda connection, each=run_id: found_places(connection, [each], shares)
        )
        assert alone.get(run_id) == together.get(run_id)
    assert len(together) > 10


async def test_what_is_carried_out_counts_as_a_turn(desk: Desk) -> None:
    running = await desk.ask("a")
    desk.sql("UPDATE runs SET status='running' WHERE id=:id", id=running)
    next_of_ana = await desk.ask("a2")
    assert (await desk.runs.accept(request("b", BEN))).position == 1
    assert await places(desk, next_of_ana) == [2]


async def test_how_long_it_takes_until_the_turn(desk: Desk) -> None:
    await heard(desk, slots=2, seconds=20.0)
    at_once = [await desk.runs.accept(request(f"b{n}", Actor(f"U0B{n}"))) for n in range(2)]
    assert [one.wait_s for one in at_once] == [0.0, 0.0]
    third = await desk.runs.accept(request("c", CARL))
    assert third.position == 3
    assert third.wait_s == pytest.approx(10.0, abs=0.5), "two slots, each free every 20 seconds"
    own = await desk.runs.accept(request("c2", CARL))
    assert own.wait_s == pytest.approx(20.0, abs=0.5), "half of two slots is one at a time"
    view = await desk.runs.view(own.run_id)
    assert view.wait_s == pytest.approx(own.wait_s, abs=0.5)


async def test_without_a_worker_nobody_can_tell(desk: Desk) -> None:
    await desk.ask("a")
    accepted = await desk.runs.accept(request("b", BEN))
    assert (accepted.position, accepted.wait_s) == (2, None)


@given(
    before=st.integers(0, 1000), running=st.integers(0, 100), slots=st.integers(1, 100), s=st.floats(0.1, 600)
)
def test_whoever_is_further_back_never_waits_less(before: int, running: int, slots: int, s: float) -> None:
    wait_s = Lane(before, running, slots, s).wait_s
    assert 0 <= wait_s <= Lane(before + 1, running, slots, s).wait_s
    assert (wait_s == 0) == (before + running < slots)


# Admission


@pytest.mark.parametrize(
    ("waiting", "facts"),
    [
        (Waiting(50, 60, 10.0, own_s=20.0, each_s=5.0), {"why": "person", "waiting": "50", "after_s": "100"}),
        (Waiting(50, 60, None), {"why": "person", "waiting": "50", "after_s": ""}),
        (Waiting(0, 2000, 10.0, each_s=0.5), {"why": "queue", "waiting": "2000", "after_s": "100"}),
        (Waiting(0, 70, 1900.0), {"why": "wait", "waiting": "70", "after_s": "280", "wait_s": "1900"}),
    ],
)
def test_too_much_is_refused_with_what_waits_and_when_to_come_back(
    waiting: Waiting, facts: dict[str, str]
) -> None:
    with pytest.raises(QueueFull) as caught:
        refuse_full(waiting, Limits(50, 2000, 1800))
    assert {name: caught.value.facts[name] for name in facts} == facts
    refuse_full(waiting, Limits())


def test_what_fits_is_let_in() -> None:
    refuse_full(Waiting(49, 1999, 1800.0), Limits(50, 2000, 1800))


async def test_a_refusal_stores_nothing_and_concerns_that_person_alone(store: Store) -> None:
    desk = await Desk(store, admission=Admission(Limits(person=3))).open()
    asked = [desk.runs.accept(request(f"k{number}")) for number in range(20)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    refused = [error for error in outcomes if isinstance(error, QueueFull)]
    assert len(refused) == 17
    for table in ("runs", "inbox", "outbox"):
        assert desk.sql(f"SELECT count(*) FROM {table}") == [(3,)]
    await desk.ask("b", actor=BEN)
    again = await desk.runs.accept(request("k0"))
    assert again.duplicate, "what was taken is known, full or not"
    unseen = await desk.runs.accept(request("fix", ANA, is_unseen=True))
    assert not unseen.duplicate, "what the bot asks again by itself is bounded elsewhere"
    await desk.worker().drain()
    await desk.ask("later")


async def test_a_full_queue_shows_in_the_probe_and_needs_no_restart(store: Store) -> None:
    desk = await Desk(store).open()
    checks = checks_for((), store, None, None, None, queue_limit=2)  # type: ignore[arg-type]
    checks.fresh_s = 0
    await desk.ask("a")
    assert (await checks.health()).parts["queue"].state == "up"
    await desk.ask("b")
    found = await checks.health()
    assert found.parts["queue"].detail == "2 runs wait, so new requests are refused"
    assert (found.is_ready, found.status) == (True, "degraded")
    await checks.close()


# News


def test_whoever_came_nearest_is_told_first_and_few_at_a_time() -> None:
    shown = {"near": 3, "far": 100, "half": 40, "same": 7}
    now = {"near": 1, "far": 98, "half": 20, "same": 7}
    assert furthest(shown, now) == ["near", "half"]
    assert furthest({"same": 7}, {"same": 7}) == []
    assert AT_A_TIME == 2


async def test_messages_follow_the_queue_a_few_at_a_time(desk: Desk) -> None:
    first, *rest = [await desk.ask(f"k{n}", actor=Actor(f"U0P{n}")) for n in range(5)]
    await desk.courier.drain()
    assert sorted(desk.sql("SELECT shown_place FROM outbox")) == [(n,) for n in range(1, 6)]
    assert await tell_places(desk.store, Shares()) == 0, "nothing moved"
    await desk.runs.cancel(Actor("U0P0"), first)
    assert await tell_places(desk.store, Shares()) == AT_A_TIME
    desk.sql(f"UPDATE outbox SET quiet_until='{LONG_AGO}'")
    await desk.courier.drain()
    drawn = {item.run_id: item.run for kind, item in desk.sender.calls if kind == "update" and item.run}
    assert {run_id: run.position for run_id, run in drawn.items() if run_id != first} == {
        rest[0]: 1,
        rest[1]: 2,
    }
    assert await tell_places(desk.store, Shares()) == AT_A_TIME, "then those behind them"
