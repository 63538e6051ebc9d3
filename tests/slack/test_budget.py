"""Money in Slack: what is said of spending, setting limits, and the button that adds to one."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_golden, assert_message, assert_view, shown
from slack_samples import answer
from slack_scene import DEV, Scene, open_scene, succeeded, words

from bot.adapters.reservation import BudgetSpent, Expected
from bot.adapters.store.audit_log import read_events
from bot.governance.budget import Balance, Budget, Period, Scope, ScopeKind, Spender, TopUp
from bot.governance.roles import Role
from bot.services.budgeting import BudgetView
from bot.services.outbox_items import OutboxItem
from bot.slack import budget_blocks as blocks
from bot.slack import budget_text
from bot.slack.letters import letter
from bot.slack.refusals import sentence
from bot.slack.seal import seal_message, seal_view
from bot.workspace.town_records import Message
from workflows.run import Failure, RunResult, RunStatus

CHANNEL = "C0PEOPLE"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LIMIT = Budget("b_1", Scope(ScopeKind.WORKFLOW, "ask-policy"), Period.MONTH, Decimal(50))


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
    await made.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


async def said(scene: Scene, person: str, command: str) -> str:
    outcome = await scene.person(person).command(CHANNEL, f"/spanwise {command}")
    assert outcome.ok
    return shown((outcome.payload or {}).get("blocks", []))


async def test_a_limit_is_set_looked_at_and_lifted(scene: Scene) -> None:
    assert "No limit is set" in await said(scene, "U0DEV", "budget")
    done = await said(scene, "U0CHLOE", "budget ask-policy 50/month")
    assert "`/ask-policy` may spend $50.00 a month" in done
    shown_now = await said(scene, "U0CHLOE", "budget /ask-policy")
    assert "*$0* of $50.00 this month (0 %)" in shown_now
    assert "Top up" in await said(scene, "U0DEV", "budget")
    assert "has no limit a month any more" in await said(scene, "U0CHLOE", "budget ask-policy off")
    assert "There is no such limit" in await said(scene, "U0CHLOE", "budget ask-policy off")
    events = scene.store.read_now(lambda c: read_events(c, target="budget:workflow:ask-policy"))
    assert [(event.action, event.actor) for event in events] == [
        ("budget.lifted", "U0CHLOE"),
        ("budget.set", "U0CHLOE"),
    ]


async def test_people_groups_and_the_workspace(scene: Scene) -> None:
    assert "<@U0ANA> may spend $5.00 a day" in await said(scene, "U0DEV", "budget @ana $5 per day")
    assert "the whole workspace may spend $500.00 a month" in await said(
        scene, "U0DEV", "budget workspace 500/month"
    )
    assert "the team `S0LEADS` may spend $9.00 a week" in await said(scene, "U0DEV", "budget @leads 9/week")
    mine = await said(scene, "U0ANA", "budget")
    assert "<@U0ANA>" in mine and "workspace" not in mine and "Top up" not in mine
    assert "of $5.00 today" in await said(scene, "U0ANA", "budget me")


REFUSED = [
    ("U0ANA", "budget ask-policy 50/month", "You may not"),
    ("U0ANA", "budget ask-policy", "You may not"),
    ("U0CHLOE", "budget workspace 50/month", "You may not"),
    ("U0CHLOE", "budget ask-policy 50", "I read no limit in “50”"),
    ("U0CHLOE", "budget ask-policy lots/month", "I read no limit in “lots/month”"),
    ("U0CHLOE", "budget ask-policy 99999999/month", "I read no limit"),
    ("U0CHLOE", "budget ask-polcy 50/month", "There is no workflow"),
    ("U0CHLOE", "budget <b>&you 50/month", "is nothing that can have a budget"),
]


@pytest.mark.parametrize(("person", "command", "expected"), REFUSED)
async def test_what_is_refused_says_why(scene: Scene, person: str, command: str, expected: str) -> None:
    assert expected in await said(scene, person, command)
    assert scene.store.read_now(lambda c: read_events(c, action="budget.set")) == ()


async def spend_out(scene: Scene) -> BudgetSpent:
    """A run asks for more than is left."""
    scene.store.read_now(scene.billing.book.look)
    account = scene.billing.payer(Spender("ask-policy", "U0ANA"))
    with pytest.raises(BudgetSpent) as caught:
        await account.reserve(Expected("default", Decimal(60), 60))
    return caught.value


async def letter_to(scene: Scene, person: str) -> Message:
    owner = scene.person(person)
    return await owner.wait_for(
        lambda: next((m for m in scene.app_messages(owner, owner.dm) if "budget" in words(m)), None)
    )


async def test_a_spent_budget_is_told_to_the_owner_who_adds_to_it(scene: Scene) -> None:
    await said(scene, "U0CHLOE", "budget ask-policy 50/month")
    await spend_out(scene)
    chloe = scene.person("U0CHLOE")
    message = await letter_to(scene, "U0CHLOE")
    assert (
        "The budget of `/ask-policy` has no room left. "
        "A run of `/ask-policy` was refused: it may have cost up to $60.00." in words(message)
    )
    assert (await chloe.click(message, blocks.TOP_UP)).ok
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    yesterday = f"{datetime.now(UTC) - timedelta(days=1):%Y-%m-%d}"
    later = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"
    wrong = await chloe.submit(form, {blocks.AMOUNT: {"value": "20"}, blocks.UNTIL: {"value": yesterday}})
    assert wrong.errors == {blocks.UNTIL: budget_text.needs_day()}
    filled = {blocks.AMOUNT: {"value": "20"}, blocks.UNTIL: {"value": later}}
    assert (await chloe.submit(form, filled)).ok
    again = await chloe.wait_for(
        lambda: next((m for m in scene.app_messages(chloe, chloe.dm) if "has room again" in words(m)), None)
    )
    assert again.ts == message.ts, "the same message, drawn again"
    assert "of $70.00 this month" in words(again)
    assert "$20.00 was added by <@U0CHLOE>" in words(again)
    (event,) = scene.store.read_now(lambda c: read_events(c, action="budget.topped-up"))
    assert (event.actor, event.context["amount_usd"]) == ("U0CHLOE", "20")


async def test_only_who_answers_for_it_may_add(scene: Scene) -> None:
    """The right is asked for when the form is opened and again when it is sent."""
    await said(scene, "U0CHLOE", "budget ask-policy 50/month")
    await spend_out(scene)
    chloe = scene.person("U0CHLOE")
    message = await letter_to(scene, "U0CHLOE")
    await chloe.click(message, blocks.TOP_UP)
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    await scene.desk.access.revoke(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    await chloe.submit(form, {blocks.AMOUNT: {"value": "20"}})
    await scene.quiet()
    await chloe.click(message, blocks.TOP_UP)
    await scene.quiet()
    assert scene.store.read_now(lambda c: read_events(c, action="budget.topped-up")) == ()
    told = [words(m) for m in chloe.ephemerals(chloe.dm)] + [shown(v.blocks) for v in chloe.views()]
    assert any("You may not" in each for each in told)


async def test_the_person_is_told_plainly(scene: Scene) -> None:
    await said(scene, "U0CHLOE", "budget ask-policy 50/month")
    error = await spend_out(scene)
    failure = Failure("BudgetSpent", error.facts, "i_ab12cd34")
    scene.script.ending = lambda row: RunResult(RunStatus.FAILED, None, (), failure)
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    message = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, ana.dm) if "no room for this" in words(m)), None)
    )
    assert (
        "$0 of $50.00 is spent, and it may cost up to $60.00. No model was asked, so this cost nothing."
        in words(message)
    )
    assert "I have told <@U0CHLOE>, who can add to it." in words(message)


async def test_a_guest_is_told_nothing(scene: Scene) -> None:
    guest = replace(scene.workspace.town.users["U0EVA"], is_guest=True)
    scene.workspace.town.users["U0EVA"] = guest
    await said(scene, "U0DEV", "budget @eva 5/day")
    for command in ("budget", "budget me", "budget ask-policy", "budget ask-policy 5/day"):
        shown_now = await said(scene, "U0EVA", command)
        assert "members of this workspace only" in shown_now


def view_of(spent: str, reserved: str = "0", **changes: Any) -> BudgetView:
    budget = Budget(**{**{name: getattr(LIMIT, name) for name in Budget.__slots__}, **changes})
    starts_at = budget.period.starts(NOW)
    return BudgetView(Balance(budget, starts_at, Decimal(spent), Decimal(reserved)), NOW, may_change=True)


TOPPED = (TopUp(Decimal(20), datetime(2026, 12, 1, tzinfo=UTC), "U0CHLOE"),)

LETTERS = [
    pytest.param("budget-low", view_of("41.2"), id="low"),
    pytest.param("budget-spent", view_of("49.98", "1.5"), id="spent"),
    pytest.param("budget-spent", view_of("49.98", top_ups=TOPPED), id="topped-up"),
    pytest.param("budget-spent", None, id="lifted"),
]


@pytest.mark.parametrize(("kind", "about"), LETTERS)
def test_letters(kind: str, about: BudgetView | None, request: pytest.FixtureRequest) -> None:
    item = OutboxItem(
        "m1",
        "",
        kind,
        "U0CHLOE",
        "",
        NOW,
        "",
        "",
        {"workflow": "ask-policy", "needs": "0.6"},
        "budget:b_1",
        None,
        about,
    )
    made = seal_message(letter(item, NOW, {}))
    assert_message(made)
    assert_golden(f"message-{kind}-{request.node.callspec.id.rpartition('-')[2]}", made)


def test_the_form() -> None:
    made = seal_view(blocks.top_up_form(view_of("49.98"), {"channel": "D0CHLOE"}))
    assert_view(made)
    assert_golden("view-budget-top-up", made)


def test_an_overview_never_has_too_many_blocks() -> None:
    views = [view_of("1", scope=Scope(ScopeKind.WORKFLOW, f"workflow-{n}")) for n in range(120)]
    made = seal_message(blocks.overview_message(views, may_set=True))
    assert_message(made)
    assert "And 80 more" in shown(made["blocks"])


def test_a_cost_that_nobody_knows_is_not_shown_as_nothing() -> None:
    assert "cost unknown" in budget_text.cost(Decimal(0), is_priced=False)
    assert "at least $0.02" in budget_text.cost(Decimal("0.02"), is_priced=False)
    assert succeeded(answer()).answer is not None


def test_waiting_money_is_said_as_such() -> None:
    facts = {"scope": "team", "name": "S0PEOPLE", "period": "week", "limit": "5", "spent": "1", "busy": "yes"}
    words_said = sentence("BudgetSpent", {**facts, "ends": "2026-11-30T00:00:00+00:00", "ask": ""})
    assert "set aside for other runs" in words_said and "no room" not in words_said
