"""The way of a workflow to everybody, and who is drawn into a pilot."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from bot.governance.stages import (
    SHARES,
    STAGE_TRANSITIONS,
    Pilot,
    Stage,
    WrongStage,
    moved,
    place,
    resting,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
PEOPLE = st.from_regex(r"U[A-Z0-9]{3,10}", fullmatch=True)


def test_nothing_reaches_production_without_a_pilot_or_having_been_there() -> None:
    assert {stage for stage in Stage if Stage.PRODUCTION in STAGE_TRANSITIONS[stage]} == {
        Stage.PILOT,
        Stage.RETIRED,
    }
    assert set(STAGE_TRANSITIONS) == set(Stage)


@pytest.mark.parametrize(("stage", "target"), [(Stage.DRAFT, Stage.PRODUCTION), (Stage.RETIRED, Stage.PILOT)])
def test_other_ways_are_refused_with_the_facts(stage: Stage, target: Stage) -> None:
    with pytest.raises(WrongStage) as error:
        moved("ask-policy", stage, target)
    assert error.value.facts == {"workflow": "ask-policy", "stage": stage.value, "move": target.value}


def test_the_picture_is_the_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "governance.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^    (\w+) --> (\w+): ", text, re.MULTILINE))
    assert drawn == {(source, target) for source, targets in STAGE_TRANSITIONS.items() for target in targets}


class Moves(RuleBasedStateMachine):
    """Any order of moves keeps to the table, and a draft never serves everybody unpiloted."""

    def __init__(self) -> None:
        super().__init__()
        self.stage, self.has_production, self.was_piloted = Stage.DRAFT, False, False

    @rule(target_stage=st.sampled_from(Stage))
    def move(self, target_stage: Stage) -> None:
        before = self.stage
        try:
            self.stage = moved("w", before, target_stage)
        except WrongStage:
            assert target_stage not in STAGE_TRANSITIONS[before]
            return
        self.was_piloted = self.was_piloted or self.stage is Stage.PILOT
        if before is Stage.RETIRED:
            self.stage = resting(self.has_production)
        self.has_production = self.has_production or (
            before is Stage.PILOT and self.stage is Stage.PRODUCTION
        )

    @invariant()
    def production_was_piloted(self) -> None:
        assert self.stage is not Stage.PRODUCTION or self.was_piloted


TestMoves = Moves.TestCase


@given(person=PEOPLE, workflow=st.text(min_size=1), small=st.integers(0, 100), more=st.integers(0, 100))
def test_a_share_is_stable_and_grows_without_losing_anybody(
    person: str, workflow: str, small: int, more: int
) -> None:
    low, high = sorted((small, more))
    first = Pilot(NOW, share=low).serves(workflow, person, ())
    assert first is Pilot(NOW, share=low).serves(workflow, person, ())
    assert not first or Pilot(NOW, share=high).serves(workflow, person, ())
    assert 0 <= place(workflow, person) < SHARES


@given(person=PEOPLE, workflow=st.text())
def test_none_and_all_are_exact(person: str, workflow: str) -> None:
    assert not Pilot(NOW, share=0).serves(workflow, person, ())
    assert Pilot(NOW, share=100).serves(workflow, person, ())
    assert not Pilot(NOW, share=100, paused="worse").serves(workflow, person, ())


def test_a_share_takes_about_that_many_and_not_the_same_people_everywhere() -> None:
    people = [f"U{number:06d}" for number in range(4000)]
    drawn = {name: {each for each in people if place(name, each) < 2000} for name in ("one", "two")}
    assert all(0.17 < len(found) / len(people) < 0.23 for found in drawn.values())
    assert 0.02 < len(drawn["one"] & drawn["two"]) / len(people) < 0.06


def test_named_people_and_groups_are_served() -> None:
    pilot = Pilot(NOW, people=("U1",), groups=("S1",))
    assert pilot.serves("w", "U1", ()) and pilot.serves("w", "U9", ("S1", "S2"))
    assert not pilot.serves("w", "U9", ("S2",))
    assert not pilot.is_drawn and Pilot(NOW, share=5).is_drawn
