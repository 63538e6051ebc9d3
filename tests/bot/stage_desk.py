"""A desk at which tests of pilots, promotions and audit meet."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.queue.wakeup import EmbeddedQueue, WakeUp
from bot.adapters.store import evaluations_log
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.ledger import insert_call
from bot.adapters.store.run_log import NewRun, insert_run, runs
from bot.adapters.store.scores import Score, write_score
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.governance.roles import Role
from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.quality.readiness import Holder
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue, Content
from bot.services.contents import PINNED_KINDS
from bot.services.improvements import Improvement
from bot.services.pilot_watch import PilotWatch
from bot.services.promotion import Promotions
from bot.services.readiness_cards import Cards
from bot.services.runs import Runs
from bot.services.staging import Stages
from tests.fakes import FakeClock
from workflows.cases import Case, Expectation

ANA, BEN, CHLOE = Actor("U0ANA", "Ana"), Actor("U0BEN", "Ben"), Actor("U0CHLOE", "Chloe")
DEV, EVA = Actor("U0DEV", "Dev"), Actor("U0EVA", "Eva")
GUEST = Actor("U0GUEST", is_outsider=True)
WORKFLOW = "ask-policy"
SCOPE = "workflow:ask-policy"
TEXT = """
name: ask-policy
title: Ask the people handbook
purpose: Answers from the handbook.
inputs:
  question: {kind: text, label: Your question}
steps:
  - {id: answer, kind: template, text: "{{ inputs.question }}"}
answer: "SAID: {{ answer.text }}"
"""
NEW_TEXT = TEXT.replace("SAID", "SAID KINDLY")
DRAFT = TEXT.replace("ask-policy", "new-thing")


@dataclass
class FakeDirectory:
    """Members by person, and people by group."""

    gone: frozenset[str] = frozenset()
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)

    async def holders(self, grantees: Iterable[str]) -> tuple[Holder, ...]:
        found = []
        for grantee in grantees:
            members = self.groups.get(grantee)
            if members is None:
                found.append(Holder(grantee, grantee not in self.gone))
            else:
                found += [Holder(person, person not in self.gone, grantee) for person in members]
        return tuple(found)


@dataclass
class FakeCases:
    """Golden cases from memory."""

    cases: tuple[Case, ...] = (Case("one", {"question": "one"}, Expectation(must_contain=["one"])),)

    def of_in(self, connection: Connection, workflow: str) -> tuple[Case, ...]:
        return self.cases


@dataclass
class StageDesk:
    """Everything, put together."""

    store: Store
    clock: FakeClock = field(default_factory=FakeClock)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    cases: FakeCases = field(default_factory=FakeCases)
    improved: list[Improvement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.access = Access(self.store, self.clock, ["U0DEV"])
        self.catalogue = Catalogue(self.store, self.access, self.clock)
        outgoing = WakeUp()
        self.stages = Stages(self.store, self.access, self.catalogue, self.clock, outgoing)
        self.cards = Cards(self.access, self.catalogue, self.stages, self.cases, self.clock)
        self.promotions = Promotions(
            self.store,
            self.access,
            self.catalogue,
            self.stages,
            self.cards,
            self.clock,
            outgoing,
            lambda _, improvement: self.improved.append(improvement),
        )
        self.watch = PilotWatch(self.store, self.access, self.clock, outgoing)
        self.runs = Runs(self.store, self.catalogue, self.access, self.clock, EmbeddedQueue(), outgoing)

    async def open(self) -> "StageDesk":
        """In production, everybody a runner, Chloe its owner, Eva her deputy, Ben an approver."""
        await self.catalogue.seed([Content("workflow", WORKFLOW, TEXT)])
        for grantee, role in (
            ("everyone", Role.RUNNER),
            ("U0CHLOE", Role.OWNER),
            ("U0EVA", Role.OWNER),
            ("U0BEN", Role.APPROVER),
        ):
            await self.access.grant(DEV, grantee, role, "*" if role is Role.RUNNER else SCOPE)
        return self

    async def with_candidate(self, text: str = NEW_TEXT) -> "StageDesk":
        """With something to try out, written by Eva."""
        await self.stages.draft(EVA, [Content("workflow", WORKFLOW, text)])
        return self

    def label(self, actor: Actor, workflow: str = WORKFLOW) -> str:
        return self.store.write_now(lambda c: self.stages.label_for(c, workflow, actor))

    def evaluated(self, *, failing: int = 0, label: str = CANDIDATE, stale: bool = False) -> None:
        """As if the cases had been run on what the label says now."""
        self.clock.at += timedelta(seconds=1)

        def act(connection: Connection) -> None:
            pinned = self.catalogue.resolve(connection, WORKFLOW, label=label)
            versions = {kind: dict(pinned.pins.get(kind, {})) for kind in PINNED_KINDS}
            if stale:
                versions["workflow"] = {WORKFLOW: 99}
            now = self.clock.now()
            rows = tuple(
                ReportRow(
                    case.id,
                    "file",
                    Trial(Standing.FAILED if n < failing else Standing.PASSED, cost_usd=Decimal("0.02")),
                )
                for n, case in enumerate(self.cases.of_in(connection, WORKFLOW))
            )
            identity = opaque_ids.evaluation_id()
            report = EvaluationReport(identity, WORKFLOW, "command", "U0EVA", now, now, versions, rows)
            new = evaluations_log.NewEvaluation(
                identity, WORKFLOW, "command", label, "U0EVA", evaluations_log.RUNNING, {}, versions
            )
            evaluations_log.insert_evaluation(connection, new, now)
            assert evaluations_log.finish_evaluation(
                connection,
                identity,
                fence=0,
                status=evaluations_log.DONE,
                report=report.as_json(),
                cost_usd=Decimal(0),
                at=now,
            )

        self.store.write_now(act)

    def ran(
        self,
        label: str = PRODUCTION,
        *,
        count: int = 1,
        vote: float = 0,
        status: str = "succeeded",
        cost: str = "0.01",
        seconds: float = 2.0,
        score: float | None = None,
    ) -> list[str]:
        """Runs that have ended, with what was said of them."""
        made = []

        def act(connection: Connection) -> None:
            now = self.clock.now()
            for _ in range(count):
                run_id = opaque_ids.run_id()
                made.append(run_id)
                new = NewRun(run_id, WORKFLOW, 1, "t", {}, "U0ANA", {}, {"surface": "command"}, label=label)
                insert_run(connection, new, run_id, now)
                end = now + timedelta(seconds=seconds)
                values: dict[str, Any] = {"status": status, "finished_at": end}
                connection.execute(runs.update().where(runs.c.id == run_id).values(**values))
                entry = LedgerEntry(
                    run_id, "s", "answer", "default", "m", 1, 1, Decimal(cost), now, 0.1, "ok"
                )
                insert_call(connection, entry)
                if vote:
                    write_score(connection, Score(run_id, "vote", "person:U0ANA", vote), now)
                if score is not None:
                    write_score(connection, Score(run_id, "grounded", "check:grounded", score), now)

        self.store.write_now(act)
        return made
