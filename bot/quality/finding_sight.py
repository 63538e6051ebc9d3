"""What a reader may see of a finding: its numbers always, words of people and documents by right. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bot.quality.digest_findings import Finding, FindingKind
from bot.quality.week_insights import CauseKind

Facts = Mapping[str, Any]

WORDS: Mapping[FindingKind, tuple[str, ...]] = {
    FindingKind.FAILURES: ("error", "facts"),
    FindingKind.WORST: ("question", "answer", "words"),
    FindingKind.GAP: ("label", "examples"),
}
"""Facts that hold what people asked and were answered."""
QUOTED = ("answer", "words")
"""Facts that repeat what documents say."""
WITHHELD = "withheld"
"""Fact that says that something was left out because of documents."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What the readers of a finding may see."""

    asked: bool = False
    """What people asked and were answered."""
    open: frozenset[str] = frozenset()
    """The collections that all of them may read."""

    def reads(self, collections: Iterable[str]) -> bool:
        """Whether they may read all of these."""
        return self.open.issuperset(collections)


def seen(finding: Finding, sight: Sight) -> Finding:
    """The finding without what those readers may not see."""
    facts = dict(finding.facts)
    if not sight.asked:
        facts = {name: value for name, value in facts.items() if name not in WORDS.get(finding.kind, ())}
    if not sight.reads(facts.get("drawn", ())):
        facts = {name: value for name, value in facts.items() if name not in QUOTED} | {WITHHELD: True}
    if "causes" in facts:
        facts["causes"] = [_cause(each, sight) for each in facts["causes"]]
    if finding.kind is FindingKind.STALE and not sight.reads([str(facts.get("collection", ""))]):
        facts = {name: value for name, value in facts.items() if name not in ("title", "path", "owner")}
    return replace(finding, facts=facts)


def _cause(cause: Facts, sight: Sight) -> Facts:
    """That a document was changed, without which and by whom."""
    if cause.get("kind") != CauseKind.DOCUMENT or sight.reads([collection_of(cause)]):
        return cause
    return {**cause, "what": "", "by": "", "change": ""}


def collection_of(cause: Facts) -> str:
    """Of a change of a document, the collection that it is in."""
    return str(cause.get("what", "")).partition("/")[0]
