"""The composition root: the only place that constructs. Its parameters are what a test may swap."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from bot.adapters.audit_key import AuditKey
from bot.adapters.charts import Charts
from bot.adapters.diagrams import Diagrams
from bot.adapters.llm import Models
from bot.adapters.queue.wakeup import RunQueue, WakeUp
from bot.adapters.store.database import Store
from bot.adapters.system_clock import SystemClock
from bot.front import Front, open_front, shares_of
from bot.governance.changes import policies
from bot.groundwork import Base, lay
from bot.lookout import Watching, alerting
from bot.quality.likeness import similarity_by
from bot.services.access import Access
from bot.services.admin_answers import Answers
from bot.services.admin_deeds import Deeds
from bot.services.admin_previews import Previews
from bot.services.admin_writing import AdminWriter, WriterElsewhere
from bot.services.administering import Admin
from bot.services.alerting import ALERT, Alerting, load_alert
from bot.services.auditing import Auditing
from bot.services.billing import Billing
from bot.services.budgeting import Budgets
from bot.services.catalogue import Catalogue, Content
from bot.services.change_proposals import Ways
from bot.services.change_requests import Changes
from bot.services.change_work import ChangeWork
from bot.services.complaints import Complaints
from bot.services.digest_acting import FINDING, DigestActs
from bot.services.digesting import DIGEST, Digests
from bot.services.drafting import Drafting
from bot.services.elsewhere import ReplaysElsewhere
from bot.services.escalating import SUBJECT, Escalating, load_escalation
from bot.services.evaluating import Evaluations
from bot.services.evaluation_material import Limits
from bot.services.evaluation_requests import EvaluationRequests
from bot.services.evaluation_work import EvaluationWork
from bot.services.execution import Execution
from bot.services.explaining import Explaining
from bot.services.feedback import Feedback
from bot.services.fixing import Fixing
from bot.services.golden_cases import GoldenCases
from bot.services.handing_over import HandOvers
from bot.services.outbox import Courier
from bot.services.outbox_items import Sender
from bot.services.past_runs import PastRuns
from bot.services.pilot_watch import PilotWatch
from bot.services.preferences import Preferences
from bot.services.promotion import Directory, Promotions
from bot.services.readiness_cards import Cards
from bot.services.remedies import Remedies
from bot.services.replaying import Replays
from bot.services.rollups import Rollups
from bot.services.runs import Runs
from bot.services.seeding import Seeding
from bot.services.staging import Stages
from bot.services.targets import Targets
from bot.services.triage import Triage, load_card
from bot.services.undelivered import owners_told
from bot.services.work import Pace, Worker
from bot.settings import Settings
from workflows.ports import Clock

if TYPE_CHECKING:
    from bot.services.digest_work import DigestWork
    from bot.services.holdings import Holdings
    from knowledge.embedding import Embedder

LIBRARY = Path(__file__).parent.parent / "workflows" / "library"


@dataclass(frozen=True, slots=True)
class Product:
    """Everything a process may need, constructed but not started."""

    settings: Settings
    store: Store
    clock: Clock
    access: Access
    catalogue: Catalogue
    holdings: "Holdings"
    embedder: "Embedder"
    models: Models
    billing: Billing
    budgets: Budgets
    queue: RunQueue
    outgoing: WakeUp
    hand_overs: HandOvers
    runs: Runs
    feedback: Feedback
    preferences: Preferences
    admin: Admin
    golden: GoldenCases
    evaluations: Evaluations
    evaluation_requests: EvaluationRequests
    evaluation_bell: WakeUp
    replays: Replays
    past_runs: PastRuns
    changes: Changes
    change_bell: WakeUp
    digests: Digests
    digest_acts: DigestActs
    triage: Triage
    fixing: Fixing
    stages: Stages
    promotions: Promotions
    pilot_watch: PilotWatch
    auditing: Auditing
    alerting: Alerting
    charts: Charts
    rollups: Rollups
    watching: Watching

    @property
    def works(self) -> bool:
        """Whether it has models and knowledge; else it leaves to workers what needs them."""
        return self.embedder is not None

    def worker(self, on_text: Callable[[str, str], None] | None = None) -> Worker:
        """Executes queued runs; `on_text` hears run id and piece of answers being written."""
        execution = Execution(
            self.store,
            self.catalogue,
            self.models,
            self.holdings,
            self.clock,
            self.billing,
            self.access,
            on_text,
        )
        pace = Pace(concurrency=self.settings.concurrency, shares=shares_of(self.settings))
        told = self.watching.observers
        return Worker(self.store, execution, self.clock, self.queue, self.outgoing, pace, told)

    def courier(self, sender: Sender) -> Courier:
        """Brings the outbox to Slack through `sender`."""
        return Courier(
            self.store,
            sender,
            self.clock,
            self.outgoing,
            subjects={
                "change": self.changes.load,
                "conversation": self.admin.load,
                "triage": load_card,
                SUBJECT: load_escalation,
                "stage": self.promotions.load_card,
                "budget": self.budgets.load,
                "evaluation": self.evaluation_requests.load,
                ALERT: load_alert,
                DIGEST: self.digest_acts.load_letter,
                FINDING: self.digest_acts.load_finding,
            },
            observers=self.watching.observers,
            shares=shares_of(self.settings),
            tell_owners=owners_told(self.access),
        )

    def change_work(self, directory: Directory | None = None) -> ChangeWork:
        """Tests, applies and expires change requests; `directory` knows the members of user groups."""
        return ChangeWork(
            self.store,
            self.changes,
            self.evaluations,
            self.clock,
            self.outgoing,
            self.change_bell,
            listeners=(self.fixing.after_applied, self.escalating.after_applied),
            directory=directory,
        )

    def evaluation_work(self) -> EvaluationWork:
        """Carries out evaluations asked for in chat."""
        return EvaluationWork(self.store, self.evaluations, self.clock, self.evaluation_bell, self.outgoing)

    def digest_work(self) -> "DigestWork":
        """Makes the weekly digests that the clock put down."""
        from bot.services.digest_making import DigestMaker
        from bot.services.digest_work import DigestWork
        from bot.services.insights import Insights

        maker = DigestMaker(
            self.store, self.catalogue, self.clock, Insights(self.store, self.catalogue, self.clock).for_week
        )
        return DigestWork(self.store, self.digests, maker, self.clock, self.outgoing, self.rollups.refresh)

    @property
    def drafting(self) -> Drafting:
        """Keeps texts while their authors work on them."""
        return self.digest_acts.drafting

    @property
    def remedies(self) -> Remedies:
        """Makes cases, prompts and documents of bad answers."""
        return self.digest_acts.remedies

    @property
    def escalating(self) -> Escalating:
        """Hands what nothing answers to a person."""
        return Escalating(self.store, self.access, self.catalogue, self.clock, self.outgoing, self.changes)

    @property
    def explaining(self) -> Explaining:
        """Says how workflows work and answers came about."""
        return self.past_runs.history.explaining

    def seeding(self) -> Seeding:
        """Makes up a history."""
        return Seeding(self.store, self.catalogue, self.rollups, self.clock)

    async def close(self) -> None:
        """Let go of the index and the database."""
        await self.watching.close()
        await self.charts.close()
        await self.holdings.close()
        self.store.close()


def build(
    settings: Settings,
    *,
    clock: Clock | None = None,
    embedder: "Embedder | None" = None,
) -> Product:
    """Construct everything and bring the database up to date. Raises InvalidProfiles and database errors."""
    if embedder is None:
        from knowledge.embedding import Embedder

        embedder = Embedder()
    return build_on(open_front(settings, clock or SystemClock(), embedder.encode), embedder)


def build_on(front: Front, embedder: "Embedder | None" = None) -> Product:
    """Construct the rest; without an embedder a worker does what needs models. Raises InvalidProfiles."""
    base, settings, works = lay(front, embedder), front.settings, embedder is not None
    store, access, catalogue, clock = base.store, base.access, base.catalogue, base.clock
    outgoing, change_bell, evaluation_bell = base.outgoing, WakeUp(), WakeUp()
    targets, changes = _changes(base, change_bell, settings)
    triage = Triage(store, catalogue, access, clock, outgoing, base.encode)
    fixing = Fixing(store, front.runs, catalogue, clock, outgoing)
    golden, stages, promotions, pilot_watch = _staging(base, fixing)
    acts = DigestActs.of(store, access, catalogue, clock, outgoing, triage, golden, changes)
    return Product(
        settings=settings,
        store=store,
        clock=clock,
        access=access,
        catalogue=catalogue,
        holdings=base.holdings,
        embedder=base.embedder,
        models=base.models,
        billing=base.billing,
        budgets=Budgets(store, access, catalogue, clock, base.billing.book, outgoing, settings.teams),
        queue=front.queue,
        outgoing=outgoing,
        hand_overs=front.hand_overs,
        runs=front.runs,
        feedback=Feedback(store, clock, Complaints(access), outgoing, pilot_watch.after_vote),
        preferences=front.preferences,
        admin=_admin(base, targets, changes, stages, golden, works=works),
        golden=golden,
        evaluations=_evaluations(base, golden, settings),
        evaluation_requests=EvaluationRequests(store, access, catalogue, clock, evaluation_bell, outgoing),
        evaluation_bell=evaluation_bell,
        replays=_replays(base, front.runs, settings) if works else cast(Replays, ReplaysElsewhere()),
        past_runs=_past_runs(base, front.runs, settings),
        changes=changes,
        change_bell=change_bell,
        digests=Digests(store, access, catalogue, clock, WakeUp()),
        digest_acts=acts,
        triage=triage,
        fixing=fixing,
        stages=stages,
        promotions=promotions,
        pilot_watch=pilot_watch,
        auditing=Auditing(store, access, clock, outgoing, audit_key(settings), settings.admin_channel),
        charts=Charts(settings.charts_dir),
        rollups=Rollups(store, clock),
        alerting=alerting(store, access, clock, outgoing, settings),
        watching=front.watching,
    )


def _changes(base: Base, bell: WakeUp, settings: Settings) -> tuple[Targets, Changes]:
    targets = Targets(base.catalogue, base.access, base.holdings, base.clock)
    return targets, Changes(base.store, targets, base.clock, base.outgoing, bell, ways(settings))


def _staging(base: Base, fixing: Fixing) -> tuple[GoldenCases, Stages, Promotions, PilotWatch]:
    store, access, catalogue, clock = base.store, base.access, base.catalogue, base.clock
    golden = GoldenCases(store, access, catalogue, clock, LIBRARY)
    stages = Stages(store, access, catalogue, clock, base.outgoing)
    cards = Cards(access, catalogue, stages, golden, clock)
    promotions = Promotions(store, access, catalogue, stages, cards, clock, base.outgoing, fixing.note)
    return golden, stages, promotions, PilotWatch(store, access, clock, base.outgoing)


def _admin(
    base: Base, targets: Targets, changes: Changes, stages: Stages, golden: GoldenCases, *, works: bool
) -> Admin:
    writer = AdminWriter if works else WriterElsewhere
    return Admin(
        base.store,
        base.clock,
        base.access,
        base.catalogue,
        base.outgoing,
        Previews(base.store, targets, changes, stages),
        Deeds(changes, stages, golden, base.catalogue),
        Answers(base.store, base.catalogue, changes),
        writer(base.store, base.catalogue, base.models, base.billing),
    )


def _past_runs(base: Base, runs: Runs, settings: Settings) -> PastRuns:
    diagrams = Diagrams(settings.diagrams_dir)
    explaining = Explaining(base.store, base.catalogue, base.access, runs, base.clock, diagrams)
    return PastRuns.of(
        base.store, base.access, base.catalogue, base.clock, explaining, settings.retention_days
    )


def _evaluations(base: Base, golden: GoldenCases, settings: Settings) -> Evaluations:
    return Evaluations(
        base.store,
        base.catalogue,
        base.models,
        base.holdings,
        base.clock,
        base.billing,
        golden,
        similarity_by(base.encode),
        evaluation_limits(settings),
    )


def _replays(base: Base, runs: Runs, settings: Settings) -> Replays:
    return Replays(
        base.store,
        runs,
        base.catalogue,
        base.models,
        base.holdings,
        base.clock,
        base.billing,
        settings.evaluation_dollars,
    )


def audit_key(settings: Settings) -> AuditKey | None:
    """What checkpoints are signed with. Raises AuditKeyTooShort."""
    secret = settings.audit_key.get_secret_value()
    return AuditKey(secret) if secret else None


def ways(settings: Settings) -> Ways:
    """How change requests are handled here."""
    return Ways(policies(settings.approvals), settings.change_days, settings.review_channel)


def evaluation_limits(settings: Settings) -> Limits:
    """How much an evaluation may do."""
    return Limits(
        concurrency=settings.evaluation_concurrency,
        local_concurrency=os.cpu_count() or 1,
        cap_usd=settings.evaluation_dollars,
        voted_down=settings.evaluation_votes,
    )


def library(folder: Path = LIBRARY) -> list[Content]:
    """Workflows of a folder and the prompts beside them, as contents to release."""
    found = [
        Content("prompt", path.stem, path.read_text(encoding="utf-8"))
        for path in sorted((folder / "prompts").glob("*.md"))
    ]
    found += [
        Content("workflow", path.stem, path.read_text(encoding="utf-8"))
        for path in sorted(folder.glob("*.yaml"))
        if not path.name.endswith(".cases.yaml")
    ]
    return found
