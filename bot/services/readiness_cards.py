"""The readiness card of a workflow: all its evidence, read in one transaction."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from bot.adapters.store.budgets_log import read_budgets
from bot.adapters.store.evaluations_log import latest_evaluation
from bot.adapters.store.grants import holders_of
from bot.adapters.store.knowledge_facts import knowledge_evidence
from bot.adapters.store.pilot_runs import costs_of, sides
from bot.adapters.store.stages_log import Standing
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.governance.budget import WORKSPACE, Scope, ScopeKind
from bot.governance.roles import Permission, Role
from bot.quality import evaluation
from bot.quality.evaluation import EvaluationReport, ReportRow
from bot.quality.pilots import Comparison, compare
from bot.quality.readiness import (
    Approval,
    BudgetEvidence,
    CasesEvidence,
    CostEvidence,
    Evidence,
    Holder,
    KnowledgeEvidence,
    Readiness,
    assess,
    cost_of,
)
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.candidates import Difference, differences, fingerprint
from bot.services.catalogue import Catalogue, UnknownWorkflow
from bot.services.contents import PINNED_KINDS
from bot.services.pinning import Pinned
from bot.services.staging import Stages
from workflows.cases import Case, InvalidCases
from workflows.ports import Clock

LOOK_BACK = timedelta(days=30)
"""Runs of what is in production that its cost is taken from."""
SEERS = (Permission.PROMOTE, Permission.APPROVE, Permission.PROPOSE, Permission.SEE_RUNS)
"""Any of these shows a person the card."""


class Cases(Protocol):
    """Golden cases of a workflow."""

    def of_in(self, connection: Connection, workflow: str) -> tuple[Case, ...]:
        """Every case in force."""
        ...


@dataclass(frozen=True, slots=True)
class Card:
    """Everything the readiness card shows."""

    standing: Standing
    differences: tuple[Difference, ...]
    readiness: Readiness
    comparison: Comparison | None = None
    """Of the pilot so far; None when there is none."""

    @property
    def fingerprint(self) -> str:
        """Of the candidate that it shows."""
        return fingerprint(self.differences)

    @property
    def groups(self) -> tuple[str, ...]:
        """User groups that it names."""
        return self.standing.pilot.groups if self.standing.pilot else ()


@dataclass(frozen=True, slots=True)
class Cards:
    """Puts cards together. Everything happens within the caller's transaction."""

    access: Access
    catalogue: Catalogue
    stages: Stages
    cases: Cases
    clock: Clock

    def authorise(self, connection: Connection, actor: Actor, workflow: str) -> None:
        """Raise Outsider, NotAuthorized or UnknownWorkflow unless the actor may see the card."""
        scope = f"workflow:{workflow}"
        if not any(self.access.may(connection, actor, permission, scope) for permission in SEERS):
            self.access.authorise(connection, actor, Permission.PROMOTE, scope)
        self.catalogue.find_in(connection, workflow)

    def card_in(self, connection: Connection, workflow: str, *, but: str = "") -> Card:
        """The card; approvals of `but` are left out. Raises UnknownWorkflow, InvalidCases."""
        standing = self.stages.standing_in(connection, workflow)
        found = differences(connection, self.catalogue, workflow)
        label = CANDIDATE if found else PRODUCTION
        pinned = self.catalogue.resolve(connection, workflow, label=label)
        report = _latest(connection, workflow, label)
        evidence = Evidence(
            workflow=workflow,
            title=pinned.root.title,
            purpose=pinned.root.purpose,
            holders=self._holders(connection, standing),
            cases=_cases_evidence(self.cases.of_in(connection, workflow), report, pinned),
            cost=self._cost(connection, standing, label, report),
            knowledge=_knowledge(connection, pinned),
            budgets=tuple(_budgets(connection, workflow)),
            approvals=tuple(self._valid(connection, standing, found, but)),
        )
        return Card(standing, found, assess(evidence), _comparison(connection, standing))

    def load_card(self, connection: Connection, workflow: str) -> Card | None:
        """As `card_in`, for a message that is drawn again; None when it cannot be put together any more."""
        try:
            return self.card_in(connection, workflow)
        except (UnknownWorkflow, InvalidCases):
            return None

    def owners(self, connection: Connection, workflow: str) -> tuple[str, ...]:
        """Who holds the owner's role over it: people and groups, the nearest and oldest grant first."""
        return holders_of(connection, Role.OWNER, f"workflow:{workflow}")

    def _holders(self, connection: Connection, standing: Standing) -> tuple[Holder, ...]:
        """Those who were members when Slack was last asked and hold the role still."""
        owners = self.owners(connection, standing.workflow)
        return tuple(
            holder for holder in standing.holders if holder.person in owners or holder.group in owners
        )

    def _valid(
        self, connection: Connection, standing: Standing, found: Collection[Difference], but: str
    ) -> Iterable[Approval]:
        """Approvals of exactly this candidate by people who still may give them."""
        wanted, authors = fingerprint(found), {each.author for each in found}
        for approval in standing.approvals:
            person = Actor(approval.person, groups=frozenset(approval.groups))
            may = self.access.may(connection, person, Permission.APPROVE, f"workflow:{standing.workflow}")
            is_of_this = approval.fingerprint == wanted or not found
            if may and is_of_this and approval.person not in {but, *authors}:
                yield approval

    def _cost(
        self, connection: Connection, standing: Standing, label: str, report: EvaluationReport | None
    ) -> CostEvidence:
        since = standing.pilot.since if standing.pilot else self.clock.now() - LOOK_BACK
        dollars = costs_of(connection, standing.workflow, since, [label])
        if dollars or report is None:
            return cost_of(dollars, standing.monthly_runs)
        tried = [row.new.cost_usd for row in report.rows if row.new.was_run]
        return cost_of(tried, standing.monthly_runs, source="cases")


def _latest(connection: Connection, workflow: str, label: str) -> EvaluationReport | None:
    row = latest_evaluation(connection, workflow, label=label)
    return EvaluationReport.from_json(row.report) if row is not None else None


def _cases_evidence(
    cases: Collection[Case], report: EvaluationReport | None, pinned: Pinned
) -> CasesEvidence:
    outside = {case.id for case in cases if case.expect.must_abstain}
    if report is None:
        return CasesEvidence(len(cases), len(outside))
    beyond = [row for row in report.golden if row.id in outside and _passes(row) is not None]
    return CasesEvidence(
        total=len(cases),
        outside=len(outside),
        judged=report.judged,
        passed=report.passed,
        outside_judged=len(beyond),
        outside_passed=sum(bool(_passes(row)) for row in beyond),
        ran_at=report.finished_at,
        is_current=_is_of(report, pinned) and {case.id for case in cases} <= {row.id for row in report.rows},
        is_complete=report.is_complete,
        failing=tuple(row.id for row in report.failing),
    )


def _passes(row: ReportRow) -> bool | None:
    """None for what was not judged."""
    standings = {evaluation.Standing.PASSED: True, evaluation.Standing.FAILED: False}
    return standings.get(row.new.standing)


def _is_of(report: EvaluationReport, pinned: Pinned) -> bool:
    """Whether the cases ran on exactly these versions."""
    return all(
        dict(report.new_versions.get(kind, {})) == dict(pinned.pins.get(kind, {})) for kind in PINNED_KINDS
    )


def _knowledge(connection: Connection, pinned: Pinned) -> tuple[KnowledgeEvidence, ...]:
    return tuple(knowledge_evidence(connection, name) for name in sorted(pinned.collections()))


def _budgets(connection: Connection, workflow: str) -> Iterable[BudgetEvidence]:
    """Of the workflow, then of the whole workspace."""
    for scope in (Scope(ScopeKind.WORKFLOW, workflow), WORKSPACE):
        for budget in read_budgets(connection):
            if budget.scope == scope:
                yield BudgetEvidence(budget.limit_usd, budget.period.value, scope != WORKSPACE)


def _comparison(connection: Connection, standing: Standing) -> Comparison | None:
    if standing.pilot is None:
        return None
    found = sides(connection, standing.workflow, standing.pilot.since)
    return compare(found[PRODUCTION], found[CANDIDATE])
