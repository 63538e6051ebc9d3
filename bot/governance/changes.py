"""Change requests: their states as one table, and who may decide about one. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal


class ChangeStatus(StrEnum):
    """Where a change request stands."""

    OPEN = "open"
    """Proposed; waits to be tested."""
    TESTING = "testing"
    """Its cases run on what is live and on what is proposed."""
    IN_REVIEW = "in_review"
    """Tested; waits for those who may approve."""
    REVISING = "revising"
    """A reviewer asked for changes; waits for its author."""
    APPROVED = "approved"
    """Enough approvals; about to be applied."""
    APPLIED = "applied"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    STALE = "stale"
    """What it is based on has moved; its author may propose it again on today's version."""
    EXPIRED = "expired"
    UNDONE = "undone"


_S = ChangeStatus

CHANGE_TRANSITIONS: Mapping[ChangeStatus, frozenset[ChangeStatus]] = {
    _S.OPEN: frozenset({_S.TESTING, _S.WITHDRAWN, _S.STALE, _S.EXPIRED}),
    _S.TESTING: frozenset({_S.OPEN, _S.IN_REVIEW, _S.WITHDRAWN, _S.STALE, _S.EXPIRED}),
    _S.IN_REVIEW: frozenset(
        {_S.OPEN, _S.REVISING, _S.APPROVED, _S.REJECTED, _S.WITHDRAWN, _S.STALE, _S.EXPIRED}
    ),
    _S.REVISING: frozenset({_S.OPEN, _S.WITHDRAWN, _S.STALE, _S.EXPIRED}),
    _S.APPROVED: frozenset({_S.APPLIED, _S.STALE}),
    _S.APPLIED: frozenset({_S.UNDONE}),
    _S.STALE: frozenset({_S.OPEN, _S.WITHDRAWN, _S.EXPIRED}),
    _S.REJECTED: frozenset(),
    _S.WITHDRAWN: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.UNDONE: frozenset(),
}
"""From each state, where a change request may go. docs/governance.md draws the same."""

FIRST = frozenset({_S.OPEN, _S.APPROVED})
"""Where a change request begins: to be tested, or at once approved where nothing needs to be."""

UNDECIDED = frozenset({_S.OPEN, _S.TESTING, _S.IN_REVIEW, _S.REVISING, _S.STALE})
"""States in which somebody may still act on the proposal, and in which it expires."""


def sources_of(target: ChangeStatus) -> frozenset[ChangeStatus]:
    """The states from which a change request may move to `target`."""
    return frozenset(status for status, targets in CHANGE_TRANSITIONS.items() if target in targets)


TargetKind = Literal["workflow", "prompt", "parameters", "rules", "models", "document", "grant"]


@dataclass(frozen=True, slots=True)
class Target:
    """What a change is about: a kind and a name.

    Names: workflow and parameters `ask-policy`; prompt `ask-policy.answer`; rules `ask-policy/route`
    (workflow/step); models `models`; document `people/travel.md` (collection/path);
    grant `U0ANA:editor:workflow:ask-policy` (grantee:role:scope).
    """

    kind: TargetKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def workflow(self) -> str:
        """The workflow it belongs to by its name; empty for models, documents and grants."""
        if self.kind in ("models", "document", "grant"):
            return ""
        return self.name.partition("/")[0].partition(".")[0]

    @property
    def scope(self) -> str:
        """What a role must be held over to touch it."""
        if self.kind == "document":
            return f"collection:{self.name.partition('/')[0]}"
        if self.kind == "grant":
            return self.name.split(":", 2)[2]
        return f"workflow:{self.workflow}" if self.workflow else "*"


@dataclass(frozen=True, slots=True)
class Policy:
    """How a kind of change is approved."""

    approvals: int
    """Different people, none of them the author. 0: applied as soon as somebody with the right confirms."""


POLICIES: Mapping[TargetKind, Policy] = {
    "workflow": Policy(1),
    "prompt": Policy(1),
    "parameters": Policy(1),
    "rules": Policy(1),
    "models": Policy(1),
    "document": Policy(1),
    "grant": Policy(0),
}
"""In force unless the settings say otherwise."""

MOST_APPROVALS = 9

Verdict = Literal["approve", "request_changes", "reject"]


@dataclass(frozen=True, slots=True)
class Review:
    """What one person said of one round of a change request; the last word of a person counts."""

    person: str
    verdict: Verdict
    reason: str = ""
    is_override: bool = False
    """Approved although a case newly fails; the reason is then required."""


def approvals(
    reviews: Iterable[Review], *, authors: Collection[str], may_approve: Collection[str]
) -> tuple[Review, ...]:
    """The approvals that count: one a person, of those who may and did not write it."""
    last = {review.person: review for review in reviews}
    return tuple(
        review
        for review in last.values()
        if review.verdict == "approve" and review.person not in authors and review.person in may_approve
    )


class InvalidPolicy(Exception):
    """A setting of approvals that names no kind of change or no number; fact `value` is what it says."""

    def __init__(self, value: str) -> None:
        super().__init__(value)
        self.facts = {"value": value, "known": ", ".join(POLICIES)}


def policies(overrides: str = "") -> Mapping[TargetKind, Policy]:
    """The policies with what the settings say, `prompt=2,grant=1`, in their place. Raises InvalidPolicy."""
    found = dict(POLICIES)
    for part in filter(None, (each.strip() for each in overrides.split(","))):
        kind, _, number = part.partition("=")
        known = next((each for each in POLICIES if each == kind.strip()), None)
        if known is None or not number.strip().isdecimal() or int(number) > MOST_APPROVALS:
            raise InvalidPolicy(part)
        found[known] = Policy(int(number))
    return found
