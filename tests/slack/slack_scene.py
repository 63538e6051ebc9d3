"""The whole product in one test process: the local workspace, the app over its socket, worker and courier.

Only the carrying out of a run is scripted: what a workflow does is tested elsewhere.
"""

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from slack_checks import shown
from slack_samples import ASK_POLICY, PLAN_TRIP, SUMMARISE, answer

from bot.adapters.audit_key import AuditKey
from bot.adapters.llm import Models
from bot.adapters.observing import Happening, Observers
from bot.adapters.profiles import SHIPPED, read_profiles
from bot.adapters.queue.wakeup import EmbeddedQueue, WakeUp
from bot.adapters.store.database import Store
from bot.adapters.store.run_log import RunRow
from bot.adapters.system_clock import SystemClock
from bot.governance.changes import POLICIES
from bot.governance.roles import Role
from bot.quality.alerts import Thresholds
from bot.quality.chart_data import ChartData
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.admin_answers import Answers
from bot.services.admin_deeds import Deeds
from bot.services.admin_previews import Previews
from bot.services.admin_writing import AdminWriter
from bot.services.administering import Admin
from bot.services.admitting import ANYTHING, Admission
from bot.services.alerting import Alerting, load_alert
from bot.services.auditing import Auditing
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.budgeting import Budgets
from bot.services.catalogue import Catalogue, Content
from bot.services.change_proposals import Ways
from bot.services.change_requests import Changes
from bot.services.change_work import ChangeWork
from bot.services.complaints import Complaints
from bot.services.digest_acting import FINDING, DigestActs
from bot.services.digest_making import AskInsights, DigestMaker, no_insights
from bot.services.digest_work import DigestPace, DigestWork
from bot.services.digesting import DIGEST, Digests
from bot.services.drafting import Drafting
from bot.services.escalating import SUBJECT, Escalating, load_escalation
from bot.services.evaluating import Evaluations
from bot.services.evaluation_requests import EvaluationRequests
from bot.services.evaluation_work import EvaluationPace, EvaluationWork
from bot.services.explaining import Explaining
from bot.services.feedback import Feedback
from bot.services.golden_cases import GoldenCases
from bot.services.handing_over import HandOvers
from bot.services.health_checks import HealthChecks
from bot.services.holdings import Holdings
from bot.services.home_page import HomePages
from bot.services.outbox import Courier, Round
from bot.services.past_runs import PastRuns
from bot.services.pilot_watch import PilotWatch
from bot.services.preferences import Preferences
from bot.services.promotion import Promotions
from bot.services.readiness_cards import Cards
from bot.services.remedies import Remedies
from bot.services.replaying import Replays
from bot.services.rollups import Rollups
from bot.services.runs import Runs
from bot.services.staging import Stages
from bot.services.targets import Targets
from bot.services.triage import Triage, load_card
from bot.services.work import Pace, Worker
from bot.slack.app import build_app, socket_open
from bot.slack.delivery import Delivery
from bot.slack.desk import Desk
from bot.slack.digest_charts import ChartShow
from bot.slack.gateway import Gateway, open_client
from bot.slack.identities import People
from bot.slack.manifest import build
from bot.slack.pictures import Pictures
from bot.slack.reception import Reception, receive_at
from bot.workspace.default_town import BOT_USER_ID
from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from bot.workspace.workspace_server import Workspace
from knowledge.embedding import Embedder
from tests.databases import with_tables
from tests.fakes import word_vectors
from tests.quick_throttle import QuickThrottle
from workflows.ports import Progress
from workflows.run import Answer, RunResult, RunStatus

DEV = Actor("U0DEV", "Dev")
H = TypeVar("H")


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
)


class Drawn:
    """Diagrams without a renderer: each is one pixel."""

    async def png(self, source: str) -> bytes:
        assert source.startswith("flowchart"), source
        return PIXEL


class DrawnCharts:
    """Charts without a child process: each is one pixel."""

    async def draw(self, chart: ChartData) -> bytes:
        return PIXEL


@dataclass
class Script:
    """How runs end. `steps` are shown on the way; with a gate, the run waits for it before it ends."""

    ending: Callable[[RunRow], RunResult] = lambda row: succeeded(answer())
    gate: asyncio.Event | None = None
    rows: list[RunRow] = field(default_factory=list)

    async def __call__(self, row: RunRow, held: Any, on_progress: Callable[[Any], None]) -> RunResult:
        self.rows.append(row)
        on_progress(Progress("find", "Reading the handbook", 1, 3))
        if self.gate is not None:
            on_progress(Progress("answer", "Writing the answer", 2, 3))
            await self.gate.wait()
        return self.ending(row)


def succeeded(found: Answer) -> RunResult:
    return RunResult(RunStatus.SUCCEEDED, found, ())


@dataclass
class Scene:
    """A workspace with the bot in it, and people to act."""

    workspace: Workspace
    store: Store
    desk: Desk
    reception: Reception
    script: Script
    worker: Worker
    courier: Courier
    billing: Billing
    evaluating: EvaluationWork
    holdings: Holdings
    digesting: DigestWork
    """Driven by a test that wants it."""
    changing: ChangeWork
    """Started by a test that wants it."""
    happened: list[Happening]
    """What observers were told."""

    def person(self, user_id: str) -> Person:
        return Person(self.workspace, user_id)

    async def quiet(self) -> None:
        """Wait until what was acknowledged is done."""
        await self.reception.settle()

    async def told(self, kind: type[H], count: int = 1) -> list[H]:
        """What observers were told of that kind, once it is as often as this."""
        async with asyncio.timeout(5):
            while len(found := [each for each in self.happened if isinstance(each, kind)]) < count:
                await asyncio.sleep(0.005)
        return found

    def app_messages(self, person: Person, channel: str, thread_ts: str = "") -> list[Message]:
        """What the bot said there, oldest first."""
        return [message for message in person.messages(channel, thread_ts) if message.bot_id]

    async def answered(
        self, person: Person, channel: str = "", thread_ts: str = "", count: int = 1
    ) -> Message:
        """The bot's newest finished answer in a channel, once there are `count` of them."""
        place = channel or person.dm

        def look() -> Message | None:
            done = [m for m in self.app_messages(person, place, thread_ts) if is_answer(m)]
            return done[-1] if len(done) >= count else None

        return await person.wait_for(look)


def is_answer(message: Message) -> bool:
    return any(block["type"] == "context_actions" for block in message.blocks)


def words(message: Message | Any) -> str:
    return shown(message.blocks)


async def open_scene(
    folder: Path,
    *,
    workflows: Sequence[str] = (ASK_POLICY, SUMMARISE, PLAN_TRIP),
    open_to_all: bool = True,
    tick_s: float = 0.02,
    insights: AskInsights = no_insights,
    admission: Admission = ANYTHING,
    concurrency: int = 8,
    database_url: str = "",
) -> tuple[Scene, Callable[[], Awaitable[None]]]:
    """Start everything; the second value ends it. Without a URL, on a new SQLite database."""
    store = Store(database_url or with_tables(folder / "spanwise.db"))
    clock = SystemClock()
    access = Access(store, clock, ["U0DEV"])
    if open_to_all:
        await access.grant(DEV, "everyone", Role.RUNNER)
    catalogue = Catalogue(store, access, clock, word_vectors)
    await catalogue.seed(
        [Content("workflow", re.search(r"name: (\S+)", text)[1], text) for text in workflows]
    )  # type: ignore[index]
    workspace = Workspace(build(await catalogue.released()))
    await workspace.start()
    happened: list[Happening] = []
    observers = Observers((happened.append,))
    gateway = Gateway(open_client("xoxb-test", workspace.api_url), clock, observers=observers)
    gateway._throttle = QuickThrottle(clock)
    people = People(gateway, clock, "T0SPAN", BOT_USER_ID)
    queue, outgoing = EmbeddedQueue(), WakeUp()
    runs = Runs(store, catalogue, access, clock, queue, outgoing, admission, observers)
    golden = GoldenCases(store, access, catalogue, clock, folder)
    holdings = Holdings(store, folder, clock, embedder=Embedder.load())
    targets = Targets(catalogue, access, holdings, clock)
    changes = Changes(store, targets, clock, outgoing, WakeUp(), Ways(POLICIES))
    stages = Stages(store, access, catalogue, clock, outgoing)
    cards = Cards(access, catalogue, stages, golden, clock)
    promotions = Promotions(store, access, catalogue, stages, cards, clock, outgoing)
    watch = PilotWatch(store, access, clock, outgoing)
    triage = Triage(store, catalogue, access, clock, outgoing, word_vectors)
    models = Models(read_profiles(SHIPPED.read_text(encoding="utf-8")), store, environ={}, clock=clock)
    billing = Billing(store, clock, BudgetNotices(access), outgoing, observers=observers)
    admin = Admin(
        store,
        clock,
        access,
        catalogue,
        outgoing,
        Previews(store, targets, changes, stages),
        Deeds(changes, stages, golden, catalogue),
        Answers(store, catalogue, changes),
        AdminWriter(store, catalogue, models, billing),
    )
    requests = EvaluationRequests(store, access, catalogue, clock, WakeUp(), outgoing)
    budgets = Budgets(store, access, catalogue, clock, billing.book, outgoing)
    pictures = Pictures(gateway)
    drafting = Drafting(store, access, catalogue, clock, changes)
    remedies = Remedies(store, triage, catalogue, access, outgoing, golden, changes)
    digests = Digests(store, access, catalogue, clock, WakeUp())
    digest_acts = DigestActs(store, access, clock, outgoing, triage, remedies, golden, drafting, changes)
    explaining = Explaining(store, catalogue, access, runs, clock, Drawn())  # type: ignore[arg-type]
    desk = Desk(
        runs=runs,
        catalogue=catalogue,
        feedback=Feedback(store, clock, Complaints(access), outgoing, watch.after_vote),
        access=access,
        preferences=Preferences(store, clock),
        admin=admin,
        budgets=budgets,
        changes=changes,
        digests=digests,
        digest_acts=digest_acts,
        drafting=drafting,
        triage=triage,
        escalating=Escalating(store, access, catalogue, clock, outgoing, changes),
        stages=stages,
        promotions=promotions,
        auditing=Auditing(store, access, clock, outgoing, AuditKey("k" * 32), "C0LEADS"),
        alerting=Alerting(store, access, clock, outgoing, Thresholds(runs=2, minutes=1440), "C0PEOPLE"),
        golden=golden,
        evaluation_requests=requests,
        replays=Replays(store, runs, catalogue, models, holdings, clock, billing, Decimal(1)),
        remedies=remedies,
        explaining=explaining,
        past_runs=PastRuns.of(store, access, catalogue, clock, explaining),
        pictures=pictures,
        home=HomePages(store, access, catalogue, changes, budgets, HealthChecks({}, frozenset()), clock),
        charts=ChartShow(DrawnCharts(), pictures),  # type: ignore[arg-type]
        gateway=gateway,
        people=people,
        clock=clock,
        workspace_url="https://larkfield.slack.com/",
    )
    reception = receive_at(desk, HandOvers(store, clock), observers)
    app = build_app(reception)
    stack = AsyncExitStack()
    await stack.enter_async_context(socket_open(app, "xapp-test"))
    script = Script()
    pace = Pace(concurrency, tick_s=tick_s, look_s=0.05, grace_s=0.2)
    worker = Worker(store, script, clock, queue, outgoing, pace, observers=observers)
    subjects = {"change": changes.load, "triage": load_card, "stage": promotions.load_card}
    subjects |= {"budget": budgets.load, SUBJECT: load_escalation}
    subjects |= {DIGEST: digest_acts.load_letter, FINDING: digest_acts.load_finding}
    subjects |= {"evaluation": requests.load, "conversation": admin.load, "alert": load_alert}
    delivery = Delivery(gateway, people, clock)
    rounds = Round(look_s=0.05, quiet_s=0.05)
    courier = Courier(store, delivery, clock, outgoing, rounds, subjects=subjects, observers=observers)
    evaluations = Evaluations(store, catalogue, models, holdings, clock, billing, golden, lambda *_: 0.0)
    evaluating = EvaluationWork(
        store, evaluations, clock, WakeUp(), outgoing, EvaluationPace(look_s=0.02, beat_s=0.02)
    )
    digesting = DigestWork(
        store,
        digests,
        DigestMaker(store, catalogue, clock, insights),
        clock,
        outgoing,
        Rollups(store, clock).refresh,
        DigestPace(look_s=0.02, questions_s=0),
    )
    changing = ChangeWork(store, changes, evaluations, clock, outgoing, WakeUp())
    stop = asyncio.Event()
    loops = [asyncio.create_task(worker.run_until(stop)), asyncio.create_task(courier.run_until(stop))]

    async def close() -> None:
        stop.set()
        await asyncio.gather(*loops, return_exceptions=True)
        await reception.settle()
        await stack.aclose()
        await workspace.stop()
        await holdings.close()
        store.close()

    return Scene(
        workspace,
        store,
        desk,
        reception,
        script,
        worker,
        courier,
        billing,
        evaluating,
        holdings,
        digesting,
        changing,
        happened,
    ), close
