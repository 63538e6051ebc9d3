"""What is remembered of a finding from week to week."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot.quality.digest_findings import (
    ACTS,
    OF_A_KIND,
    SHOWN,
    Act,
    Decision,
    Finding,
    FindingKind,
    FindingStatus,
    chosen,
    remembered,
)
from bot.quality.digest_slots import IsoWeek

WEEK, NEXT = IsoWeek(2026, 47), IsoWeek(2026, 48)
ON_MONDAY = datetime(2026, 11, 23, 10, tzinfo=UTC)
"""The digest of week 47 comes in week 48."""


def gap(severity: float = 10, week: IsoWeek = WEEK, name: str = "f_1") -> Finding:
    return Finding(name, "ask-policy", FindingKind.GAP, "t_1", {"severity": severity}, week)


def decide(act: Act, severity: float = 10) -> Finding:
    return gap(severity).decided(Decision(act, "U0CHLOE", ON_MONDAY))


def test_what_is_new_or_open_is_shown_under_one_id() -> None:
    (shown,) = remembered([gap(name="f_new")], [])
    assert shown.id == "f_new"
    (shown,) = remembered([gap(12, NEXT, "f_new")], [gap()])
    assert (shown.id, shown.severity) == ("f_1", 12)


@given(st.floats(0, 1000), st.floats(0, 1000), st.integers(48, 52))
def test_what_was_dismissed_comes_back_only_when_it_is_worse(then: float, now: float, number: int) -> None:
    old = decide(Act.DISMISS, then)
    shown = remembered([gap(now, IsoWeek(2026, number))], [old])
    assert bool(shown) == (then > 0 and now >= then * 1.5)
    assert all(each.decision is not None and each.status is FindingStatus.OPEN for each in shown)


@given(st.sampled_from([Act.FIX, Act.CASE, Act.KNOWLEDGE, Act.ASSIGN]))
def test_what_was_acted_on_is_given_a_whole_week(act: Act) -> None:
    old = decide(act)
    assert remembered([gap(10, NEXT)], [old]) == (), "it was decided in that week"
    (shown,) = remembered([gap(10, IsoWeek(2026, 49))], [old])
    assert shown.decision is not None and shown.decision.act is act


def test_a_decision_keeps_how_bad_it_was_and_can_be_taken_back() -> None:
    done = decide(Act.ASSIGN, 7)
    assert (done.status, done.decision and done.decision.severity) == (FindingStatus.ASSIGNED, 7)
    assert done.reopened() == gap(7)


def test_a_decision_in_json() -> None:
    made = Decision(Act.FIX, "U0CHLOE", ON_MONDAY, "c_1", 2.5)
    assert Decision.from_json(made.as_json(), made.by, made.at) == made


@given(st.lists(st.tuples(st.sampled_from(FindingKind), st.integers(0, 9)), max_size=40, unique=True))
def test_a_few_of_each_kind_are_shown(drawn: list[tuple[FindingKind, int]]) -> None:
    found = [replace(gap(), kind=kind, subject=str(number)) for kind, number in drawn]
    shown, left = chosen(found)
    assert len(shown) <= SHOWN
    assert sorted((*shown, *left), key=found.index) == found, "each once"
    for kind in FindingKind:
        mine = [each for each in shown if each.kind is kind]
        assert len(mine) <= OF_A_KIND
        assert mine == [each for each in found if each.kind is kind][: len(mine)], "the worst first"
        assert mine or not any(each.kind is kind for each in found) or len(shown) == SHOWN


def test_something_can_be_done_about_each_kind() -> None:
    assert set(ACTS) == set(FindingKind)
    assert all(Act.DISMISS in acts and Act.ASSIGN in acts for acts in ACTS.values())
