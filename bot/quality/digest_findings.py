"""What a digest points out, and what is remembered of it from week to week. Pure."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.quality.digest_slots import IsoWeek

WORSE = 1.5
"""What was set aside comes back when it is at least so many times as bad."""
SHOWN = 8
"""Findings in one digest."""
OF_A_KIND = 2
MOST_FURTHER = 12
"""Findings of less weight that are told when somebody asks."""
COLLECTION = "collection:"
"""Before the name of a collection, where a finding is about its documents and not about one workflow."""


class FindingKind(StrEnum):
    """What a finding is about; in the order in which they matter where nothing else tells."""

    FAILURES = "failures"
    """Runs that ended in the same error; the subject is the class of the error."""
    WORST = "worst"
    """An answer that votes stand against; the subject is its run."""
    GAP = "gap"
    """Questions the knowledge does not cover; the subject is their topic."""
    ANOMALY = "anomaly"
    """A measure far from usual; the subject is the measure and its direction."""
    FORECAST = "forecast"
    """A budget that will not last the month; the subject is the month."""
    STALE = "stale"
    """An old document that answers stand on; the subject is its id."""


class FindingStatus(StrEnum):
    """What became of a finding."""

    OPEN = "open"
    ACTED = "acted"
    ASSIGNED = "assigned"
    DISMISSED = "dismissed"


class Act(StrEnum):
    """What somebody did about a finding."""

    FIX = "fix"
    CASE = "case"
    KNOWLEDGE = "knowledge"
    ASSIGN = "assign"
    DISMISS = "dismiss"


STATUS_AFTER: Mapping[Act, FindingStatus] = {
    Act.FIX: FindingStatus.ACTED,
    Act.CASE: FindingStatus.ACTED,
    Act.KNOWLEDGE: FindingStatus.ACTED,
    Act.ASSIGN: FindingStatus.ASSIGNED,
    Act.DISMISS: FindingStatus.DISMISSED,
}

ACTS: Mapping[FindingKind, tuple[Act, ...]] = {
    FindingKind.FAILURES: (Act.FIX, Act.CASE, Act.DISMISS, Act.ASSIGN),
    FindingKind.WORST: (Act.FIX, Act.CASE, Act.KNOWLEDGE, Act.DISMISS, Act.ASSIGN),
    FindingKind.GAP: (Act.KNOWLEDGE, Act.CASE, Act.FIX, Act.DISMISS, Act.ASSIGN),
    FindingKind.ANOMALY: (Act.FIX, Act.CASE, Act.KNOWLEDGE, Act.DISMISS, Act.ASSIGN),
    FindingKind.FORECAST: (Act.FIX, Act.DISMISS, Act.ASSIGN),
    FindingKind.STALE: (Act.FIX, Act.KNOWLEDGE, Act.DISMISS, Act.ASSIGN),
}
"""What can be done about each kind, the likeliest first."""
VOTES = "votes:"
"""How the subject of a finding about votes begins: the one measure that more knowledge can mend."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Who did what about a finding, and how bad it was then."""

    act: Act
    by: str
    at: datetime
    result: str = ""
    """The key of a case, the id of a change, the person it was given to."""
    severity: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Plain JSON of what has no column of its own."""
        return {"act": self.act.value, "result": self.result, "severity": self.severity}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], by: str, at: datetime) -> "Decision":
        """Inverse of `as_json`."""
        return cls(Act(data["act"]), by, at, str(data.get("result", "")), float(data.get("severity", 0.0)))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something an owner may want to do something about."""

    id: str
    workflow: str
    """Empty for all of them together; `collection:people` for what is about documents."""
    kind: FindingKind
    subject: str
    """The same week after week for the same thing."""
    facts: Mapping[str, Any]
    """What is said of it, as plain JSON; `severity` is how bad it is, compared only with itself."""
    week: IsoWeek
    """When it was last found."""
    status: FindingStatus = FindingStatus.OPEN
    decision: Decision | None = None
    """The last one, also of a finding that came back."""

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from others."""
        return (self.workflow, self.kind, self.subject)

    @property
    def scope(self) -> str:
        """What a role must be held over to decide about it."""
        if self.workflow.startswith(COLLECTION):
            return self.workflow
        return f"workflow:{self.workflow}" if self.workflow else "*"

    @property
    def severity(self) -> float:
        """How bad it is."""
        return float(self.facts.get("severity", 0.0))

    def decided(self, decision: Decision) -> "Finding":
        """After somebody did something about it."""
        kept = replace(decision, severity=self.severity)
        return replace(self, status=STATUS_AFTER[decision.act], decision=kept)

    def reopened(self) -> "Finding":
        """After a decision was taken back."""
        return replace(self, status=FindingStatus.OPEN, decision=None)


def doable(finding: Finding) -> tuple[Act, ...]:
    """What can be done about it: without a workflow nothing is edited, without a run no case is kept."""
    without = set()
    if not finding.workflow:
        without.add(Act.FIX)
    if not finding.facts.get("run"):
        without.add(Act.CASE)
    if finding.kind is FindingKind.ANOMALY and not finding.subject.startswith(VOTES):
        without.add(Act.KNOWLEDGE)
    return tuple(each for each in ACTS[finding.kind] if each not in without)


def finding_id(workflow: str, kind: str, subject: str) -> str:
    """The same for the same thing, whoever finds it and whenever."""
    digest = hashlib.sha256("\0".join((workflow, kind, subject)).encode()).digest()
    return "f_" + base64.b32encode(digest[:10]).decode().lower()


def remembered(found: Sequence[Finding], known: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of `found` to show, with the ids of what is known; what people decided keeps the others away.

    What was dismissed comes back only when it is worse. What somebody acted on or was given comes back when
    it is found in a week that began after.
    """
    before = {each.key: each for each in known}
    shown = []
    for each in found:
        old = before.get(each.key)
        if old is None:
            shown.append(each)
        elif comes_back(old, each):
            # one made for a channel has no words: those of the same week are not lost over it
            kept = old.facts if old.week == each.week else {}
            facts = {**kept, **each.facts}
            shown.append(replace(each, id=old.id, decision=old.decision, facts=facts))
    return tuple(shown)


def comes_back(old: Finding, new: Finding) -> bool:
    """Whether something that was found before is shown when it is found again."""
    decision = old.decision
    if old.status is FindingStatus.OPEN or decision is None:
        return True
    if decision.severity > 0 and new.severity >= decision.severity * WORSE:
        return True
    if old.status is FindingStatus.DISMISSED:
        return False
    return new.week.monday > decision.at.date()


def chosen(findings: Sequence[Finding]) -> tuple[tuple[Finding, ...], tuple[Finding, ...]]:
    """Those to show, a few of each kind and the kinds in turn, and those left, the kinds together."""
    by_kind = {kind: [each for each in findings if each.kind is kind][:OF_A_KIND] for kind in FindingKind}
    turns = [kept[turn] for turn in range(OF_A_KIND) for kept in by_kind.values() if turn < len(kept)]
    picked = turns[:SHOWN]
    left = [each for each in findings if each not in picked]
    order = list(FindingKind)
    shown, others = (sorted(some, key=lambda each: order.index(each.kind)) for some in (picked, left))
    return tuple(shown), tuple(others)
