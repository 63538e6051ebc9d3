"""What happened: runs, their steps, what they used and what they answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TypeAlias

from knowledge.document import Citation

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


class RunStatus(StrEnum):
    """Where a run is in its life."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    """For a person or a time; holds no worker."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


RUN_TRANSITIONS: Mapping[RunStatus, frozenset[RunStatus]] = {
    RunStatus.QUEUED: frozenset({RunStatus.RUNNING, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.RUNNING: frozenset(
        {RunStatus.QUEUED, RunStatus.WAITING, RunStatus.SUCCEEDED, RunStatus.FAILED, RunStatus.CANCELLED}
    ),
    RunStatus.WAITING: frozenset({RunStatus.QUEUED, RunStatus.CANCELLED, RunStatus.FAILED}),
    RunStatus.SUCCEEDED: frozenset(),
    RunStatus.FAILED: frozenset(),
    RunStatus.CANCELLED: frozenset(),
}


class StepStatus(StrEnum):
    """How a step ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Usage:
    """What calls to models consumed."""

    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: Decimal = Decimal(0)

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost_usd + other.cost_usd,
        )


AGAIN = "again_s"
"""The fact of a failure that says in how many seconds the same may succeed."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step or a run did not succeed: facts, no sentence."""

    kind: str
    """Name of the error class, e.g. `ModelUnavailable`."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """What the sentence for a person needs: alias, collection, step ..."""
    token: str = ""
    """Incident token, shown to the person and written to the log."""


@dataclass(frozen=True, slots=True)
class StepRun:
    """One finished step, as journaled. `output` is plain JSON and is all that later steps see."""

    step_id: str
    kind: str
    status: StepStatus
    output: Mapping[str, Json]
    started_at: datetime
    finished_at: datetime
    attempts: int = 1
    usage: Usage = field(default_factory=Usage)
    model: str = ""
    """The model that served it, when one did."""
    failure: Failure | None = None
    because: str = ""
    """In words: the rule that fired, why it was skipped."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the person gets."""

    text: str
    """Markdown with [1] style citation marks."""
    outcome: str
    """Which entry of the workflow's `answer` was taken, e.g. `covered`."""
    citations: tuple[Citation, ...] = ()
    rule: str = ""
    """The `because` of the decision that led here."""
    model: str = ""
    support: float | None = None
    notes: tuple[str, ...] = ()
    """Said beside the answer, e.g. which setting connects a writing model."""
    abstained: bool = False
    searched: tuple[str, ...] = ()
    """The collections that were searched for it."""


class Ending(StrEnum):
    """What a finished run was for the person who asked; a cancelled one is none of these but itself."""

    ANSWERED = "answered"
    ABSTAINED = "abstained"
    """It said that it does not know."""
    ESCALATED = "escalated"
    """It was handed to a person."""
    FAILED = "failed"
    CANCELLED = "cancelled"


def ending_of(status: RunStatus, answer: Answer | None) -> Ending | None:
    """How a run ended; None while it has not."""
    if status is RunStatus.SUCCEEDED:
        return Ending.ABSTAINED if answer is not None and answer.abstained else Ending.ANSWERED
    return {RunStatus.FAILED: Ending.FAILED, RunStatus.CANCELLED: Ending.CANCELLED}.get(status)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How an execution ended."""

    status: RunStatus
    answer: Answer | None
    steps: tuple[StepRun, ...]
    failure: Failure | None = None
    error: Exception | None = field(default=None, compare=False, repr=False)
    """The exception behind the failure, for the log."""

    @property
    def usage(self) -> Usage:
        """Sum over the steps."""
        return sum((step.usage for step in self.steps), Usage())
