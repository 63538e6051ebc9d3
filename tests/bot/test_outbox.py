import asyncio
from collections.abc import Callable

import pytest
from sqlalchemy import text

from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow
from bot.governance.roles import Role
from bot.services.actors import Origin
from bot.services.outbox import Courier, Round
from bot.services.outbox_items import OutboxItem, Posted, SendAmbiguous, SendLater, SendRefused
from bot.services.undelivered import owners_told
from tests.bot.run_desk import ANA, DEV, Desk
from workflows.ports import Progress
from workflows.run import Answer, RunResult, RunStatus

IN_CHANNEL = Origin("mention", channel_id="C0PEOPLE", thread_ts="1.0", visibility="channel")


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


def texts(desk: Desk) -> list[list[str]]:
    return list(desk.sender.messages.values())


def due_now(desk: Desk) -> None:
    past = "2020-01-01 00:00:00.000000"
    desk.sql(f"UPDATE outbox SET due_at='{past}', quiet_until='{past}'")


async def test_one_message_from_queued_to_answer(desk: Desk) -> None:
    run_id = await desk.ask()
    await desk.courier.drain()
    await desk.worker().drain()
    await desk.courier.drain()
    assert texts(desk) == [["queued", f"answer to {run_id}"]]
    assert [kind for kind, _ in desk.sender.calls] == ["post", "update"]
    assert desk.sender.calls[0][1].channel == "U0ANA"
    view = await desk.runs.view(run_id)
    assert (view.message_channel, view.message_ts) == ("U0ANA", "1.0")
    assert (await desk.runs.by_message("U0ANA", "1.0")) == view
    assert await desk.runs.by_message("U0ANA", "2.0") is None
    assert desk.sql("SELECT state FROM outbox") == [("settled",)]


async def test_a_finished_run_is_posted_once_as_it_is(desk: Desk) -> None:
    run_id = await desk.ask(origin=IN_CHANNEL)
    await desk.worker().drain()
    await desk.courier.drain()
    assert texts(desk) == [[f"answer to {run_id}"]]
    item = desk.sender.calls[0][1]
    assert (item.channel, item.thread_ts) == ("C0PEOPLE", "1.0")


@pytest.mark.parametrize("surface", ["terminal", "api"])
async def test_surfaces_that_show_the_answer_themselves_get_no_message(desk: Desk, surface: str) -> None:
    await desk.ask(origin=Origin(surface))  # type: ignore[arg-type]
    await desk.worker().drain()
    await desk.courier.drain()
    assert texts(desk) == []


@pytest.mark.parametrize("when", ["before", "after"])
async def test_after_doubt_it_looks_before_it_posts_again(desk: Desk, when: str) -> None:
    run_id = await desk.ask()
    desk.sender.faults = [(when, SendAmbiguous()), (when, SendAmbiguous())]
    await desk.courier.drain()  # the post is in doubt
    due_now(desk)
    await desk.courier.drain()  # and the look fails too
    due_now(desk)
    await desk.worker().drain()
    await desk.courier.drain()
    kinds = [kind for kind, _ in desk.sender.calls]
    if when == "before":
        assert kinds == ["post", "find", "find", "post"]
        assert texts(desk) == [[f"answer to {run_id}"]]
    else:
        assert kinds == ["post", "find", "find", "update"]
        assert texts(desk) == [["queued", f"answer to {run_id}"]]


async def test_a_courier_that_died_is_followed_by_one_that_looks_first(desk: Desk) -> None:
    await desk.ask()
    rows = desk.store.write_now(lambda c: outbox_log.claim_items(c, owner="dead", lease_s=30, limit=9))
    assert [row.first_sent_at for row in rows] == [None]
    await desk.courier.drain()
    assert desk.sender.calls == []
    desk.expire("outbox")
    await desk.courier.drain()
    assert [kind for kind, _ in desk.sender.calls] == ["find", "post"]
    held = outbox_log.HeldItem(rows[0].seq, rows[0].fence + 1)
    stale = desk.store.write_now(
        lambda c: outbox_log.mark_sent(c, held, channel="X", ts="9", revision=9, settled=True, quiet_s=1)
    )
    assert stale is False


async def test_after_a_restore_it_looks_for_whatever_waits(desk: Desk) -> None:
    await desk.ask()
    copied = desk.sql("SELECT state, first_sent_at, ts, posted_channel FROM outbox")[0]
    await desk.courier.drain()
    back = text("UPDATE outbox SET state = :s, first_sent_at = :f, ts = :t, posted_channel = :p")
    desk.store.write_now(lambda c: c.execute(back, dict(zip("sftp", copied, strict=True))))
    assert desk.store.write_now(outbox_log.doubt_waiting) == 1
    due_now(desk)
    await desk.courier.drain()
    assert [kind for kind, _ in desk.sender.calls][:2] == ["post", "find"]
    assert len(texts(desk)) == 1


async def test_slack_asks_for_patience(desk: Desk) -> None:
    await desk.ask()
    desk.sender.faults = [("before", SendLater(30.0))]
    await desk.courier.drain()
    assert [kind for kind, _ in desk.sender.calls] == ["post"]
    due_now(desk)
    await desk.courier.drain()
    assert [kind for kind, _ in desk.sender.calls] == ["post", "post"]
    assert desk.sql("SELECT attempts FROM outbox") == [(0,)]


async def test_a_refusal_is_final_and_on_record(desk: Desk) -> None:
    run_id = await desk.ask()
    desk.sender.faults = [("before", SendRefused("channel_not_found"))]
    await desk.courier.drain()
    due_now(desk)
    await desk.worker().drain()
    await desk.courier.drain()
    assert len(desk.sender.calls) == 1
    assert desk.sql("SELECT state, refusal FROM outbox") == [("refused", "channel_not_found")]
    event = desk.store.read_now(lambda c: audit_log.read_events(c, action="message.refused"))[0]
    assert (event.target, event.context["reason"]) == (f"run:{run_id}", "channel_not_found")


async def test_an_unforeseen_error_is_tried_again_and_then_given_up(desk: Desk) -> None:
    await desk.ask()
    desk.sender.faults = [("before", KeyError("blocks"))] * 20
    for _ in range(8):
        await desk.courier.drain()
        due_now(desk)
    assert len(desk.sender.calls) == 5
    event = desk.store.read_now(lambda c: audit_log.read_events(c, action="message.refused"))[0]
    assert str(event.context["token"]).startswith("i_")


async def test_a_slow_slack_counts_as_doubt(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    await desk.ask()
    courier = Courier(desk.store, desk.sender, desk.clock, desk.outgoing, Round(timeout_s=0.05))
    post = desk.sender.post

    async def slow(item: object) -> object:
        await post(item)  # type: ignore[arg-type]
        await asyncio.sleep(5)
        raise AssertionError

    monkeypatch.setattr(desk.sender, "post", slow)
    await courier.drain()
    due_now(desk)
    await courier.drain()
    assert [kind for kind, _ in desk.sender.calls][:2] == ["post", "find"]
    assert len(texts(desk)) == 1


async def test_posts_into_a_thread_keep_their_order(desk: Desk) -> None:
    ids = [await desk.ask(f"k{n}", origin=IN_CHANNEL) for n in range(5)]
    desk.sender.faults = [("before", SendAmbiguous())]
    await desk.courier.drain()
    assert texts(desk) == []  # the first waits, and the others wait behind it
    due_now(desk)
    await desk.courier.drain()
    posted = [item.run_id for kind, item in desk.sender.calls if kind == "post"]
    assert posted[1:] == ids


async def test_a_message_that_slack_never_takes_clearly_holds_back_none_for_long_and_is_given_up(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, tried = desk.sender.post, []
    first, second = await desk.ask("k1"), await desk.ask("k2")

    async def in_doubt(item: OutboxItem) -> Posted:
        if item.run_id != first:
            return await post(item)
        tried.append(item.id)
        raise SendAmbiguous

    monkeypatch.setattr(desk.sender, "post", in_doubt)
    await desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    courier = Courier(desk.store, desk.sender, desk.clock, desk.outgoing, Round(doubts=30))
    courier.tell_owners = owners_told(desk.access)

    async def try_it(times: int) -> None:
        for _ in range(times):
            due_now(desk)
            await courier.drain()

    await try_it(outbox_log.IN_THE_WAY - 1)
    assert (len(tried), texts(desk)) == (outbox_log.IN_THE_WAY - 1, [])
    await try_it(1)
    assert [item.run_id for kind, item in desk.sender.calls if kind == "post"] == [second]
    await try_it(20)
    assert len(tried) == 30
    assert ("run", "U0ANA", "refused") in told(desk)
    assert ("undelivered", "U0CHLOE", "settled") in told(desk)
    event = desk.store.read_now(lambda c: audit_log.read_events(c, action="message.refused"))[0]
    assert event.context["reason"] == "unclear"


async def test_what_changes_while_the_answer_is_drawn_is_drawn_after_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = await desk.ask()
    await desk.courier.drain()
    await desk.worker().drain()
    update, shown = desk.sender.update, []

    async def shared_meanwhile(item: OutboxItem) -> None:
        await update(item)
        shown.append(item.run is not None and item.run.shared)
        if not shown[-1]:
            await desk.runs.share(ANA, run_id)

    monkeypatch.setattr(desk.sender, "update", shared_meanwhile)
    await desk.courier.drain()
    due_now(desk)
    await desk.courier.drain()
    assert shown == [False, True]
    assert desk.sql("SELECT state FROM outbox WHERE kind = 'run'") == [("settled",)]


async def test_updates_are_a_second_apart_and_the_last_is_sent(desk: Desk) -> None:
    shown = asyncio.Event()

    async def act(row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        for number in range(1, 20):
            on_progress(Progress("s", f"part {number}", number, 20))
            await asyncio.sleep(0.02)
        shown.set()
        return RunResult(RunStatus.SUCCEEDED, Answer("done", "x"), ())

    desk.perform.act = act
    await desk.ask()
    stop = asyncio.Event()
    worker = desk.worker(tick_s=0.01)
    loops = [asyncio.create_task(part.run_until(stop)) for part in (worker, desk.courier)]
    while desk.sql("SELECT state FROM outbox") != [("settled",)]:
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*loops)
    (seen,) = texts(desk)
    assert seen[-1] == "done"
    assert len(seen) <= 3


async def test_a_notice_needs_no_run(desk: Desk) -> None:
    item = outbox_log.NewItem("n1", "notice", "C0LEADS", body={"text": "hello"})
    desk.store.write_now(lambda c: outbox_log.insert_item(c, item, desk.clock.now()))
    await desk.courier.drain()
    assert texts(desk) == [["hello"]]
    assert desk.sql("SELECT state FROM outbox") == [("settled",)]


async def test_a_reply_that_overtakes_the_record_of_its_message_finds_the_run(desk: Desk) -> None:
    run_id = await desk.ask(origin=Origin("slash", channel_id="C0PEOPLE", visibility="channel"))
    assert await desk.runs.in_thread("C0PEOPLE", "9.9", "U0BEN") is None
    held = desk.store.write_now(lambda c: outbox_log.claim_items(c, owner="me", lease_s=60, limit=1))[0]
    found = asyncio.create_task(desk.runs.in_thread("C0PEOPLE", "9.9", "U0BEN"))
    marked = {"channel": "C0PEOPLE", "ts": "9.9", "revision": 1, "settled": False, "quiet_s": 0}
    await asyncio.sleep(0)
    assert not found.done()
    await desk.store.write(
        lambda c: outbox_log.mark_sent(c, outbox_log.HeldItem(held.seq, held.fence + 1), **marked)
    )
    view = await found
    assert view is not None
    assert view.id == run_id


def told(desk: Desk) -> list[tuple[str, str, str]]:
    """Kind, channel and state of each message, in the order in which they were queued."""
    return [tuple(row) for row in desk.sql("SELECT kind, channel, state FROM outbox ORDER BY seq")]


async def test_a_busy_channel_holds_up_itself_alone(desk: Desk) -> None:
    def queue(connection: Connection) -> None:
        for number in range(40):
            item = outbox_log.NewItem(f"n{number}", "notice", "C0LOUD", thread_ts=f"{number}.0")
            outbox_log.insert_item(connection, item, desk.clock.now())
        outbox_log.insert_item(connection, outbox_log.NewItem("quiet", "notice", "C0QUIET"), desk.clock.now())

    await desk.store.write(queue)
    taken = await desk.store.write(lambda c: outbox_log.claim_items(c, owner="one", lease_s=30, limit=16))
    assert [row.id for row in taken] == ["n0", "quiet"], "one new message a channel in hand"
    assert not await desk.store.write(lambda c: outbox_log.claim_items(c, owner="two", lease_s=30, limit=16))


async def test_429_suspends_the_channel_and_not_the_courier(desk: Desk) -> None:
    def queue(connection: Connection) -> None:
        for number, channel in enumerate(["C0LOUD", "C0LOUD", "C0QUIET", "C0LOUD"]):
            item = outbox_log.NewItem(f"n{number}", "notice", channel, thread_ts=f"{number}.0")
            outbox_log.insert_item(connection, item, desk.clock.now())

    await desk.store.write(queue)
    desk.sender.faults = [("before", SendLater(60.0, is_channel=True))]
    await desk.courier.drain()
    assert [item.id for kind, item in desk.sender.calls] == ["n0", "n2"], "nothing else was tried there"
    due_now(desk)
    await desk.courier.drain()
    assert [item.id for kind, item in desk.sender.calls][2:] == ["n0", "n1", "n3"]


async def test_the_owner_is_told_once_of_what_cannot_be_delivered(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    post, bodies = desk.sender.post, []

    async def refused(item: OutboxItem) -> Posted:
        if item.kind == "run":
            raise SendRefused("is_archived")
        bodies.append(item.body)
        return await post(item)

    monkeypatch.setattr(desk.sender, "post", refused)
    await desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    desk.courier.tell_owners = owners_told(desk.access)
    for number in range(3):
        await desk.ask(f"k{number}")
    await desk.courier.drain()
    assert sorted(told(desk)) == [
        ("run", "U0ANA", "refused"),
        ("run", "U0ANA", "refused"),
        ("run", "U0ANA", "refused"),
        ("undelivered", "U0CHLOE", "settled"),
    ]
    (body,) = bodies
    assert (body["reason"], body["title"]) == ("is_archived", "Ask the people handbook")


async def test_of_a_notice_that_is_refused_nobody_is_told(desk: Desk) -> None:
    desk.courier.tell_owners = owners_told(desk.access)
    await desk.ask()
    desk.sender.faults = [("before", SendRefused("is_archived"))] * 5
    await desk.courier.drain()
    assert told(desk) == [("run", "U0ANA", "refused"), ("undelivered", "U0DEV", "refused")]
