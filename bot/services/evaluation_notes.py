"""What a report must say of its own limits, as plain sentences."""

from collections.abc import Callable, Iterable, Sequence

from bot.quality.evaluation import ReportRow, Standing, Trial
from bot.services.spending import Purse


def notes_of(rows: Sequence[ReportRow], *, cap: Purse, is_stopped: bool) -> tuple[str, ...]:
    """Everything that keeps the figures from being the whole truth."""
    skipped = _count(rows, lambda trial: trial.standing is Standing.SKIPPED)
    left = _count(rows, lambda trial: trial.standing is Standing.NOT_RUN)
    unjudged = _count(rows, _lacks_a_judge)
    said = (
        (skipped, f"{_cases(skipped)} skipped: only a model that writes can be held to that."),
        (unjudged, f"{_cases(unjudged)} not judged by a rubric: that needs a model that writes."),
        (
            left and cap.is_closed,
            f"The spending cap of {cap.cap_usd:f} dollars was reached: {_cases(left)} not run.",
        ),
        (left and is_stopped, f"It was stopped before its end: {_cases(left)} not run."),
        (
            not all(trial.is_priced for row in rows for trial in _trials(row)),
            "The price of a model is not known, so its calls count as free.",
        ),
    )
    return tuple(sentence for is_so, sentence in said if is_so)


def _lacks_a_judge(trial: Trial) -> bool:
    return any(score.name == "rubric" and score.passed is None for score in trial.scores)


def _trials(row: ReportRow) -> Iterable[Trial]:
    return (row.new,) if row.old is None else (row.old, row.new)


def _count(rows: Sequence[ReportRow], has: Callable[[Trial], bool]) -> int:
    return sum(any(map(has, _trials(row))) for row in rows)


def _cases(count: int) -> str:
    return f"{count} case was" if count == 1 else f"{count} cases were"
