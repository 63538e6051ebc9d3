"""What a report says of its rows, and that it survives being stored."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.quality.evaluation import CaseScore, EvaluationReport, ReportRow, Standing, Trial

AT = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


def trial(standing: str = "passed", **rest: Any) -> Trial:
    return Trial(Standing(standing), **rest)


def report(*rows: ReportRow, two_sides: bool = True, **rest: Any) -> EvaluationReport:
    old = {"prompt": {"ask-policy.answer": 3}} if two_sides else None
    new = {"prompt": {"ask-policy.answer": 0}}
    return EvaluationReport(
        "e_1", "ask-policy", "change:c_1", "U0DEV", AT, AT, new, rows, old_versions=old, **rest
    )


def row(name: str, old: str | None, new: str, source: Any = "file") -> ReportRow:
    return ReportRow(name, source, trial(new), trial(old) if old else None)


def test_what_moved() -> None:
    found = report(
        row("a", "passed", "failed"),
        row("b", "failed", "passed"),
        row("c", "failed", "failed"),
        row("d", "passed", "passed"),
        row("e", "skipped", "skipped"),
        row("f", "not judged", "not judged"),
    )
    assert [each.id for each in found.newly_failing] == ["a"]
    assert [each.id for each in found.newly_passing] == ["b"]
    assert [each.id for each in found.failing] == ["a", "c"]
    assert found.is_failing and found.is_complete
    assert (found.passed, found.passed_old, found.judged) == (2, 2, 4)
    assert found.statement.startswith("1 of 4 cases got worse and 1 better; that can well be chance")


def test_a_case_that_fails_on_both_sides_holds_nothing_up() -> None:
    assert not report(row("new-correction", "failed", "failed", "chat")).is_failing


def test_an_answer_voted_down_decides_nothing() -> None:
    found = report(row("r_1", "passed", "failed", "thumbs-down"))
    assert not found.is_failing and found.judged == 0 and len(found.thumbs_down) == 1


def test_cut_short_is_not_complete() -> None:
    assert not report(row("a", "passed", "passed"), row("b", "not run", "not run")).is_complete


def test_cost_and_latency_are_of_each_side() -> None:
    rows = [
        ReportRow(
            f"c{n}",
            "file",
            trial(cost_usd=Decimal("0.002"), seconds=float(n)),
            trial(cost_usd=Decimal("0.001"), seconds=float(n) / 2),
        )
        for n in range(1, 101)
    ]
    found = report(*rows, row("s", "skipped", "skipped"), judge_cost_usd=Decimal("0.05"))
    assert (found.cost_old, found.cost_new, found.cost_usd) == (
        Decimal("0.100"),
        Decimal("0.200"),
        Decimal("0.350"),
    )
    assert (found.p95_old, found.p95_new) == (47.5, 95.0)


def test_one_side() -> None:
    found = report(row("a", None, "passed"), row("b", None, "failed"), two_sides=False)
    assert found.statement == "1 of 2 cases pass." and not found.is_failing and found.p95_old is None


def test_graded_scores_are_compared_as_means() -> None:
    def graded(value: float) -> Trial:
        return trial(scores=(CaseScore("similar_to", True, value, "It is close."),))

    rows = [ReportRow(f"c{n}", "file", graded(0.9), graded(0.6 + n / 50)) for n in range(10)]
    assert "The mean score rose: 0.69 before, 0.90 now" in report(*rows).statement


scores = st.builds(
    CaseScore,
    name=st.text(max_size=20),
    passed=st.none() | st.booleans(),
    value=st.none() | st.floats(0, 1),
    reason=st.text(max_size=50),
)
trials = st.builds(
    Trial,
    standing=st.sampled_from(Standing),
    scores=st.lists(scores, max_size=3).map(tuple),
    cost_usd=st.decimals(0, 10, places=10),
    seconds=st.floats(0, 1e4),
    answer=st.text(max_size=50),
    note=st.text(max_size=50),
)
rows = st.builds(
    ReportRow,
    id=st.text(min_size=1, max_size=20),
    source=st.sampled_from(["file", "chat", "thumbs-down"]),
    new=trials,
    old=st.none() | trials,
    run_id=st.text(max_size=12),
)


@given(
    st.lists(rows, max_size=4).map(tuple),
    st.none() | st.just({"workflow": {"ask-policy": 1}}),
    st.decimals(0, 10, places=10),
)
def test_a_report_survives_being_stored(
    found: tuple[ReportRow, ...], old: dict[str, dict[str, int]] | None, judging: Decimal
) -> None:
    made = EvaluationReport(
        "e_1", "ask-policy", "command", "U0DEV", AT, AT, {}, found, old, judging, Decimal(1), ("Said.",)
    )
    again = EvaluationReport.from_json(json.loads(json.dumps(made.as_json())))
    assert again == made and again.cost_usd == made.cost_usd and again.statement == made.statement


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(ValidationError):
        EvaluationReport.from_json({"id": "e_1"})
