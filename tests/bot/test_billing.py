"""Money before and after a call: never over a limit, nothing counted twice, nothing kept for the dead."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from sqlalchemy import Connection, insert

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.reservation import BudgetSpent, Expected, UnknownPrice
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.audit_log import read_events, verify
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import (
    DONE,
    RUNNING,
    NewEvaluation,
    finish_evaluation,
    insert_evaluation,
)
from bot.adapters.store.group_commit import GroupCommit, Write
from bot.adapters.store.ledger import insert_call
from bot.adapters.store.run_log import runs
from bot.adapters.store.store_down import StoreDown
from bot.governance.budget import WORKSPACE, Period, Scope, ScopeKind, Spender
from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.services import budgeting
from bot.services.access import NotAuthorized
from bot.services.billing import Billing
from tests.bot.budget_desk import ADMIN, ASK_POLICY, OWNER, SPENDER, BudgetDesk
from tests.fakes import FakeClock
from tests.openai_server import EMPTY, HANG, OpenAIServer, Reply, rejection
from workflows.run import RunStatus

PER_CALL = Decimal("0.007")
"""Three words in at 1000 and one out at 4000 dollars a million."""


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(respond=lambda _: Reply("Ready.")) as server:
        yield server


@pytest.fixture
async def desk(store: Store, server: OpenAIServer) -> BudgetDesk:
    desk = BudgetDesk(store, server)
    await desk.own()
    return desk


async def test_a_row_says_whose_account_it_is_on(desk: BudgetDesk) -> None:
    desk.server.script.append(Reply("Ready.", cached_share=0.7))
    await desk.ask(words=10, purpose="judge", run_id="r_1")
    columns = (
        "run_id, purpose, model, served_by, workflow, versions, person, team, channel, "
        "input_tokens, cached_tokens, output_tokens"
    )
    assert desk.sql(f"SELECT {columns} FROM ledger") == [
        (
            "r_1",
            "judge",
            "openai/dear",
            "dear",
            "ask-policy",
            '{"workflow":{"ask-policy":3}}',
            "U0ANA",
            "S0PEOPLE",
            "C0PEOPLE",
            10,
            7,
            1,
        )
    ]
    # three at the full price, seven from the cache, one out
    assert desk.spent() == Decimal("0.0077")


async def test_without_a_budget_nothing_is_reserved(desk: BudgetDesk) -> None:
    await desk.ask()
    assert desk.spent() == PER_CALL
    assert desk.sql("SELECT count(*) FROM budget_balances") == [(0,)]
    assert "max_tokens" not in (await _endless(desk))


async def _endless(desk: BudgetDesk) -> dict[str, object]:
    await desk.ask("endless")
    return desk.server.history[-1].body


async def test_a_budget_bounds_a_reply_that_nobody_bounded(desk: BudgetDesk) -> None:
    await desk.limit("5")
    assert (await _endless(desk))["max_tokens"] == 4096


async def test_what_is_set_aside_is_given_back(desk: BudgetDesk) -> None:
    await desk.limit("5")
    desk.server.script.append(Reply("Ready.", latency_s=0.3))
    asking = asyncio.create_task(desk.ask())
    while not desk.server.history:
        await asyncio.sleep(0.01)
    spent, reserved = desk.balance()
    assert spent == 0
    assert reserved > 10 * PER_CALL
    await asking
    assert desk.balance() == (PER_CALL, 0)
    assert desk.sql("SELECT count(*) FROM reservations") == [(0,)]


ENDINGS = [
    pytest.param([rejection(500), Reply("Ready.")], id="retried"),
    pytest.param([rejection(500)] * 9, id="nobody answers"),
    pytest.param([rejection(401)], id="refused"),
    pytest.param([EMPTY], id="empty"),
]


@pytest.mark.parametrize("script", ENDINGS)
@pytest.mark.parametrize("streamed", [False, True])
async def test_however_a_call_ends_nothing_stays_set_aside(
    desk: BudgetDesk, script: list[Reply], streamed: bool
) -> None:
    await desk.limit("5")
    desk.server.script.extend(script)
    await asyncio.gather(desk.ask("backed", streamed=streamed), return_exceptions=True)
    # the cheap one's money was set aside for the next calls too
    assert desk.balance() == (desk.spent(), desk.set_aside())
    assert desk.sql("SELECT count(*) FROM ledger") == [(len(desk.server.history),)]


async def test_cancelled_at_any_moment(desk: BudgetDesk) -> None:
    """Before the money is set aside, while, and after: it comes back each time."""
    await desk.limit("5")
    desk.server.respond = lambda _: HANG
    for pauses in range(12):
        asking = asyncio.create_task(desk.ask())
        for _ in range(pauses):
            await asyncio.sleep(0.002)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
    assert desk.balance() == (desk.spent(), 0)
    assert desk.sql("SELECT count(*) FROM reservations") == [(0,)]


async def test_never_over_the_limit_with_two_hundred_at_once(desk: BudgetDesk) -> None:
    """Two processes, two budgets that bind at different times, all asked at once."""
    desk.server.respond = lambda _: Reply("word " * 20)
    cost, most = Decimal("0.083"), Decimal("0.623")
    other = BudgetDesk(desk.store, desk.server, desk.clock)
    whole = await desk.limit("6", WORKSPACE)
    part = await desk.limit("2", ASK_POLICY)
    await other.hear()
    elsewhere = Spender("summarise", "U0BEN", channel="C0GEN")
    askers = [(desk if n % 2 else other).ask(spender=SPENDER if n % 4 < 2 else elsewhere) for n in range(200)]
    ended = await asyncio.gather(*askers, return_exceptions=True)
    refused = [each for each in ended if isinstance(each, BudgetSpent)]
    answered = [each for each in ended if not isinstance(each, BaseException)]
    assert len(refused) + len(answered) == 200
    assert len(desk.server.history) == len(answered)
    everything = desk.spent()
    rows = desk.sql("SELECT cost_usd FROM ledger WHERE workflow='ask-policy'")
    ours = sum((Decimal(str(row[0])) for row in rows), Decimal(0))
    assert everything == len(answered) * cost
    # never over; and what was merely set aside was waited for, so not a call less than fits was made
    assert 6 - most < everything <= 6
    assert 2 - most < ours <= 2
    balances = desk.sql("SELECT budget_id, spent_usd, reserved_usd FROM budget_balances")
    assert {row[0]: (Decimal(row[1]) / 10**10, row[2]) for row in balances} == {
        whole.budget.id: (everything, 0),
        part.budget.id: (ours, 0),
    }
    assert {each.facts["busy"] for each in refused} == {""}
    assert desk.store.read_now(verify).bad_seq is None


def spend(desk: BudgetDesk, dollars: str) -> None:
    """As if that much had been spent already."""
    call = LedgerEntry(
        "r_0", "answer", "answer", "default", "openai/dear", 1, 1, Decimal(dollars), desk.clock.at, 0.1, "ok"
    )
    desk.store.write_now(lambda connection: insert_call(connection, call, SPENDER))


async def test_from_plenty_to_nothing_with_two_hundred_at_once(desk: BudgetDesk) -> None:
    """While there is plenty, two processes set money aside in advance; the limit holds all the same."""
    desk.server.respond = lambda _: Reply("word " * 20)
    spend(desk, "76")
    await desk.limit("100")
    other = BudgetDesk(desk.store, desk.server, desk.clock)
    await other.hear()
    gate = asyncio.Semaphore(200)

    async def ask(each: BudgetDesk) -> None:
        async with gate:
            await each.ask()

    askers = [ask(desk if n % 2 else other) for n in range(300)]
    ended = await asyncio.gather(*askers, return_exceptions=True)
    answered = [each for each in ended if each is None]
    assert {type(each) for each in ended} == {type(None), BudgetSpent}
    assert len(answered) == len(desk.server.history)
    assert desk.spent() == 76 + len(answered) * Decimal("0.083")
    assert 100 - Decimal("0.623") < desk.spent() <= 100
    assert desk.balance() == (desk.spent(), 0)


async def test_where_there_is_plenty_most_calls_ask_nobody(
    desk: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.limit("1000")
    made = []
    monkeypatch.setattr(
        "bot.services.billing.balances_log.insert_reservation",
        lambda connection, reservation, **rest: made.append(reservation.dollars),
    )
    for _ in range(40):
        await desk.ask()
    assert len(made) <= 4
    assert desk.balance()[0] == 40 * PER_CALL


async def test_what_was_set_aside_in_advance_ends_with_its_time(desk: BudgetDesk) -> None:
    await desk.limit("1000")
    await desk.ask()
    first = desk.sql("SELECT id FROM reservations")
    desk.clock.at += timedelta(seconds=11)
    await desk.ask()
    second = desk.sql("SELECT id FROM reservations")
    assert len(second) == 1 and second != first
    # the process is gone: whoever is short takes its money back after three minutes
    desk.clock.at += timedelta(minutes=4)
    other = BudgetDesk(desk.store, desk.server, desk.clock)
    await other.limit("0.7")
    await other.ask()
    assert desk.balance() == (desk.spent(), 0)


async def test_a_run_that_died_gives_back(desk: BudgetDesk) -> None:
    await desk.limit("1")
    await _die(desk, "r_dead")
    _, reserved = desk.balance()
    assert reserved > Decimal("0.5")
    _run(desk, "r_dead", fence=1, lease="2999-01-01")
    with pytest.raises(BudgetSpent) as caught:
        await desk.ask(deadline_s=0.2)
    assert caught.value.facts["busy"] == "yes"
    desk.sql("UPDATE runs SET lease_until='2020-01-01 00:00:00.000000'")
    await desk.ask()
    assert desk.balance() == (desk.spent(), 0)


async def test_another_attempt_frees_what_the_first_had_set_aside(desk: BudgetDesk) -> None:
    await desk.limit("1")
    await _die(desk, "r_1")
    _run(desk, "r_1", fence=2, lease="2999-01-01")
    await desk.ask()
    assert desk.balance() == (desk.spent(), 0)


async def test_a_call_that_ended_after_its_money_was_given_back_counts_once(desk: BudgetDesk) -> None:
    await desk.limit("1")
    _run(desk, "r_slow", fence=1, lease="2020-01-01")
    desk.server.script.append(Reply("Ready.", latency_s=0.5))
    slow = asyncio.create_task(desk.ask(run_id="r_slow"))
    while not desk.server.history:
        await asyncio.sleep(0.01)
    await desk.ask()
    await slow
    assert desk.balance() == (desk.spent(), 0)


async def test_without_a_run_it_is_given_back_when_the_call_must_be_over(desk: BudgetDesk) -> None:
    await desk.limit("1")
    await _die(desk, "e_1")
    # a host's clock that is some minutes ahead sets nobody else's money free
    desk.clock.at += timedelta(minutes=6)
    with pytest.raises(BudgetSpent):
        await desk.ask()
    desk.clock.at += timedelta(minutes=6)
    await desk.ask()
    assert desk.balance() == (desk.spent(), 0)


async def test_a_commit_whose_answer_is_lost_counts_once(
    desk: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server takes each write and hangs up before it says so: each is written again."""
    await desk.limit("1")
    taken: dict[int, Write] = {}
    transact = GroupCommit._transact

    def lost(self: GroupCommit, group: list[Write], *, relaxed: bool) -> None:
        transact(self, group, relaxed=relaxed)
        is_new = not taken.keys() >= {id(write) for write in group}
        taken.update((id(write), write) for write in group)
        if is_new:
            raise StoreDown("unreachable")

    monkeypatch.setattr(GroupCommit, "_transact", lost)
    await desk.ask(run_id="r_1")
    assert len(desk.server.bills) == desk.sql("SELECT count(*) FROM ledger")[0][0] == 1
    assert desk.balance() == (desk.spent(), 0)


async def _die(desk: BudgetDesk, run_id: str) -> None:
    """A call under way whose process is gone: its money is set aside and nothing comes after."""
    account = desk.billing.payer(SPENDER, run_id, fence=1)
    assert await account.reserve(Expected("default", Decimal("0.6"), 60)) is not None


def _run(desk: BudgetDesk, run_id: str, *, fence: int, lease: str) -> None:
    row = {
        "id": run_id,
        "status": RunStatus.RUNNING.value,
        "owner": "w",
        "lease_until": datetime.fromisoformat(f"{lease}T00:00:00+00:00"),
        "fence": fence,
        "workflow": "ask-policy",
        "actor_id": "U0ANA",
        **{name: {} for name in ("inputs", "actor", "origin", "pins")},
        **dict.fromkeys(("title", "follows", "step_title"), ""),
        **dict.fromkeys(("version", "attempts", "revision", "step_number", "step_total"), 1),
        **dict.fromkeys(("due_at", "created_at"), desk.clock.at),
    }
    desk.store.write_now(lambda connection: connection.execute(insert(runs), row))


async def test_a_budget_set_late_knows_what_was_spent(desk: BudgetDesk) -> None:
    for _ in range(3):
        await desk.ask()
    view = await desk.limit("0.5")
    assert view.balance.spent_usd == 3 * PER_CALL
    await desk.limit("0.01")
    with pytest.raises(BudgetSpent):
        await desk.ask()


async def test_calls_made_by_a_process_that_had_not_heard_are_counted_later(desk: BudgetDesk) -> None:
    other = BudgetDesk(desk.store, desk.server, desk.clock)
    await other.ask()
    await desk.limit("5")
    # `other` knows of no budget and looks again only after a second
    await other.ask()
    desk.clock.at += timedelta(seconds=20)
    await desk.ask()
    assert desk.balance() == (3 * PER_CALL, 0) == (desk.spent(), 0)


async def test_each_period_begins_afresh(desk: BudgetDesk) -> None:
    await desk.limit("0.63", period=Period.DAY)
    await desk.ask()
    desk.clock.at = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
    await desk.ask()
    balances = desk.sql("SELECT key, spent_usd FROM budget_balances ORDER BY key")
    assert [row[0].partition(":")[2] for row in balances] == ["2026-11-22", "2026-11-23"]
    assert len({row[1] for row in balances}) == 1


async def test_only_those_whose_budget_it_is_are_held(desk: BudgetDesk) -> None:
    await desk.limit("0", Scope(ScopeKind.PERSON, "U0ANA"))
    await desk.limit("0", Scope(ScopeKind.TEAM, "S0LEGAL"))
    await desk.limit("0", Scope(ScopeKind.WORKFLOW, "summarise"))
    with pytest.raises(BudgetSpent) as caught:
        await desk.ask()
    assert caught.value.facts["scope"] == "person"
    await desk.ask(spender=Spender("ask-policy", "U0BEN", "S0PEOPLE"))


async def test_the_owners_hear_once_that_it_is_low_and_once_that_it_is_spent(desk: BudgetDesk) -> None:
    await desk.limit("0.75", ASK_POLICY, actor=OWNER)
    desk.server.respond = lambda _: Reply("one two three")
    spent = Decimal(0)
    while spent < Decimal("0.1"):
        await desk.ask()
        spent = desk.spent()
    assert desk.told() == []
    desk.server.respond = lambda _: Reply("word " * 150)
    await desk.ask()
    assert desk.told() == [("budget-low", "U0OWN")]
    for _ in range(3):
        with pytest.raises(BudgetSpent) as caught:
            await desk.ask()
    assert desk.told() == [("budget-low", "U0OWN"), ("budget-spent", "U0OWN")]
    facts = caught.value.facts
    assert (facts["scope"], facts["name"], facts["period"], facts["ask"]) == (
        "workflow",
        "ask-policy",
        "day",
        "U0OWN",
    )
    assert facts["ends"] == "2026-11-23T00:00:00+00:00"
    events = [
        event.action
        for event in desk.store.read_now(lambda c: read_events(c, target="budget:workflow:ask-policy"))
    ]
    assert events == ["budget.spent", "budget.ran-low", "budget.set"]


async def test_a_top_up_lets_calls_through_until_it_ends(desk: BudgetDesk) -> None:
    view = await desk.limit("0.01", ASK_POLICY)
    with pytest.raises(BudgetSpent):
        await desk.ask()
    await desk.budgets.top_up(OWNER, view.budget.id, Decimal(1), desk.clock.at + timedelta(hours=2))
    await desk.ask()
    desk.clock.at += timedelta(hours=3)
    with pytest.raises(BudgetSpent):
        await desk.ask()
    assert [kind for kind, _ in desk.told()] == ["budget-spent", "budget-spent"]


@pytest.mark.postgres
async def test_two_processes_that_top_up_at_once_both_add(
    postgres_url: str, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = (BudgetDesk(Store(postgres_url), server) for _ in range(2))
    one.store.write_now(metadata.create_all)
    view = await one.limit("10", ASK_POLICY)
    check, inside, go_on = budgeting._check_top_up, Event(), Event()

    def held_up(*args: Any) -> None:
        if not inside.is_set():
            inside.set()
            # the other one waits for this where it has to
            go_on.wait(1)
        check(*args)

    monkeypatch.setattr(budgeting, "_check_top_up", held_up)
    until = one.clock.at + timedelta(hours=5)
    first = asyncio.create_task(one.budgets.top_up(ADMIN, view.budget.id, Decimal(3), until))
    await asyncio.to_thread(inside.wait, 5)
    await two.budgets.top_up(ADMIN, view.budget.id, Decimal(7), until)
    go_on.set()
    await first
    assert (await one.budgets.budget(ADMIN, view.budget.id)).allowed_usd == 20
    for desk in (one, two):
        desk.store.close()


async def test_a_top_up_whose_commit_was_not_heard_of_counts_once(
    desk: BudgetDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await desk.limit("10", ASK_POLICY)
    transact, left = GroupCommit._transact, [1]

    def unheard(self: GroupCommit, group: list[Any], *, relaxed: bool) -> None:
        transact(self, group, relaxed=relaxed)
        if left:
            left.pop()
            raise StoreDown("unreachable")

    monkeypatch.setattr(GroupCommit, "_transact", unheard)
    until = desk.clock.at + timedelta(hours=5)
    again = await desk.budgets.top_up(ADMIN, view.budget.id, Decimal(5), until)
    assert (left, again.allowed_usd) == ([], 15)
    assert desk.sql("SELECT count(*) FROM audit_events WHERE action = 'budget.topped-up'")[0][0] == 1


async def test_a_price_that_nobody_knows(desk: BudgetDesk) -> None:
    await desk.ask("unknown")
    assert desk.sql("SELECT priced FROM ledger")[0][0] in (0, False)
    strict = BudgetDesk(desk.store, desk.server, desk.clock, allows_unpriced=False)
    with pytest.raises(UnknownPrice):
        await strict.ask("unknown")
    await desk.limit("5")
    with pytest.raises(UnknownPrice):
        await desk.ask("unknown")
    assert len(desk.server.history) == 1


async def test_a_free_call_needs_no_money(desk: BudgetDesk) -> None:
    await desk.limit("0")
    account = Billing(desk.store, FakeClock(), desk.billing.notices, desk.outgoing).payer(SPENDER)
    assert not account.has_budget
    with pytest.raises(BudgetSpent):
        await desk.ask()


async def test_setting_is_for_owners_and_admins(desk: BudgetDesk) -> None:
    await desk.limit("5", ASK_POLICY, actor=OWNER)
    for scope in (WORKSPACE, Scope(ScopeKind.WORKFLOW, "summarise"), Scope(ScopeKind.PERSON, "U0OWN")):
        with pytest.raises(NotAuthorized):
            await desk.limit("5", scope, actor=OWNER)
    await desk.limit("5", actor=ADMIN)


def evaluated(desk: BudgetDesk, *models: str, passes: bool = True, workflow: str = "ask-policy") -> None:
    """An evaluation of the workflow that these models answered."""
    standing = Standing.PASSED if passes else Standing.FAILED
    desk.clock.at += timedelta(seconds=1)
    rows = tuple(
        ReportRow(f"case-{n}", "file", Trial(standing, answer="Yes.", model=model))
        for n, model in enumerate(models)
    )
    number = desk.sql("SELECT count(*) FROM evaluations")[0][0]
    report = EvaluationReport(
        f"e_{number}", workflow, "terminal", "U0OWN", desk.clock.at, desk.clock.at, {}, rows
    )
    new = NewEvaluation(report.id, workflow, "terminal", "production", "U0OWN", RUNNING, {}, {})

    def act(connection: Connection) -> None:
        insert_evaluation(connection, new, desk.clock.at)
        finish_evaluation(
            connection,
            report.id,
            fence=0,
            status=DONE,
            report=report.as_json(),
            cost_usd=Decimal(0),
            at=desk.clock.at,
        )

    desk.store.write_now(act)


def models(desk: BudgetDesk) -> list[str]:
    return [call.model for call in desk.server.history]


async def test_a_cheaper_model_takes_over_when_money_is_low(desk: BudgetDesk) -> None:
    evaluated(desk, "openai/cheap", "openai/cheap")
    await desk.limit("0.7")
    await desk.ask()
    desk.sql("UPDATE budget_balances SET spent_usd = 5600000000")
    reply = await desk.ask()
    assert models(desk) == ["dear", "cheap"]
    assert reply.model == "openai/cheap"
    assert "A cheaper model answered" in reply.notes[0]
    row = desk.sql("SELECT alias, model FROM ledger ORDER BY seq")[-1]
    assert tuple(row) == ("default", "openai/cheap")


async def test_it_takes_over_as_well_when_only_it_still_fits(desk: BudgetDesk) -> None:
    evaluated(desk, "openai/cheap")
    await desk.limit("0.3")
    await desk.ask()
    assert models(desk) == ["cheap"]
    desk.sql("UPDATE budget_balances SET spent_usd = 3000000000")
    with pytest.raises(BudgetSpent):
        await desk.ask()
    assert models(desk) == ["cheap"]


UNPROVEN = [
    pytest.param([], id="never evaluated"),
    pytest.param([(("openai/cheap",), False)], id="failed"),
    pytest.param([(("openai/cheap",), True), (("openai/cheap",), False)], id="passed once, failed since"),
    pytest.param([(("openai/dear",), True)], id="only the dear one passed"),
    pytest.param([(("openai/dear", "openai/cheap"), True)], id="a mixture passed"),
]


@pytest.mark.parametrize("history", UNPROVEN)
async def test_no_model_takes_over_that_did_not_pass(
    desk: BudgetDesk, history: list[tuple[tuple[str, ...], bool]]
) -> None:
    for names, passes in history:
        evaluated(desk, *names, passes=passes)
    evaluated(desk, "openai/cheap", workflow="summarise")
    await desk.limit("0.3")
    with pytest.raises(BudgetSpent):
        await desk.ask()
    assert models(desk) == []


async def test_a_verdict_changes_with_the_next_evaluation(desk: BudgetDesk) -> None:
    await desk.limit("0.3")
    evaluated(desk, "openai/cheap", passes=False)
    with pytest.raises(BudgetSpent):
        await desk.ask()
    evaluated(desk, "openai/cheap")
    await desk.ask()
    assert models(desk) == ["cheap"]
