"""The report of an evaluation: every case on both sides, what it cost, and what follows from it. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from math import ceil
from typing import Any, Literal

from pydantic import TypeAdapter

from bot.quality.significance import cases_sentence, mean_change, mean_sentence

Source = Literal["file", "chat", "thumbs-down", "cited"]
"""Where a case comes from: beside the workflow, added in chat, an answer that was voted down, or one that
cited the document in question."""

ANSWER = "answer"
"""Name of the score that says whether the new side answers otherwise than the old; 1 when it does."""

Versions = Mapping[str, Mapping[str, int]]
"""Kind to name to number, as a run is pinned; 0 for what is only proposed."""


class Standing(StrEnum):
    """How a case came out on one side."""

    PASSED = "passed"
    FAILED = "failed"
    UNJUDGED = "not judged"
    """It ran, and nothing here can say whether the answer is right."""
    SKIPPED = "skipped"
    """It needs a model that writes, and only the built-in one is connected."""
    NOT_RUN = "not run"
    """The spending cap was reached, or the evaluation was stopped."""


GOLDEN = ("file", "chat")
"""Sources of cases that a person approved."""


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One evaluator's judgement of one answer."""

    name: str
    """The expectation it judges, e.g. `must_cite`."""
    passed: bool | None
    """None when it could not be judged, or says something of the answer without deciding."""
    value: float | None
    """From 0 to 1; None when it could not be judged."""
    reason: str
    """A plain sentence, always."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One case on one side."""

    standing: Standing
    scores: tuple[CaseScore, ...] = ()
    cost_usd: Decimal = Decimal(0)
    """Of the answer; what judging it cost is with the report."""
    is_priced: bool = True
    """False when nobody knows the price of a model that was called."""
    seconds: float = 0.0
    answer: str = ""
    """Empty as well when the answer draws on what not everyone may read."""
    outcome: str = ""
    model: str = ""
    note: str = ""
    """Why it was skipped, not run or failed to answer: a plain sentence."""
    failure: str = ""
    """Name of the error class when it failed to answer."""
    failed_at: Mapping[str, str] = field(default_factory=dict)
    """What failed then by its name: the model's alias, the step, the workflow; nothing that was asked."""

    @property
    def was_run(self) -> bool:
        """Whether there was an attempt at an answer."""
        return self.standing not in (Standing.SKIPPED, Standing.NOT_RUN)


@dataclass(frozen=True, slots=True)
class ReportRow:
    """One case with both sides; `old` is None when only one side was evaluated."""

    id: str
    source: Source
    new: Trial
    old: Trial | None = None
    run_id: str = ""
    """The run that was voted down, or that the case was made from."""

    @property
    def is_golden(self) -> bool:
        """Whether a person approved what is expected; what was merely voted down decides nothing."""
        return self.source in GOLDEN

    @property
    def is_answered_otherwise(self) -> bool:
        """Whether the new side gives another answer, where that was looked at."""
        return any(score.name == ANSWER and score.value == 1 for score in self.new.scores)

    @property
    def is_lost(self) -> bool:
        """Whether a question asked before has an answer on the old side and none on the new."""
        return self.old is not None and _answers(self.old) and self.new.was_run and not _answers(self.new)

    @property
    def is_newly_failing(self) -> bool:
        """It passed on the old side and fails on the new."""
        return _moved(self, Standing.PASSED, Standing.FAILED)

    @property
    def is_newly_passing(self) -> bool:
        """It failed on the old side and passes on the new."""
        return _moved(self, Standing.FAILED, Standing.PASSED)


def _answers(trial: Trial) -> bool:
    return any(score.name == "abstains" and score.value == 0 for score in trial.scores)


def _moved(row: ReportRow, before: Standing, after: Standing) -> bool:
    return row.old is not None and row.old.standing is before and row.new.standing is after


@dataclass(frozen=True)
class EvaluationReport:
    """What an evaluation found. Plain values: stored as JSON and rendered anywhere."""

    id: str
    workflow: str
    subject: str
    """What it was made for: `change:<id>`, `command`, `terminal`."""
    asked_by: str
    created_at: datetime
    finished_at: datetime
    new_versions: Versions
    rows: tuple[ReportRow, ...]
    old_versions: Versions | None = None
    """None when only one side was evaluated."""
    judge_cost_usd: Decimal = Decimal(0)
    cap_usd: Decimal = Decimal(0)
    """What the whole evaluation was allowed to spend."""
    notes: tuple[str, ...] = ()
    """Limits of this evaluation as plain sentences, e.g. that calls had no known price."""

    @property
    def has_two_sides(self) -> bool:
        """Whether something was compared, or one side only looked at."""
        return self.old_versions is not None

    @cached_property
    def golden(self) -> tuple[ReportRow, ...]:
        """Rows of golden cases."""
        return tuple(row for row in self.rows if row.is_golden)

    @cached_property
    def thumbs_down(self) -> tuple[ReportRow, ...]:
        """Rows of answers that were voted down."""
        return tuple(row for row in self.rows if row.source == "thumbs-down")

    @cached_property
    def cited(self) -> tuple[ReportRow, ...]:
        """Rows of recent questions whose answers cited the document in question."""
        return tuple(row for row in self.rows if row.source == "cited" and row.new.was_run)

    def count(self, standing: Standing, side: Literal["old", "new"] = "new") -> int:
        """Golden cases that came out so on that side."""
        trials = (row.new if side == "new" else row.old for row in self.golden)
        return sum(trial is not None and trial.standing is standing for trial in trials)

    @property
    def passed(self) -> int:
        """Golden cases that pass on the new side."""
        return self.count(Standing.PASSED)

    @property
    def passed_old(self) -> int:
        """Golden cases that pass on the old side."""
        return self.count(Standing.PASSED, "old")

    @property
    def judged(self) -> int:
        """Golden cases that pass or fail on the new side."""
        return self.passed + self.count(Standing.FAILED)

    @cached_property
    def failing(self) -> tuple[ReportRow, ...]:
        """Golden cases that fail on the new side, whatever the old one did."""
        return tuple(row for row in self.golden if row.new.standing is Standing.FAILED)

    @cached_property
    def newly_failing(self) -> tuple[ReportRow, ...]:
        """Golden cases that passed and now fail."""
        return tuple(row for row in self.golden if row.is_newly_failing)

    @cached_property
    def newly_passing(self) -> tuple[ReportRow, ...]:
        """Golden cases that failed and now pass."""
        return tuple(row for row in self.golden if row.is_newly_passing)

    @property
    def is_failing(self) -> bool:
        """Whether a golden case that passed before fails now; one that failed before may go on failing."""
        return bool(self.newly_failing)

    @property
    def is_complete(self) -> bool:
        """Whether every golden case was run that could be: False when the cap or a stop cut it short."""
        return not self.count(Standing.NOT_RUN)

    @property
    def cost_old(self) -> Decimal:
        """Dollars of the old side's answers."""
        return _cost(row.old for row in self.rows)

    @property
    def cost_new(self) -> Decimal:
        """Dollars of the new side's answers."""
        return _cost(row.new for row in self.rows)

    @property
    def cost_usd(self) -> Decimal:
        """Dollars of everything, judging included."""
        return self.cost_old + self.cost_new + self.judge_cost_usd

    @property
    def p95_old(self) -> float | None:
        """Seconds within which 95 of 100 answers of the old side came; None without one."""
        return p95(row.old for row in self.rows)

    @property
    def p95_new(self) -> float | None:
        """Seconds within which 95 of 100 answers of the new side came; None without one."""
        return p95(row.new for row in self.rows)

    @cached_property
    def statement(self) -> str:
        """Whether "worse" is more than noise, in plain sentences; what passed, when there is one side."""
        if not self.golden:
            return "There are no golden cases yet."
        if not self.has_two_sides:
            return f"{self.passed} of {self.judged} cases pass."
        pairs = [row for row in self.golden if _is_decided(row.old) and _is_decided(row.new)]
        worse, better = len(self.newly_failing), len(self.newly_passing)
        said = [cases_sentence(worse, better, len(pairs))]
        old, new = _graded(self.golden)
        if old:
            said.append(mean_sentence(mean_change(old, new)))
        return " ".join(said)

    def as_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` gives the same report back."""
        dumped: dict[str, Any] = _REPORT.dump_python(self, mode="json")
        return dumped

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "EvaluationReport":
        """Inverse of `as_json`. Raises ValidationError for what is no report."""
        return _REPORT.validate_python(data)


_REPORT: TypeAdapter[EvaluationReport] = TypeAdapter(EvaluationReport)


def p95(trials: Iterable[Trial | None]) -> float | None:
    """Nearest rank over the trials that were run; None without one."""
    seconds = sorted(trial.seconds for trial in trials if trial is not None and trial.was_run)
    return seconds[ceil(0.95 * len(seconds)) - 1] if seconds else None


def _cost(trials: Iterable[Trial | None]) -> Decimal:
    return sum((trial.cost_usd for trial in trials if trial is not None), Decimal(0))


def _is_decided(trial: Trial | None) -> bool:
    return trial is not None and trial.standing in (Standing.PASSED, Standing.FAILED)


def _graded(rows: Iterable[ReportRow]) -> tuple[list[float], list[float]]:
    """Values of scores that are more than yes or no, where both sides have them."""
    old: list[float] = []
    new: list[float] = []
    for row in rows:
        before = {score.name: score.value for score in row.old.scores} if row.old else {}
        for score in row.new.scores:
            earlier = before.get(score.name)
            if score.name in GRADED and score.value is not None and earlier is not None:
                old.append(earlier)
                new.append(score.value)
    return old, new


GRADED = frozenset({"similar_to", "rubric"})
"""Evaluators whose value says how good, not only whether."""
