"""The home tab: what it says to whom, that Slack takes it however much there is, and its buttons."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_golden, assert_view, hostile_strings, shown
from slack_samples import ASK_POLICY, NOW, SUMMARISE, released, unfinished, view
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.backlog import Backlog
from bot.governance.budget import WORKSPACE, Balance, Budget, Period
from bot.governance.changes import ChangeStatus
from bot.governance.roles import Role
from bot.quality.alerts import AlertRule, Standing
from bot.quality.chart_data import ChartData, packed
from bot.quality.tallies import Durations, Tally
from bot.services.actors import Actor
from bot.services.budgeting import BudgetView
from bot.services.catalogue import Content
from bot.services.change_work import ChangeWork
from bot.services.health_checks import Health, PartHealth
from bot.services.home_page import HomePage, HomeWorkflow, Operation, OwnedWorkflow, SeenRun
from bot.slack import change_blocks, home
from bot.slack.blocks import EXPLAIN, START
from bot.slack.home_ahead import DrawnAhead
from bot.slack.home_blocks import home_view
from bot.slack.seal import seal_view
from bot.slack.triage_cards import OPEN
from bot.workspace.driver import OpenView
from tests.bot.change_desk import ANSWER, FRIENDLIER, HERE, MODELS, PROMPT, WORKFLOW, FakeComparer
from tests.bot.chart_samples import WEEKS
from tests.bot.history_rows import Past, insert_past

CHLOE, ANA = Actor("U0CHLOE", "Chloe Martin", "T0SPAN"), Actor("U0ANA", "Ana Costa", "T0SPAN")
NOTHING = HomePage((), (), ())
BUSY = Tally(
    runs=412, answered=380, abstained=20, failed=12, votes_up=40, votes_down=6, corrected=2,
    cost_usd=Decimal("4.12"), durations=Durations({800: 300, 850: 100}),
)  # fmt: skip


def sealed(page: HomePage, name: str = "Dev", **more: Any) -> dict[str, Any]:
    made = seal_view(home_view(name, page, **more))
    assert_view(made)
    return made


def operation(**parts: PartHealth) -> Operation:
    found = {"database": PartHealth("up", True), "worker": PartHealth("up", False), **parts}
    return Operation(Health(found), Backlog(2, 75.0, 1, 0, 0.0, 1), ())


def budget(number: int = 0, spent: str = "9") -> BudgetView:
    limit = Budget(f"b_{number}", WORKSPACE, Period.MONTH, Decimal(10))
    return BudgetView(Balance(limit, NOW, spent_usd=Decimal(spent)), NOW, may_change=True)


def full(count: int) -> HomePage:
    """As much of everything as there may be, and more."""
    owned = [
        OwnedWorkflow(f"w{n}", f"Workflow {n} with a title of some length", BUSY, Tally(runs=300), n)
        for n in range(count)
    ]
    return HomePage(
        tuple(HomeWorkflow(replace(released(), name=f"w{n}"), BUSY, n) for n in range(count)),
        tuple(SeenRun(view(id=f"r_{n}"), "up") for n in range(6)),
        (),
        tuple(owned),
        WEEKS["forty"][0],
        tuple(budget(n) for n in range(count)),
        replace(
            operation(index=PartHealth("down", True, "TimeoutError")),
            alerts=(Standing("a_1", AlertRule.ERRORS, "ask-policy", NOW, NOW, NOW),),
        ),
    )


def test_an_admin_sees_everything_in_its_place() -> None:
    workflow = HomeWorkflow(released(ASK_POLICY), BUSY, 12)
    new = HomeWorkflow(released(SUMMARISE), Tally(), 0)
    seen = (SeenRun(view(), "up"), SeenRun(unfinished(), ""))
    owned = (
        OwnedWorkflow("ask-policy", "Ask the people handbook", BUSY, Tally(runs=300, cost_usd=Decimal(5)), 3),
        OwnedWorkflow("plan-trip", "Plan a trip", Tally(), Tally(), 0),
    )
    chart = WEEKS["six weeks"][0]
    page = HomePage((workflow, new), seen, (), owned, chart, (budget(),), operation())
    made = sealed(page, files={packed(chart): "F0CHART"}, is_admin=True)
    assert_golden("home-admin", made)
    said = shown(made)
    for part in (
        "You ran it 12 times · about $0.0100 a run · answers in about 2.9 s",
        "412 runs (+37 %) · 92 % answered · 12 failed · 87 % of 46 votes up · half within 2.9 s",
        "$4.12 (−18 %)",
        "*Plan a trip* did not run in the last 4 weeks",
        "3 answers voted down wait for a decision",
        "Your vote :thumbsup:",
        "2 waiting (the oldest for 75 s), 1 under way",
        "python -m bot doctor",
    ):
        assert part in said


def test_who_may_nothing_is_told_so_and_sees_no_more() -> None:
    said = shown(sealed(NOTHING, ""))
    assert "You have no workflow you may run yet" in said and "You have not run anything yet" in said
    for heading in ("Waiting", "answer for", "Budgets", "doing", "doctor"):
        assert heading not in said


def test_forty_five_workflows_are_one_view() -> None:
    made = sealed(full(45), is_admin=True)
    assert len(made["blocks"]) <= 80
    said = shown(made)
    assert "`/w44`" in said and "33 more workflows: 13,596 runs, $135.96" in said
    assert "37 more limits" in said and "44 answers" not in said
    assert ":rotating_light: The document index does not answer: TimeoutError." in said
    assert ":warning: 1 alert not over yet: errors." in said


def test_more_than_can_be_named_are_counted() -> None:
    said = shown(sealed(full(70)))
    assert "and 20 more: `/spanwise list` shows all." in said


def test_no_text_of_others_does_anything_on_the_tab() -> None:
    for hostile in hostile_strings():
        item = replace(released(), title=hostile or "x", purpose=hostile or "x", examples=(hostile,))
        page = HomePage(
            tuple(HomeWorkflow(item, BUSY, 1) for _ in range(14)),
            (SeenRun(view(inputs={"question": hostile}, title=hostile or "x"), "down"),),
            (),
            (OwnedWorkflow("w", hostile or "x", BUSY, BUSY, 1),),
        )
        made = sealed(page, hostile)
        for block in made["blocks"]:
            if block["type"] == "section":
                assert not re.search(r"<[!@#h](?!date\^)", block["text"]["text"])


class Sluggish:
    """Charts that are there when a test says so."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def draw(self, chart: ChartData) -> bytes:
        await self.gate.wait()
        return b"\x89PNG"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, workflows=(WORKFLOW, SUMMARISE))
    contents = [Content("prompt", "ask-policy.answer", PROMPT), Content("models", "models", MODELS)]
    await made.desk.catalogue.seed(contents)
    yield made
    await close()


def fill(scene: Scene, count: int = 8) -> None:
    """Runs of the last weeks, Ana's votes among them."""
    now = scene.desk.clock.now()
    for number in range(count):
        past = Past(f"r_{number}", asked_at=now - timedelta(days=number + 1), votes={"U0ANA": 1})
        scene.store.write_now(lambda connection, past=past: insert_past(connection, past))


def kinds(tab: OpenView) -> list[str]:
    return [block["type"] for block in tab.blocks]


def published(scene: Scene) -> int:
    return [method for method, _ in scene.workspace.calls].count("views.publish")


async def test_a_look_is_one_call_with_the_owners_chart_in_it(scene: Scene) -> None:
    fill(scene)
    await scene.desk.access.grant(DEV, CHLOE.id, Role.OWNER, "workflow:ask-policy")
    chloe = scene.person("U0CHLOE")
    tab = await chloe.open_home()
    assert published(scene) == 1
    assert kinds(tab).count("image") == 1
    assert "Workflows you answer for" in words(tab) and "8 runs" in words(tab)
    first = tab.hash
    again = await chloe.open_home()
    assert again.hash != first and kinds(again).count("image") == 1
    assert "image" not in kinds(await scene.person("U0ANA").open_home())


async def test_a_chart_that_takes_long_is_in_the_next_look_and_each_look_is_one_call(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "PATIENCE_S", 0.05)
    fill(scene)
    slow = Sluggish()
    object.__setattr__(scene.desk.charts, "charts", slow)
    dev = scene.person("U0DEV")
    tab = await dev.open_home()
    assert "image" not in kinds(tab) and "in all" in words(tab)
    slow.gate.set()
    await scene.quiet()
    await scene.desk.charts.files([(await scene.desk.home.chart(DEV)) or pytest.fail("no chart")])
    assert published(scene) == 1
    assert "image" in kinds(await dev.open_home()) and published(scene) == 2


async def test_charts_are_drawn_before_anybody_looks(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "PATIENCE_S", 0.0)
    fill(scene)
    await scene.desk.access.grant(DEV, CHLOE.id, Role.OWNER, "workflow:ask-policy")
    stop = asyncio.Event()
    ahead = asyncio.create_task(DrawnAhead(scene.desk, again_s=0.01).run_until(stop))
    made = await scene.desk.home.chart(CHLOE)
    assert made is not None
    chloe = scene.person("U0CHLOE")
    async with asyncio.timeout(20):
        while not scene.desk.charts.known([made]):
            await asyncio.sleep(0.01)
    stop.set()
    await ahead
    drawn = len(scene.workspace.calls)
    assert "image" in kinds(await chloe.open_home())
    assert published(scene) == 1
    assert "files.completeUploadExternal" not in [method for method, _ in scene.workspace.calls[drawn:]]


async def test_runs_open_from_the_tab_and_show_the_persons_vote(scene: Scene) -> None:
    fill(scene, 2)
    ana = scene.person("U0ANA")
    tab = await ana.open_home()
    assert words(tab).count("Your vote :thumbsup:") == 2
    assert (await ana.click(tab, EXPLAIN, "r_1")).ok
    modal = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "How many days of leave?" in words(modal)
    assert (await ana.click(tab, START, "summarise-thread")).ok


async def test_an_approval_from_the_tab_counts_and_leaves_the_tab(scene: Scene) -> None:
    desk = scene.desk
    await desk.access.grant(DEV, ANA.id, Role.EDITOR)
    await desk.access.grant(DEV, "U0BEN", Role.APPROVER)
    work = ChangeWork(scene.store, desk.changes, FakeComparer(), desk.clock, WakeUp(), WakeUp())
    change = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    await work.drain()
    ben = scene.person("U0BEN")
    tab = await ben.open_home()
    assert "Waiting for you" in words(tab) and change.id in words(tab)
    assert "Waiting for you" not in words(await scene.person("U0ANA").open_home())
    value = f"{change.id}:1"
    assert (await ben.click(tab, change_blocks.SHOW_ALL, value)).ok
    modal = await ben.wait_for(lambda: next(iter(ben.views()), None))
    assert "never" in words(modal)
    assert (await ben.click(tab, change_blocks.APPROVE, value)).ok
    await scene.quiet()
    assert (await desk.changes.view(change.id)).status is ChangeStatus.APPLIED
    after = ben.home()
    assert after is not None and "Waiting for you" not in words(after)


async def test_triage_begins_from_the_tab(scene: Scene) -> None:
    fill(scene, 1)
    await scene.desk.feedback.record(ANA, "r_0", "down")
    dev = scene.person("U0DEV")
    tab = await dev.open_home()
    assert "1 answer voted down waits for a decision: *Ask the handbook* 1." in words(tab)
    assert (await dev.click(tab, OPEN, "ask-policy")).ok
    await scene.quiet()
    await dev.wait_for(lambda: scene.app_messages(dev, dev.dm) or None)


async def test_a_guest_sees_an_empty_tab(scene: Scene) -> None:
    tab = home_view("", await scene.desk.home.page(replace(ANA, is_outsider=True)))
    assert "You have no workflow you may run yet" in shown(tab)
