"""A change request as people are shown it, put together from its row, its reviews and who may approve now."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store.changes_log import ChangeRow, find_change, read_reviews
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import ChangeStatus, Review, Target, approvals
from bot.governance.differences import differences
from bot.governance.roles import EVERYONE, Permission, permits, who_may
from bot.quality.evaluation import EvaluationReport, Standing
from bot.services.actors import Actor, Origin
from bot.services.effects import readable
from bot.services.targets import Targets, UnknownTarget
from workflows.versions import Piece
from workflows.workflow import Workflow


class UnknownChange(Exception):
    """No change request has that id."""

    def __init__(self, change_id: str) -> None:
        super().__init__(change_id)
        self.facts = {"change": change_id}


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do, before anybody proposes it."""

    target: Target
    title: str
    """Of the workflow it belongs to, or of the document's collection; empty for the rest."""
    base_number: int
    old: str
    """As people read it."""
    new: str
    pieces: tuple[Piece, ...]
    effect: str
    problems: tuple[str, ...]
    """What is wrong with the content; empty when it can be proposed."""
    affected: tuple[str, ...]
    """Workflows whose answers it may change."""


@dataclass(frozen=True, slots=True)
class Tested:
    """What the cases of one workflow said of a change, in short."""

    workflow: str
    evaluation_id: str
    judged: int
    passed_old: int
    passed_new: int
    newly_failing: tuple[str, ...]
    """Ids of cases."""
    newly_passing: tuple[str, ...]
    left_out: int
    """Cases that were not run or not judged."""
    cost_old: Decimal
    cost_new: Decimal
    p95_old: float | None
    p95_new: float | None
    statement: str
    changed: tuple[str, ...] = ()
    """Ids of cases whose answers would be others, where knowledge changes."""
    cited: int = 0
    """Recent questions tried again because their answers cited the document."""
    cited_changed: tuple[str, ...] = ()
    """Ids of their runs that would be answered otherwise."""
    cited_lost: int = 0
    """How many of those would have no answer any more."""

    @classmethod
    def of(cls, report: EvaluationReport) -> "Tested":
        """The summary of a report."""
        return cls(
            workflow=report.workflow,
            evaluation_id=report.id,
            judged=report.judged,
            passed_old=report.passed_old,
            passed_new=report.passed,
            newly_failing=tuple(row.id for row in report.newly_failing),
            newly_passing=tuple(row.id for row in report.newly_passing),
            left_out=sum(report.count(each) for each in _LEFT_OUT),
            cost_old=report.cost_old,
            cost_new=report.cost_new,
            p95_old=report.p95_old,
            p95_new=report.p95_new,
            statement=report.statement,
            changed=tuple(row.id for row in report.golden if row.is_answered_otherwise),
            cited=len(report.cited),
            cited_changed=tuple(row.id for row in report.cited if row.is_answered_otherwise),
            cited_lost=sum(row.is_lost for row in report.cited),
        )

    def as_json(self) -> dict[str, Any]:
        """Plain JSON for the row of the change."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in _LISTS},
            "cited": self.cited,
            "cited_lost": self.cited_lost,
            "cost_old": str(self.cost_old),
            "cost_new": str(self.cost_new),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Tested":
        """Inverse of `as_json`."""
        return cls(
            **{name: data[name] for name in _PLAIN},
            newly_failing=tuple(data["newly_failing"]),
            newly_passing=tuple(data["newly_passing"]),
            changed=tuple(data.get("changed", ())),
            cited_changed=tuple(data.get("cited_changed", ())),
            cited=data.get("cited", 0),
            cited_lost=data.get("cited_lost", 0),
            cost_old=Decimal(data["cost_old"]),
            cost_new=Decimal(data["cost_new"]),
        )


_LEFT_OUT = (Standing.SKIPPED, Standing.NOT_RUN, Standing.UNJUDGED)
_LISTS = ("newly_failing", "newly_passing", "changed", "cited_changed")
_PLAIN = (
    "workflow", "evaluation_id", "judged", "passed_old", "passed_new", "left_out", "p95_old", "p95_new",
    "statement",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReviewView:
    """What one person said of this round."""

    person: str
    verdict: str
    reason: str
    is_override: bool
    at: datetime
    counts: bool
    """Whether it is an approval of somebody who may still give one."""


@dataclass(frozen=True)
class ChangeView:
    """Everything about a change request that a message, a list or a decision shows."""

    id: str
    target: Target
    title: str
    label: str
    status: ChangeStatus
    round: int
    author: str
    """Who wrote this round."""
    authors: tuple[str, ...]
    """All who wrote a round: none of them approves."""
    reason: str
    effect: str
    origin: Origin
    content: str
    """As proposed."""
    old: str
    """What it was made from, as people read it."""
    new: str
    base_number: int
    affected: tuple[str, ...]
    reviews: tuple[ReviewView, ...]
    approvals_needed: int
    may_approve: tuple[str, ...]
    """People, groups or `everyone` who hold the right; an author among them does not count."""
    tests: tuple[Tested, ...]
    untested: tuple[str, ...]
    """Affected workflows that have no case to run."""
    token: str
    """Incident token when its cases could not be run."""
    why: Mapping[str, str]
    """What moved, who asked to stop, and such: facts, with their kind under `reason`."""
    previous_number: int | None
    applied_number: int | None
    is_rollback: bool
    created_at: datetime
    updated_at: datetime
    expires_at: datetime

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """What it changes, word by word."""
        return differences(self.old, self.new)

    @property
    def is_failing(self) -> bool:
        """Whether a case that passes today fails with it, or its cases could not be run at all."""
        return bool(self.token) or any(each.newly_failing for each in self.tests)

    @property
    def approvals_given(self) -> int:
        """Approvals that count now."""
        return sum(each.counts for each in self.reviews)

    @property
    def groups(self) -> tuple[str, ...]:
        """User groups that it names."""
        grantee = self.target.name.partition(":")[0]
        return (grantee,) if self.target.kind == "grant" and grantee.startswith("S") else ()

    @property
    def subject(self) -> str:
        """What its messages are about."""
        return subject_of(self.id)


def subject_of(change_id: str) -> str:
    """The subject of every message of a change request."""
    return f"change:{change_id}"


def target_of(row: ChangeRow) -> Target:
    """What a stored change is about."""
    return Target(row.kind, row.name)


def authors_of(row: ChangeRow) -> frozenset[str]:
    """All who wrote a round of it."""
    return frozenset({row.author_id, *row.authors})


def is_failing(row: ChangeRow) -> bool:
    """Whether a case that passes today fails with a stored change, or its cases could not be run at all."""
    return bool(row.tests.get("token")) or any(each["newly_failing"] for each in row.tests.get("reports", ()))


def view_change(connection: Connection, targets: Targets, change_id: str) -> ChangeView:
    """One change request as it stands. Raises UnknownChange."""
    row = find_change(connection, change_id)
    if row is None:
        raise UnknownChange(change_id)
    return view_rows(connection, targets, [row])[0]


def view_rows(connection: Connection, targets: Targets, rows: Sequence[ChangeRow]) -> tuple[ChangeView, ...]:
    """Change requests as they stand, in the order of the rows."""
    reviews = read_reviews(connection, [row.id for row in rows]) if rows else ()
    return tuple(
        _view(
            connection,
            targets,
            row,
            [each for each in reviews if (each.change_id, each.round) == (row.id, row.round)],
        )
        for row in rows
    )


def _view(connection: Connection, targets: Targets, row: ChangeRow, reviews: Sequence[Any]) -> ChangeView:
    target = target_of(row)
    workflow = workflow_of_target(connection, targets, target)
    counting = {each.person for each in counted(connection, targets, row, reviews)}
    return ChangeView(
        id=row.id,
        target=target,
        title=workflow.title if workflow else "",
        label=row.label,
        status=ChangeStatus(row.status),
        round=row.round,
        author=row.author_id,
        authors=tuple(sorted(authors_of(row))),
        reason=row.reason,
        effect=row.effect,
        origin=Origin.from_json(row.origin),
        content=row.content,
        old=readable(target, row.base_content, workflow),
        new=readable(target, row.content, workflow),
        base_number=row.base_number,
        affected=tuple(row.affected),
        reviews=tuple(
            ReviewView(
                each.person,
                each.verdict,
                each.reason,
                each.is_override,
                each.reviewed_at,
                each.person in counting,
            )
            for each in reviews
        ),
        approvals_needed=row.approvals,
        may_approve=approvers(connection, targets, target),
        tests=tuple(Tested.from_json(each) for each in row.tests.get("reports", ())),
        untested=tuple(row.tests.get("untested", ())),
        token=str(row.tests.get("token", "")),
        why=row.why,
        previous_number=row.previous_number,
        applied_number=row.applied_number,
        is_rollback=bool(row.tests.get("is_rollback")),
        created_at=row.created_at,
        updated_at=row.updated_at,
        expires_at=row.expires_at,
    )


def counted(
    connection: Connection,
    targets: Targets,
    row: ChangeRow,
    reviews: Iterable[Any],
    present: Mapping[str, Actor] | None = None,
) -> tuple[Review, ...]:
    """Approvals of this round by people who may give one now; `present` are those just looked up."""
    said, able = [], set()
    scope = target_of(row).scope
    for each in reviews:
        actor = (present or {}).get(each.person) or Actor.from_json(each.reviewer)
        said.append(Review(each.person, each.verdict, each.reason, each.is_override))
        if targets.access.may(connection, actor, Permission.APPROVE, scope):
            able.add(each.person)
    return approvals(said, authors=authors_of(row), may_approve=able)


def approvers(connection: Connection, targets: Targets, target: Target) -> tuple[str, ...]:
    """People, groups, and `everyone` last, who may approve a change of the target."""
    grants = targets.access.grants(connection)
    named = who_may(grants, permission=Permission.APPROVE, scope=target.scope)
    anyone = permits(grants, actor_id="", groups=(), permission=Permission.APPROVE, scope=target.scope)
    return (*named, EVERYONE) if anyone else named


def workflow_of_target(
    connection: Connection, targets: Targets, target: Target, label: str = PRODUCTION
) -> Workflow | None:
    """The workflow whose words explain the target; None when it has none."""
    if not target.workflow:
        return None
    try:
        return targets.workflow(connection, target, label)
    except UnknownTarget:
        return None
