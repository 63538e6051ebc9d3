"""What people find wrong with an answer, and when two texts say the same. Pure."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """What is wrong with an answer, as its reader puts it. The order is kept: scores name its place."""

    WRONG = "wrong"
    INCOMPLETE = "incomplete"
    OUT_OF_DATE = "out_of_date"
    WRONG_SOURCE = "wrong_source"
    SHOULD_ABSTAIN = "should_abstain"
    """It answered where it should have said that it does not know."""
    SHOULD_KNOW = "should_know"
    """It said that it does not know what it should have known."""
    TONE = "tone"
    OTHER = "other"


REASONS = tuple(Reason)


class TriageState(StrEnum):
    """Where a bad answer stands with the owners of its workflow."""

    WAITING = "waiting"
    CASE = "case"
    """A golden case was made of it."""
    PROMPT = "prompt"
    """Somebody took on to change the prompt."""
    KNOWLEDGE = "knowledge"
    """A document was proposed."""
    DISMISSED = "dismissed"
    """Not a problem; not shown again until somebody says something new."""
    WITHDRAWN = "withdrawn"
    """Nobody's vote stands against it any more."""


DECISIONS = frozenset({TriageState.CASE, TriageState.PROMPT, TriageState.KNOWLEDGE, TriageState.DISMISSED})
"""States that an owner chooses."""

ALIKE = 0.8
"""Cosine from which two questions ask the same: one decision then counts for both, so it is set where pairs
that differ in one word of substance (London, Paris) fall short, at the price of some that ask the same."""

_MARKS = re.compile(r"\[\d{1,3}\]|[*_`#>]+")


def reasons_for(*, abstained: bool) -> tuple[Reason, ...]:
    """What may be wrong with such an answer: who said they do not know cannot have said too much."""
    impossible = Reason.SHOULD_ABSTAIN if abstained else Reason.SHOULD_KNOW
    return tuple(reason for reason in REASONS if reason is not impossible)


def plain_words(text: str) -> str:
    """The text without its marks, citation numbers, line breaks and capitals."""
    return " ".join(_MARKS.sub("", text).casefold().split()).strip(" .?!")


def says_the_same(one: str, other: str) -> bool:
    """Whether a reader would take two answers for one."""
    return plain_words(one) == plain_words(other)


def fingerprint(workflow: str, inputs: Mapping[str, Any], answer: str) -> str:
    """The same for the same answer to the same question, however they are typed."""
    asked = sorted((name, plain_words(str(value))) for name, value in inputs.items())
    return hashlib.sha256(repr((workflow, asked, plain_words(answer))).encode()).hexdigest()


def alike(similarities: Sequence[Sequence[float]]) -> tuple[tuple[int, ...], ...]:
    """Groups of texts by their cosines, the first of each group its leader.

    Earlier ones lead: each joins the nearest leader that is close enough, or leads itself.
    """
    members: dict[int, list[int]] = {}
    for index, row in enumerate(similarities):
        near = max(members, key=lambda leader: row[leader], default=None)
        if near is not None and row[near] >= ALIKE:
            members[near].append(index)
        else:
            members[index] = [index]
    return tuple(map(tuple, members.values()))
