"""Votes, reasons and corrections: the last word of each person counts, and what stands waits for an owner."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.store.database import Store
from bot.adapters.store.scores import Score
from bot.governance.roles import Role
from bot.quality.complaint import REASONS, TriageState, alike, fingerprint, reasons_for, says_the_same
from bot.services.access import Outsider
from bot.services.complaints import standing_complaints
from bot.services.feedback import UnknownReason
from bot.services.run_views import UnknownRun
from tests.bot.feedback_desk import OWNER, FeedbackDesk
from tests.bot.run_desk import ANA, BEN, DEV, STRANGER
from tests.databases import with_tables

WAITING, WITHDRAWN, DISMISSED = TriageState.WAITING, TriageState.WITHDRAWN, TriageState.DISMISSED


@pytest.fixture
async def desk(store: Store) -> FeedbackDesk:
    return await FeedbackDesk(store).open()


async def test_a_thumbs_down_waits_for_the_owner_who_hears_of_it(desk: FeedbackDesk) -> None:
    run_id = await desk.voted_down()
    item = desk.item(run_id)
    assert item is not None
    assert (item.state, item.workflow) == (WAITING, "ask-policy")
    assert desk.events(run_id) == ["feedback.recorded", "triage.waiting"]
    (nudge,) = desk.queued("triage-nudge")
    assert nudge.channel == OWNER
    assert nudge.body == {"workflow": "ask-policy", "title": "Ask the people handbook", "waiting": 1}


async def test_owners_hear_of_a_workflow_once_a_week(desk: FeedbackDesk) -> None:
    await desk.voted_down("k1")
    await desk.voted_down("k2", question="And overtime?")
    assert len(desk.queued("triage-nudge")) == 1
    desk.clock.at += timedelta(days=1)  # 22 November 2026 is a Sunday
    await desk.voted_down("k3", question="And travel?")
    assert [nudge.body["waiting"] for nudge in desk.queued("triage-nudge")] == [1, 3]


async def test_admins_hear_of_what_nobody_owns(store: Store) -> None:
    desk = await FeedbackDesk(store).open()
    await desk.access.revoke(DEV, OWNER, Role.OWNER, "workflow:ask-policy")
    await desk.access.grant(DEV, "S0LEADS", Role.OWNER, "workflow:ask-policy")
    await desk.voted_down()
    assert [nudge.channel for nudge in desk.queued("triage-nudge")] == ["U0DEV"]


async def test_a_thumbs_up_takes_back_the_complaint_and_the_audit_keeps_it(desk: FeedbackDesk) -> None:
    run_id = await desk.voted_down()
    await desk.feedback.complain(ANA, run_id, "wrong", "Ten days.")
    assert (await desk.feedback.record(ANA, run_id, "up")).changed
    assert desk.item(run_id).state is WITHDRAWN  # type: ignore[union-attr]
    assert desk.events(run_id) == [
        "feedback.recorded",
        "triage.waiting",
        "feedback.explained",
        "feedback.recorded",
        "triage.withdrawn",
    ]
    await desk.feedback.record(ANA, run_id, "down")
    assert desk.item(run_id).state is WAITING  # type: ignore[union-attr]


async def test_the_complaint_of_another_person_keeps_it_waiting(desk: FeedbackDesk) -> None:
    run_id = await desk.voted_down()
    await desk.feedback.record(BEN, run_id, "down")
    await desk.feedback.record(ANA, run_id, "up")
    assert desk.item(run_id).state is WAITING  # type: ignore[union-attr]
    await desk.feedback.record(BEN, run_id, "up")
    assert desk.item(run_id).state is WITHDRAWN  # type: ignore[union-attr]


async def test_reason_and_correction_are_scores_of_the_person(desk: FeedbackDesk) -> None:
    run_id = await desk.voted_down()
    await desk.feedback.complain(ANA, run_id, "incomplete", "  Also <@U0BEN> & *bold*.  ")
    source = "person:U0ANA"
    assert await desk.feedback.of_run(run_id) == (
        Score(run_id, "correction", source, 1.0, "Also <@U0BEN> & *bold*."),
        Score(run_id, "reason", source, 1.0, "incomplete"),
        Score(run_id, "vote", source, -1.0, ""),
    )
    await desk.feedback.complain(ANA, run_id, "", "")
    assert [(one.value, one.reason) for one in await desk.feedback.of_run(run_id)][:2] == [
        (0.0, ""),
        (-1.0, ""),
    ]
    assert await desk.feedback.complaint("U0ANA", run_id) == await desk.feedback.complain(ANA, run_id, "", "")


async def test_an_empty_form_writes_nothing(desk: FeedbackDesk) -> None:
    run_id = await desk.voted_down()
    await desk.feedback.complain(ANA, run_id, "", " \n ")
    assert [score.name for score in await desk.feedback.of_run(run_id)] == ["vote"]
    assert "feedback.explained" not in desk.events(run_id)


async def test_outsiders_unknown_reasons_and_unknown_runs_are_refused(desk: FeedbackDesk) -> None:
    run_id = await desk.answered()
    with pytest.raises(Outsider):
        await desk.feedback.record(STRANGER, run_id, "down")
    with pytest.raises(Outsider):
        await desk.feedback.complain(STRANGER, run_id, "wrong", "x")
    with pytest.raises(UnknownReason):
        await desk.feedback.complain(ANA, run_id, "because", "x")
    with pytest.raises(UnknownRun):
        await desk.feedback.record(ANA, "r_nowhere", "down")
    assert await desk.feedback.of_run(run_id) == await desk.feedback.of_run("r_nowhere") == ()


async def test_words_without_a_vote_against_do_not_wait(desk: FeedbackDesk) -> None:
    run_id = await desk.answered()
    await desk.feedback.record(ANA, run_id, "up")
    await desk.feedback.complain(ANA, run_id, "tone", "Kinder.")
    assert desk.item(run_id) is None


def test_reasons_fit_the_answer() -> None:
    assert "should_know" not in reasons_for(abstained=False)
    assert "should_abstain" not in reasons_for(abstained=True)
    assert [REASONS.index(reason) for reason in reasons_for(abstained=False)] == [0, 1, 2, 3, 4, 6, 7]


def test_what_says_the_same() -> None:
    assert says_the_same("**Five** days [1].", "five  days\n[2]")
    assert not says_the_same("5.00 euros", "500 euros")
    assert fingerprint("w", {"q": "How many?"}, "Five [1].") == fingerprint("w", {"q": "how  many"}, "five")
    assert fingerprint("w", {"q": "How many?"}, "Five") != fingerprint("w", {"q": "How many?"}, "Six")


def test_alike_texts_stand_behind_the_first() -> None:
    near, far = 0.9, 0.1
    table = [[1, far, near, far], [far, 1, far, far], [near, far, 1, far], [far, far, far, 1]]
    assert alike(table) == ((0, 2), (1,), (3,))
    assert alike([]) == ()


acts = st.lists(st.tuples(st.sampled_from(["U0ANA", "U0BEN", "U0DEV"]), st.sampled_from(["up", "down"])))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=acts)
async def test_the_last_vote_of_each_counts_however_often_they_change(acts: list, tmp_path) -> None:  # type: ignore[no-untyped-def]
    store = Store(with_tables(tmp_path / "votes.db"))
    desk = await FeedbackDesk(store).open()
    run_id = await desk.answered()
    people = {actor.id: actor for actor in (ANA, BEN, DEV)}
    last: dict[str, str] = {}
    for person, rating in acts:
        vote = await desk.feedback.record(people[person], run_id, rating)
        assert vote.changed == (last.get(person, rating) != rating)
        last[person] = rating
        against = {name for name, said in last.items() if said == "down"}
        found = store.read_now(lambda connection: standing_complaints(connection, (run_id,)))[run_id]
        assert {one.person for one in found} == against and len(found) == len(against)
        item = desk.item(run_id)
        assert (item is not None and item.state is WAITING) == bool(against)
    kept = {score.source: score.value for score in await desk.feedback.of_run(run_id)}
    assert kept == {f"person:{name}": 1.0 if said == "up" else -1.0 for name, said in last.items()}
    store.close()
