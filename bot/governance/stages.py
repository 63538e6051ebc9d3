"""The way of a workflow to everybody: its stages as one table, and whom a pilot serves. Pure."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

SHARES = 10_000
"""A person's place in the draw is one of so many."""


class Stage(StrEnum):
    """Where a workflow stands."""

    DRAFT = "draft"
    """Made, and run by those who may change it."""
    PILOT = "pilot"
    """A candidate serves some people; the others keep what is in production, if anything is."""
    PRODUCTION = "production"
    RETIRED = "retired"
    """Nobody runs it. What it answered stays."""


_S = Stage

STAGE_TRANSITIONS: Mapping[Stage, frozenset[Stage]] = {
    _S.DRAFT: frozenset({_S.PILOT, _S.RETIRED}),
    _S.PILOT: frozenset({_S.DRAFT, _S.PRODUCTION, _S.RETIRED}),
    _S.PRODUCTION: frozenset({_S.PILOT, _S.RETIRED}),
    _S.RETIRED: frozenset({_S.DRAFT, _S.PRODUCTION}),
}
"""From each stage, where a workflow may go. docs/governance.md draws the same."""


class WrongStage(Exception):
    """The move does not begin at this stage; facts `workflow`, `stage` and `move`."""

    def __init__(self, workflow: str, stage: Stage, move: str) -> None:
        super().__init__(f"{workflow}: {move} from {stage}")
        self.facts = {"workflow": workflow, "stage": stage.value, "move": move}


def moved(workflow: str, stage: Stage, target: Stage) -> Stage:
    """The stage after a move. Raises WrongStage when the table has no such way."""
    if target not in STAGE_TRANSITIONS[stage]:
        raise WrongStage(workflow, stage, target.value)
    return target


def resting(has_production: bool) -> Stage:
    """Where a workflow is without a pilot: in production if anything of it is, else a draft."""
    return Stage.PRODUCTION if has_production else Stage.DRAFT


@dataclass(frozen=True, slots=True)
class Pilot:
    """Whom the candidate serves, since when, and whether it rests."""

    since: datetime
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Slack user groups: whoever is in them at the moment of asking."""
    share: int = 0
    """Percent of everybody else."""
    paused: str = ""
    """Why it rests; empty while it serves."""
    looks: Mapping[str, int] | None = None
    """How often the guard has looked at each measure."""

    @property
    def is_drawn(self) -> bool:
        """Whether chance alone chose the people, so that the two sides are alike but for the versions."""
        return not self.people and not self.groups

    def serves(self, workflow: str, person: str, groups: Collection[str]) -> bool:
        """Whether this person gets the candidate: the same answer every time they ask."""
        if self.paused:
            return False
        is_named = person in self.people or bool(set(self.groups) & set(groups))
        return is_named or place(workflow, person) < self.share * SHARES // 100


def place(workflow: str, person: str) -> int:
    """A person's place in the draw of a workflow, from 0: fixed, and not the same in two workflows."""
    digest = hashlib.sha256(f"{workflow}\n{person}".encode()).digest()
    return int.from_bytes(digest[:8]) % SHARES
