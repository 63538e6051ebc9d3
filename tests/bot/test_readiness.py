"""What a promotion asks."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

from bot.quality.readiness import (
    Approval,
    BudgetEvidence,
    CasesEvidence,
    Evidence,
    Holder,
    KnowledgeEvidence,
    LineName,
    Supply,
    assess,
    cost_of,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
READY = Evidence(
    "ask-policy",
    "Ask the people handbook",
    "Answers questions about leave.",
    (Holder("U0CHLOE", True), Holder("U0EVA", True)),
    CasesEvidence(12, 3, 12, 12, 3, 3, NOW, is_current=True),
    cost_of([Decimal("0.01")] * 20, 1000),
    (KnowledgeEvidence("people", 9, ("U0CHLOE",), 0, NOW),),
    approvals=(Approval("U0BEN", NOW, "f"),),
)


def missing(evidence: Evidence) -> dict[LineName, Supply | None]:
    return {line.name: line.supply for line in assess(evidence).lines if not line.is_met}


def test_everything_there_is_ready_without_a_budget() -> None:
    assert assess(READY).is_ready and missing(READY) == {LineName.BUDGET: Supply.SET_BUDGET}


def test_each_gap_names_what_supplies_it_and_whether_promotion_waits() -> None:
    gaps = [
        (replace(READY, holders=()), LineName.OWNER, Supply.NAME_OWNER, True),
        (replace(READY, holders=(Holder("U0CHLOE", False),)), LineName.OWNER, Supply.NAME_OWNER, True),
        (replace(READY, holders=READY.holders[:1]), LineName.DEPUTY, Supply.NAME_OWNER, False),
        (replace(READY, purpose=" "), LineName.PURPOSE, None, True),
        (replace(READY, cases=CasesEvidence(0)), LineName.CASES, Supply.ADD_CASE, True),
        (replace(READY, cases=replace(READY.cases, passed=11)), LineName.CASES, Supply.RUN_CASES, True),
        (
            replace(READY, cases=replace(READY.cases, is_current=False)),
            LineName.CASES,
            Supply.RUN_CASES,
            True,
        ),
        (
            replace(READY, cases=replace(READY.cases, is_complete=False)),
            LineName.CASES,
            Supply.RUN_CASES,
            True,
        ),
        (
            replace(READY, cases=replace(READY.cases, outside=0, outside_judged=0)),
            LineName.OUTSIDE,
            Supply.ADD_CASE,
            False,
        ),
        (replace(READY, cost=cost_of([], 1000)), LineName.COST, Supply.RUN_CASES, False),
        (replace(READY, cost=cost_of([Decimal(1)], 0)), LineName.COST, Supply.SET_VOLUME, False),
        (
            replace(READY, knowledge=(KnowledgeEvidence("people", 0),)),
            LineName.KNOWLEDGE,
            Supply.ADD_KNOWLEDGE,
            True,
        ),
        (
            replace(READY, knowledge=(KnowledgeEvidence("people", 3, (), 1, NOW),)),
            LineName.KNOWLEDGE,
            Supply.ADD_KNOWLEDGE,
            False,
        ),
        (replace(READY, approvals=()), LineName.APPROVAL, Supply.ASK_APPROVAL, True),
    ]
    for evidence, name, supply, is_needed in gaps:
        assert missing(evidence)[name] is supply, name
        assert (name in assess(evidence).missing) is is_needed, name


def test_a_budget_is_shown_and_not_waited_for() -> None:
    capped = replace(READY, budgets=(BudgetEvidence(Decimal(50), "month", True),))
    assert missing(capped) == {} and assess(capped).is_ready


def test_two_roles_of_one_person_are_no_deputy() -> None:
    twice = (Holder("U0CHLOE", True), Holder("U0CHLOE", True, "S0LEADS"))
    assert LineName.DEPUTY in missing(replace(READY, holders=twice))


def test_a_workflow_without_knowledge_is_not_asked_what_happens_outside_it() -> None:
    bare = replace(READY, knowledge=(), cases=CasesEvidence(2, 0, 2, 2, ran_at=NOW, is_current=True))
    assert assess(bare).is_ready and LineName.OUTSIDE not in missing(bare)


def test_the_month_follows_from_the_mean_and_its_error() -> None:
    cost = cost_of([Decimal("0.01"), Decimal("0.03")] * 50, 1000)
    assert cost.mean == Decimal("0.02") and cost.month == Decimal("20.0")
    assert cost.low == Decimal("0.01") and cost.high == Decimal("0.03")
    # 1.96 * 0.01005 / 10 a run
    assert Decimal("17.9") < cost.month_low < Decimal("18.1") < cost.month < cost.month_high < Decimal("22.1")
    assert cost_of([Decimal("0.5")], 10).month_low == cost_of([Decimal("0.5")], 10).month == 5
