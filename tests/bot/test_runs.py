import asyncio
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.store import audit_log, document_log
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import insert_call
from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow, sources_of
from bot.governance.roles import Role
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Origin
from bot.services.audience import NotForThisAudience
from bot.services.catalogue import UnknownWorkflow
from bot.services.journal import RunJournal
from bot.services.run_views import UnknownRun
from bot.services.runs import AlreadyFinished, NothingToShare
from tests.bot.run_desk import ANA, BEN, DEV, STRANGER, Desk, request
from tests.fakes import FakeClock
from workflows.run import RUN_TRANSITIONS, Answer, RunResult, RunStatus, StepRun, StepStatus, Usage


@pytest.fixture
async def desk(store: Store) -> Desk:
    return await Desk(store).open()


async def test_each_delivery_of_one_request_finds_the_same_run(desk: Desk) -> None:
    other = Store(desk.store.url)
    twin = Desk(other)
    both = [desk.runs.accept(request("k")) for _ in range(10)]
    both += [twin.runs.accept(request("k")) for _ in range(10)]
    accepted = await asyncio.gather(*both)
    assert len({one.run_id for one in accepted}) == 1
    assert sum(not one.duplicate for one in accepted) == 1
    for table, count in (("runs", 1), ("inbox", 1), ("outbox", 1)):
        assert desk.sql(f"SELECT count(*) FROM {table}") == [(count,)]
    events = desk.store.read_now(lambda c: audit_log.read_events(c, action="run.requested"))
    assert [(event.actor, event.context["workflow"]) for event in events] == [("U0ANA", "ask-policy")]
    other.close()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"actor": STRANGER}, Outsider),
        ({"workflow": "ask-polcy"}, UnknownWorkflow),
        ({"question": ""}, ValueError),
    ],
)
async def test_what_is_refused_leaves_nothing(desk: Desk, changes: dict, error: type[Exception]) -> None:
    with pytest.raises(error):
        await desk.runs.accept(request(**changes))
    for table in ("runs", "inbox", "outbox"):
        assert desk.sql(f"SELECT count(*) FROM {table}") == [(0,)]


async def test_a_person_without_a_role_is_refused(store: Store) -> None:
    with pytest.raises(NotAuthorized) as caught:
        await Desk(store).ask()
    assert caught.value.facts["ask"] == "U0DEV"


async def test_positions_and_recent(desk: Desk) -> None:
    accepted = [await desk.runs.accept(request(f"k{n}")) for n in range(3)]
    assert [one.position for one in accepted] == [1, 2, 3]
    again = await desk.runs.accept(request("k1"))
    assert (again.duplicate, again.position) == (True, 2)
    await desk.ask("b", actor=BEN)
    desk.clock.at = FakeClock().at
    recent = await desk.runs.recent(ANA)
    assert {view.id for view in recent} == {one.run_id for one in accepted}
    assert (recent[0].title, recent[0].version) == ("Ask the people handbook", 3)


async def test_an_open_run_is_found_behind_any_number_of_ended_ones(desk: Desk) -> None:
    accepted = [await desk.runs.accept(request(f"k{n}")) for n in range(12)]
    for one in accepted[1:]:
        await desk.runs.cancel(ANA, one.run_id)
    found = await desk.runs.recent(ANA, is_open=True)
    assert [view.id for view in found] == [accepted[0].run_id]


async def test_cancelling(desk: Desk) -> None:
    run_id = await desk.ask()
    with pytest.raises(NotAuthorized):
        await desk.runs.cancel(BEN, run_id)
    view = await desk.runs.cancel(ANA, run_id)
    assert view.status is RunStatus.CANCELLED
    with pytest.raises(AlreadyFinished) as caught:
        await desk.runs.cancel(ANA, run_id)
    assert caught.value.facts["status"] == "cancelled"
    with pytest.raises(UnknownRun):
        await desk.runs.cancel(ANA, "r_none")
    await desk.worker().drain()
    assert desk.perform.performed == []
    other = await desk.ask("k2")
    await desk.access.grant(DEV, BEN.id, Role.OWNER, "workflow:ask-policy")
    assert (await desk.runs.cancel(BEN, other)).status is RunStatus.CANCELLED


async def journaled(row: RunRow, held: Held, desk: Desk, collection: str = "people") -> RunResult:
    at = desk.clock.now()
    output = {"support": 0.9, "passages": [{"collection": collection, "chunk_id": "c1"}]}
    find = StepRun(
        "find", "retrieve", StepStatus.SUCCEEDED, output, at, at, usage=Usage(1, 2, Decimal("0.1"))
    )
    await RunJournal(desk.store, held).record(find)
    call = LedgerEntry(
        row.id, "answer", "answer", "default", "m", 10, 5, Decimal("0.0000000012"), at, 0.5, "ok"
    )
    for _ in range(3):
        await desk.store.write(lambda c: insert_call(c, call))
    return RunResult(RunStatus.SUCCEEDED, Answer("12 days [1]", "covered"), (find,))


async def test_explaining(desk: Desk) -> None:
    desk.perform.act = lambda row, held, _: journaled(row, held, desk)
    run_id = await desk.ask()
    await desk.worker().drain()
    explanation = await desk.runs.explain(ANA, run_id)
    assert [step.step_id for step in explanation.steps] == ["find"]
    assert explanation.steps[0].usage == Usage(1, 2, Decimal("0.1"))
    assert len(explanation.calls) == 3
    assert explanation.run.usage == Usage(30, 15, Decimal("0.0000000036"))
    with pytest.raises(NotAuthorized):
        await desk.runs.explain(BEN, run_id)
    with pytest.raises(Outsider):
        await desk.runs.explain(STRANGER, run_id)
    assert (await desk.runs.explain(DEV, run_id)).run.id == run_id


async def test_ones_own_runs_need_no_right(desk: Desk) -> None:
    run_id, waiting = await desk.ask(), await desk.ask("k2")
    await desk.access.revoke(DEV, "everyone", Role.RUNNER)
    assert (await desk.runs.explain(ANA, run_id)).run.id == run_id
    assert (await desk.runs.cancel(ANA, waiting)).status is RunStatus.CANCELLED
    gone = replace(ANA, is_outsider=True)
    for refused in (desk.runs.explain(gone, run_id), desk.runs.cancel(gone, run_id)):
        with pytest.raises(Outsider):
            await refused
    for refused in (desk.runs.explain(BEN, run_id), desk.runs.cancel(BEN, run_id)):
        with pytest.raises(NotAuthorized):
            await refused


@pytest.mark.parametrize(
    ("readers", "allowed"), [((), True), (("U0ANA", "U0BEN"), True), (("U0ANA",), False)]
)
async def test_who_reads_the_answer_may_have_it_explained(
    desk: Desk, readers: tuple[str, ...], allowed: bool
) -> None:
    origin = Origin("mention", channel_id="C0PEOPLE", visibility="channel", readers=readers)
    run_id = await desk.ask(origin=origin)
    if allowed:
        assert (await desk.runs.explain(BEN, run_id)).run.id == run_id
    else:
        with pytest.raises(NotAuthorized):
            await desk.runs.explain(BEN, run_id)


def collection(desk: Desk, name: str, *audience: str) -> None:
    row = document_log.CollectionRow(name, audience, 0, "m", 3)
    desk.store.write_now(lambda c: document_log.insert_collection(c, row, now=desk.clock.now()))


async def test_sharing_posts_once_where_it_was_asked(desk: Desk) -> None:
    collection(desk, "people", "everyone")
    desk.perform.act = lambda row, held, _: journaled(row, held, desk)
    run_id = await desk.ask()
    with pytest.raises(NothingToShare):
        await desk.runs.share(ANA, run_id)
    await desk.worker().drain()
    await desk.courier.drain()
    with pytest.raises(NotAuthorized):
        await desk.runs.share(BEN, run_id)
    assert (await desk.runs.share(ANA, run_id)).shared
    with pytest.raises(NothingToShare):
        await desk.runs.share(ANA, run_id)
    await desk.courier.drain()
    kinds = [(kind, item.kind, item.channel) for kind, item in desk.sender.calls]
    assert kinds[0] == ("post", "run", "U0ANA")
    assert sorted(kinds[1:]) == [("post", "share", "C0PEOPLE"), ("update", "run", "U0ANA")]


@pytest.mark.parametrize(
    ("audience", "readers", "shared"),
    [
        (("U0ANA", "U0BEN"), ("U0ANA", "U0BEN"), True),
        (("U0ANA",), ("U0ANA", "U0BEN"), False),
        (("U0ANA",), (), False),
        (None, ("U0ANA",), False),
    ],
)
async def test_sharing_minds_the_audience(
    desk: Desk, audience: tuple[str, ...] | None, readers: tuple[str, ...], shared: bool
) -> None:
    if audience is not None:
        collection(desk, "leads", *audience)
    desk.perform.act = lambda row, held, _: journaled(row, held, desk, "leads")
    run_id = await desk.ask()
    await desk.worker().drain()
    if shared:
        assert (await desk.runs.share(ANA, run_id, readers)).shared
        return
    with pytest.raises(NotForThisAudience) as caught:
        await desk.runs.share(ANA, run_id, readers)
    assert caught.value.facts["collections"] == "leads"
    assert not (await desk.runs.view(run_id)).shared


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(status=st.sampled_from(RunStatus), target=st.sampled_from(RunStatus))
def test_sources_are_the_transitions_read_backwards(status: RunStatus, target: RunStatus) -> None:
    assert (status.value in sources_of(target)) == (target in RUN_TRANSITIONS[status])
