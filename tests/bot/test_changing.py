"""Change requests on both databases: who may do what, when, and what is in force afterwards."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from bot.adapters.store import audit_log, changes_log
from bot.adapters.store.all_tables import metadata
from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown
from bot.governance.changes import Policy, Target
from bot.governance.roles import Role
from bot.services import change_work
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.services.change_errors import (
    AlreadyProposed,
    AuthorDecides,
    MovedSince,
    NeedsOverride,
    NotAnApprover,
    NothingChanged,
    NothingToRollBack,
    NotItsAuthor,
    ReasonMissing,
    RevisedMeanwhile,
    TooLate,
    WouldBreak,
)
from bot.services.change_proposals import Proposals
from bot.services.content_checks import InvalidContent
from bot.services.targets import NoSuchVersion, Targets, UnknownTarget
from tests.bot.change_desk import (
    ANA,
    ANSWER,
    BEN,
    CLEO,
    DEV,
    EVE,
    FRIENDLIER,
    HERE,
    PROMPT,
    ROUTE,
    TRAVEL,
    VALUES,
    WORKFLOW,
    ChangeDesk,
)

GRANT = Target("grant", "U0EVE:approver:workflow:ask-policy")


@pytest.fixture
async def desk(store: Store, tmp_path: Path) -> AsyncIterator[ChangeDesk]:
    made = await ChangeDesk(store, tmp_path).open()
    yield made
    await made.holdings.close()


async def test_a_proposal_is_tested_approved_and_in_force(desk: ChangeDesk) -> None:
    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, reason="Dates were missed.", origin=HERE)
    assert (view.status.value, view.base_number, view.affected) == ("open", 1, ("ask-policy",))
    assert [piece.text for piece in view.pieces if piece.change == "added"] == [" never"]
    assert desk.live() == PROMPT
    await desk.work().drain()
    assert desk.comparer.asked == [("ask-policy", (Content("prompt", "ask-policy.answer", FRIENDLIER),))]
    tested = await desk.changes.view(view.id)
    assert (tested.status.value, tested.tests[0].passed_new, tested.is_failing) == ("in_review", 4, False)
    applied = await desk.changes.approve(BEN, view.id)
    assert (applied.status.value, applied.previous_number, applied.applied_number) == ("applied", 1, 2)
    assert desk.live() == FRIENDLIER
    pinned = desk.store.read_now(lambda connection: desk.catalogue.resolve(connection, "ask-policy"))
    assert pinned.pins["prompt"] == {"ask-policy.answer": 2}
    assert desk.events(view.id) == [
        "change.proposed", "change.tested", "change.approved", "change.accepted", "change.applied"
    ]  # fmt: skip
    moved = desk.store.read_now(lambda c: audit_log.read_events(c, target="prompt:ask-policy.answer"))[0]
    assert moved.actor == "U0BEN"
    assert (moved.context["before"], moved.context["after"], moved.context["change"]) == (1, 2, view.id)
    assert desk.store.read_now(audit_log.verify).bad_seq is None


async def test_nobody_without_the_right_does_anything(desk: ChangeDesk) -> None:
    nobody, outsider = Actor("U0NOBODY"), Actor("U0OUT", is_outsider=True)
    with pytest.raises(NotAuthorized):
        await desk.changes.propose(nobody, ANSWER, FRIENDLIER, origin=HERE)
    with pytest.raises(Outsider):
        await desk.changes.propose(outsider, ANSWER, FRIENDLIER, origin=HERE)
    change = await desk.tested()
    for act in (
        desk.changes.approve(nobody, change),
        desk.changes.reject(nobody, change, "no"),
        desk.changes.request_changes(nobody, change, "no"),
        desk.changes.revise(nobody, change, PROMPT + "More.\n"),
    ):
        with pytest.raises(NotAnApprover) as refused:
            await act
        assert refused.value.facts["holders"]
    with pytest.raises(NotItsAuthor):
        await desk.changes.withdraw(BEN, change)
    await desk.changes.approve(BEN, change)
    with pytest.raises(NotAnApprover):
        await desk.changes.undo(ANA, change)
    with pytest.raises(NotAuthorized):
        await desk.changes.roll_back(ANA, ANSWER)
    assert desk.live() == FRIENDLIER


async def test_the_author_never_approves_not_even_through_a_group(desk: ChangeDesk) -> None:
    await desk.access.grant(DEV, "S0LEADS", Role.APPROVER)
    leading = replace(ANA, groups=frozenset({"S0LEADS"}))
    change = await desk.tested(leading)
    with pytest.raises(AuthorDecides) as refused:
        await desk.changes.approve(leading, change)
    assert "U0BEN" in refused.value.facts["holders"]
    with pytest.raises(AuthorDecides):
        await desk.changes.reject(leading, change, "mine")


async def test_whoever_wrote_a_round_is_an_author_of_all(desk: ChangeDesk) -> None:
    await desk.access.grant(DEV, "U0ANA", Role.APPROVER)
    await desk.access.grant(DEV, "U0EVE", Role.APPROVER)
    change = await desk.tested()
    view = await desk.changes.revise(EVE, change, PROMPT + "Be kind.\n")
    assert (view.author, view.authors, view.round) == ("U0EVE", ("U0ANA", "U0EVE"), 2)
    await desk.work().drain()
    for author in (ANA, EVE):
        with pytest.raises(AuthorDecides):
            await desk.changes.approve(author, change)
    assert (await desk.changes.approve(BEN, change)).status.value == "applied"


async def test_two_approvals_and_one_of_them_revoked(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path, policies={"prompt": Policy(2)}).open()
    await desk.access.grant(DEV, "U0DAN", Role.APPROVER)
    change = await desk.tested()
    first = await desk.changes.approve(BEN, change)
    assert (first.status.value, first.approvals_given, first.approvals_needed) == ("in_review", 1, 2)
    assert (await desk.changes.approve(BEN, change)).approvals_given == 1
    await desk.access.revoke(DEV, "U0BEN", Role.APPROVER)
    with pytest.raises(NotAnApprover):
        await desk.changes.approve(BEN, change)
    second = await desk.changes.approve(CLEO, change)
    assert (second.status.value, second.approvals_given) == ("in_review", 1)
    assert desk.live() == PROMPT
    third = await desk.changes.approve(Actor("U0DAN"), change)
    assert third.status.value == "applied"


async def test_who_left_the_group_since_does_not_count(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path, policies={"prompt": Policy(2)}).open()
    await desk.access.grant(DEV, "S0LEADS", Role.APPROVER)
    change = await desk.tested()
    leading = Actor("U0LEO", groups=frozenset({"S0LEADS"}))
    await desk.changes.approve(leading, change)
    left = {"U0LEO": Actor("U0LEO")}
    assert (await desk.changes.approve(BEN, change, present=left)).status.value == "in_review"
    assert (await desk.changes.approve(CLEO, change, present=left)).status.value == "applied"


async def test_a_double_click_makes_one_transition(desk: ChangeDesk) -> None:
    change = await desk.tested()
    await desk.changes.approve(BEN, change)
    again = await desk.changes.approve(BEN, change)
    assert again.status.value == "applied"
    with pytest.raises(TooLate):
        await desk.changes.approve(CLEO, change)
    assert desk.events(change).count("change.applied") == 1
    assert desk.events(change).count("change.approved") == 1


async def test_the_same_key_proposes_once_and_the_same_content_too(desk: ChangeDesk) -> None:
    first = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE, key="click 1")
    assert (await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE, key="click 1")).id == first.id
    with pytest.raises(AlreadyProposed) as refused:
        await desk.changes.propose(EVE, ANSWER, FRIENDLIER, origin=HERE)
    assert refused.value.facts == {"change": first.id, "author": "U0ANA"}
    with pytest.raises(NothingChanged):
        await desk.changes.propose(EVE, ANSWER, PROMPT + "\n", origin=HERE)


async def test_what_another_change_moved_makes_it_stale_and_says_so(desk: ChangeDesk) -> None:
    mine = await desk.tested()
    other = await desk.changes.propose(EVE, ANSWER, PROMPT + "Be kind.\n", origin=HERE)
    await desk.work().drain()
    await desk.changes.approve(CLEO, other.id)
    stale = await desk.changes.view(mine)
    assert stale.status.value == "stale"
    assert {key: stale.why[key] for key in ("reason", "from", "to", "by")} == {
        "reason": "moved", "from": "1", "to": "2", "by": "U0CLEO"
    }  # fmt: skip
    assert stale.why["at"]
    with pytest.raises(TooLate):
        await desk.changes.approve(BEN, mine)
    again = await desk.changes.rebase(ANA, mine)
    assert (again.status.value, again.base_number, again.round) == ("open", 2, 2)
    # shown against today's version, so what the other change brought is seen to go
    assert any("Be kind." in piece.text for piece in again.pieces if piece.change == "removed")
    await desk.work().drain()
    assert (await desk.changes.approve(BEN, mine)).status.value == "applied"
    assert desk.live() == FRIENDLIER


async def test_what_a_file_moved_is_noticed_by_the_worker_and_at_the_click(desk: ChangeDesk) -> None:
    swept, clicked = await desk.tested(), await desk.tested(EVE, content=PROMPT + "Kindly.\n")
    await desk.catalogue.add(DEV, [Content("prompt", "ask-policy.answer", PROMPT + "From a file.\n")])
    assert (await desk.changes.approve(BEN, clicked)).status.value == "stale"
    assert await desk.status(swept) == "in_review"
    await desk.work().drain()
    assert await desk.status(swept) == "stale"
    assert desk.live() == PROMPT + "From a file.\n"


async def test_rules_of_the_file_that_moved_make_their_change_stale(desk: ChangeDesk) -> None:
    rules = '- when: "inputs.amount > 9000"\n  then: "manager"\n- otherwise: "self"\n'
    change = await desk.tested(target=ROUTE, content=rules)
    changed = WORKFLOW.replace("5000", "7000")
    await desk.catalogue.add(DEV, [Content("workflow", "ask-policy", changed)])
    assert (await desk.changes.approve(BEN, change)).status.value == "stale"


async def test_content_that_no_longer_fits_is_not_applied(desk: ChangeDesk) -> None:
    change = await desk.tested(target=VALUES, content='{"passages": 18}')
    await desk.catalogue.add(DEV, [Content("workflow", "ask-policy", WORKFLOW.replace("max: 20", "max: 10"))])
    view = await desk.changes.approve(BEN, change)
    assert (view.status.value, view.why["reason"]) == ("stale", "unfit")
    assert desk.live(VALUES) is None


async def test_it_expires(desk: ChangeDesk) -> None:
    change = await desk.tested()
    desk.clock.at += timedelta(days=13, hours=23)
    await desk.work().drain()
    assert await desk.status(change) == "in_review"
    desk.clock.at += timedelta(hours=2)
    await desk.work().drain()
    assert await desk.status(change) == "expired"
    with pytest.raises(TooLate):
        await desk.changes.approve(BEN, change)
    assert desk.events(change)[-1] == "change.expired"


async def test_asked_for_changes_revised_and_approved(desk: ChangeDesk) -> None:
    change = await desk.tested()
    with pytest.raises(ReasonMissing):
        await desk.changes.request_changes(BEN, change, "  ")
    asked = await desk.changes.request_changes(BEN, change, "Say whom to ask instead.")
    assert (asked.status.value, asked.why["note"]) == ("revising", "Say whom to ask instead.")
    with pytest.raises(TooLate):
        await desk.changes.approve(CLEO, change)
    with pytest.raises(NothingChanged):
        await desk.changes.revise(ANA, change, FRIENDLIER)
    better = FRIENDLIER + "Name the People team.\n"
    revised = await desk.changes.revise(ANA, change, better)
    assert (revised.status.value, revised.round, revised.reviews) == ("open", 2, ())
    await desk.work().drain()
    with pytest.raises(RevisedMeanwhile):
        await desk.changes.approve(CLEO, change, round_number=1)
    assert (await desk.changes.approve(CLEO, change, round_number=2)).status.value == "applied"
    assert desk.live() == better


async def test_an_approval_of_another_round_does_not_count(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path, policies={"prompt": Policy(2)}).open()
    change = await desk.tested()
    await desk.changes.approve(BEN, change)
    await desk.changes.revise(ANA, change, FRIENDLIER + "More.\n")
    await desk.work().drain()
    assert (await desk.changes.approve(CLEO, change)).status.value == "in_review"
    assert desk.live() == PROMPT


async def test_a_failing_case_needs_a_reason(desk: ChangeDesk) -> None:
    desk.comparer.failing = ("carry-over",)
    change = await desk.tested()
    with pytest.raises(NeedsOverride) as refused:
        await desk.changes.approve(BEN, change)
    assert refused.value.facts["cases"] == "carry-over"
    assert "change.approved" not in desk.events(change)
    done = await desk.changes.approve(BEN, change, "The case is out of date.")
    assert done.status.value == "applied"
    assert done.reviews[0].is_override
    found = desk.store.read_now(lambda c: audit_log.read_events(c, action="change.overridden"))[0]
    assert (found.actor, found.context["why"]) == ("U0BEN", "The case is out of date.")


async def test_the_reason_of_one_who_may_no_longer_approve_does_not_count(
    store: Store, tmp_path: Path
) -> None:
    desk = await ChangeDesk(store, tmp_path, policies={"prompt": Policy(2)}).open()
    desk.comparer.failing = ("carry-over",)
    change = await desk.tested()
    await desk.changes.approve(BEN, change, "Out of date.")
    await desk.access.revoke(DEV, "U0BEN", Role.APPROVER)
    with pytest.raises(NeedsOverride):
        await desk.changes.approve(CLEO, change)


async def test_cases_that_could_not_be_run_need_a_reason_too(desk: ChangeDesk) -> None:
    desk.comparer.error = RuntimeError("no network")
    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    work = desk.work()
    for _ in range(3):
        await work.drain()
    tested = await desk.changes.view(view.id)
    assert (tested.status.value, tested.untested) == ("in_review", ("ask-policy",))
    assert tested.token.startswith("i_")
    with pytest.raises(NeedsOverride):
        await desk.changes.approve(BEN, view.id)


async def test_no_cases_is_said_and_holds_nothing_up(desk: ChangeDesk) -> None:
    desk.comparer.passing = 0
    change = await desk.tested()
    view = await desk.changes.view(change)
    assert (view.status.value, view.tests, view.untested) == ("in_review", (), ("ask-policy",))
    assert (await desk.changes.approve(BEN, change)).status.value == "applied"


async def test_undo_puts_back_what_stood_before(desk: ChangeDesk) -> None:
    change = await desk.applied()
    desk.clock.at += timedelta(days=400)
    undone = await desk.changes.undo(BEN, change)
    assert (undone.status.value, undone.why["by"]) == ("undone", "U0BEN")
    assert desk.live() == PROMPT
    with pytest.raises(TooLate):
        await desk.changes.undo(BEN, change)


async def test_undo_of_the_first_values_goes_back_to_the_file(desk: ChangeDesk) -> None:
    change = await desk.applied('{"passages": 8}', VALUES)
    assert desk.live(VALUES) == '{"passages": 8}'
    view = await desk.changes.view(change)
    assert view.effect == "From the next run on, in Ask the handbook passages is 8 instead of 6."
    await desk.changes.undo(BEN, change)
    assert desk.live(VALUES) is None


async def test_undo_is_refused_when_something_came_after(desk: ChangeDesk) -> None:
    first = await desk.applied()
    second = await desk.applied(FRIENDLIER + "And kind.\n")
    with pytest.raises(MovedSince) as refused:
        await desk.changes.undo(BEN, first)
    assert {k: refused.value.facts[k] for k in ("from", "to", "by")} == {
        "from": "2",
        "to": "3",
        "by": "U0BEN",
    }
    await desk.changes.undo(CLEO, second)
    await desk.changes.undo(CLEO, first)
    assert desk.live() == PROMPT


async def test_rolling_back_is_one_act(desk: ChangeDesk) -> None:
    first = await desk.applied()
    second = await desk.applied(FRIENDLIER + "And kind.\n")
    waiting = await desk.tested(content=PROMPT + "Later.\n")
    back = await desk.changes.roll_back(BEN, "ask-policy", origin=HERE)
    assert (back.status.value, back.is_rollback, back.applied_number) == ("applied", True, 2)
    assert desk.live() == FRIENDLIER
    assert (await desk.status(second), await desk.status(first)) == ("undone", "applied")
    assert await desk.status(waiting) == "stale"
    again = await desk.changes.roll_back(BEN, "ask-policy")
    assert (again.applied_number, desk.live()) == (1, PROMPT)
    with pytest.raises(NothingToRollBack):
        await desk.changes.roll_back(BEN, "ask-policy")
    moves = desk.store.read_now(lambda c: audit_log.read_events(c, target="prompt:ask-policy.answer"))
    assert [each.action for each in moves][:2] == ["prompt.rolled_back", "prompt.rolled_back"]
    await desk.changes.undo(CLEO, again.id)
    assert desk.live() == FRIENDLIER


async def test_rolling_back_twice_by_one_double_click_is_refused(desk: ChangeDesk) -> None:
    await desk.applied()
    await desk.applied(FRIENDLIER + "And kind.\n")
    await desk.changes.roll_back(BEN, ANSWER, expected=3)
    with pytest.raises(MovedSince):
        await desk.changes.roll_back(BEN, ANSWER, expected=3)
    assert desk.live() == FRIENDLIER


@pytest.mark.postgres
@pytest.mark.parametrize("way", ["roll back", "undo"])
async def test_what_is_approved_while_another_process_goes_back_is_not_overwritten(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    stores = Store(postgres_url), Store(postgres_url)
    stores[0].write_now(metadata.create_all)
    folders = tmp_path / "one", tmp_path / "two"
    for folder in folders:
        folder.mkdir()
    here, there = (ChangeDesk(store, folder) for store, folder in zip(stores, folders, strict=True))
    await here.open()
    earlier = await here.applied()
    newer = await here.tested(content=FRIENDLIER + "And kind.\n")
    place, name = (Proposals, "keep_rollback") if way == "roll back" else (Targets, "put")
    inside, go_on, real = Event(), Event(), getattr(place, name)

    def held_up(*args: Any) -> Any:
        if not inside.is_set():
            inside.set()
            # the approval waits for this where it has to
            go_on.wait(1)
        return real(*args)

    monkeypatch.setattr(place, name, held_up)
    going = asyncio.create_task(
        there.changes.roll_back(CLEO, ANSWER, 1, origin=HERE, expected=2)
        if way == "roll back"
        else there.changes.undo(CLEO, earlier)
    )
    await asyncio.to_thread(inside.wait, 5)
    with pytest.raises(TooLate):
        await here.changes.approve(BEN, newer)
    go_on.set()
    await going
    assert (await here.status(newer), here.live()) == ("stale", PROMPT)
    for desk in (here, there):
        await desk.holdings.close()
        desk.store.close()


async def test_rolling_back_to_what_would_no_longer_work_is_refused(desk: ChangeDesk) -> None:
    await desk.applied('{"passages": 18}', VALUES)
    await desk.applied('{"passages": 5}', VALUES)
    await desk.catalogue.add(DEV, [Content("workflow", "ask-policy", WORKFLOW.replace("max: 20", "max: 10"))])
    with pytest.raises(WouldBreak):
        await desk.changes.roll_back(BEN, VALUES)
    with pytest.raises(NoSuchVersion) as refused:
        await desk.changes.roll_back(BEN, VALUES, 99)
    assert (refused.value.facts["number"], refused.value.facts["newest"]) == ("99", "2")
    assert desk.live(VALUES) == '{"passages": 5}'


async def test_a_variable_that_the_step_does_not_give_is_named(desk: ChangeDesk) -> None:
    with pytest.raises(InvalidContent) as refused:
        await desk.changes.propose(ANA, ANSWER, PROMPT + "{{ salary }}\n", origin=HERE)
    assert "`salary`" in refused.value.facts["problems"]


@pytest.mark.parametrize(
    ("target", "content", "said"),
    [
        (ANSWER, "Hello {{ question", "braces"),
        (VALUES, '{"passages": 40}', "passages"),
        (VALUES, "eight", "names with their values"),
        (ROUTE, '- when: "inputs.amount >"\n  then: "manager"\n- otherwise: "self"\n', ""),
        (Target("workflow", "ask-policy"), "name: [", ""),
        (Target("workflow", "ask-policy"), WORKFLOW.replace("name: ask-policy", "name: other"), "must stay"),
        (Target("models", "models"), "careful:\n  model: spanwise/quote\n", "default"),
        (GRANT, "maybe", "given or taken"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_problems(
    desk: ChangeDesk, target: Target, content: str, said: str
) -> None:
    actor = DEV if target.kind in ("grant", "models") else ANA
    with pytest.raises(InvalidContent) as refused:
        await desk.changes.propose(actor, target, content, origin=HERE)
    assert said in refused.value.facts["problems"]
    assert await desk.changes.recent(DEV) == ()


@pytest.mark.parametrize(
    ("target", "nearest"),
    [
        (Target("prompt", "ask-policy.anser"), "ask-policy.answer"),
        (Target("rules", "ask-policy/rout"), "route"),
        (Target("parameters", "ask-polcy"), "ask-policy"),
        (Target("document", "nowhere/x.md"), ""),
    ],
)
async def test_what_is_not_there_is_named_with_what_is_near(
    desk: ChangeDesk, target: Target, nearest: str
) -> None:
    with pytest.raises(UnknownTarget) as refused:
        await desk.changes.preview(DEV, target, "{}")
    assert refused.value.facts["nearest"] == nearest


async def test_a_preview_shows_difference_effect_and_problems(desk: ChangeDesk) -> None:
    seen = await desk.changes.preview(ANA, VALUES, '{"passages": 8}')
    assert (seen.old, seen.new, seen.problems, seen.affected) == (
        "passages: 6\n", "passages: 8\n", (), ("ask-policy",)
    )  # fmt: skip
    bad = await desk.changes.preview(ANA, VALUES, '{"passages": 80}')
    assert bad.problems


async def test_rules_are_applied_and_decide_the_next_run(desk: ChangeDesk) -> None:
    rules = '- when: "inputs.amount > 9000"\n  then: "manager"\n  because: "Big."\n- otherwise: "self"\n'
    change = await desk.tested(target=ROUTE, content=rules)
    view = await desk.changes.view(change)
    assert "When amount is more than 9000 then manager, because: Big." in view.new
    await desk.changes.approve(BEN, change)
    pinned = desk.store.read_now(lambda connection: desk.catalogue.resolve(connection, "ask-policy"))
    assert pinned.pins["rules"] == {"ask-policy/route": 1}


async def test_a_grant_is_in_force_at_once_and_can_be_undone(desk: ChangeDesk) -> None:
    with pytest.raises(NotAuthorized):
        await desk.changes.propose(ANA, GRANT, "held", origin=HERE)
    view = await desk.changes.propose(DEV, GRANT, "held", origin=HERE)
    assert (view.status.value, view.applied_number) == ("applied", 1)
    assert await desk.access.holds(EVE, desk_permission(), "workflow:ask-policy")
    await desk.changes.undo(DEV, view.id)
    assert not await desk.access.holds(EVE, desk_permission(), "workflow:ask-policy")


def desk_permission() -> Any:
    from bot.governance.roles import Permission

    return Permission.APPROVE


async def test_where_no_approval_is_asked_a_passing_change_is_in_force_and_a_failing_one_waits(
    store: Store, tmp_path: Path
) -> None:
    desk = await ChangeDesk(store, tmp_path, policies={"prompt": Policy(0)}).open()
    assert await desk.status(await desk.tested()) == "applied"
    desk.comparer.failing = ("carry-over",)
    failing = await desk.tested(content=FRIENDLIER + "Worse.\n")
    assert await desk.status(failing) == "in_review"
    assert (await desk.changes.approve(BEN, failing, "Accepted loss.")).status.value == "applied"


async def test_a_document_is_added_changed_forgotten_and_each_undone(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path).open(documents={"travel.md": "# Travel\n\nBook trains.\n"})

    async def read() -> dict[str, str]:
        return {each.path: each.text for each in await desk.holdings.documents("people")}

    old = (await read())["travel.md"]
    changed = await desk.applied("# Travel\n\nBook planes.\n", TRAVEL)
    assert (await read())["travel.md"] == "# Travel\n\nBook planes.\n"
    found = await desk.holdings.search("people", "planes", 1, _everyone())
    assert "planes" in found.passages[0].text
    await desk.changes.undo(BEN, changed)
    assert (await read())["travel.md"] == old
    forgotten = await desk.applied("", TRAVEL)
    assert await read() == {}
    await desk.changes.undo(BEN, forgotten)
    assert (await read())["travel.md"] == old
    note = Target("document", "people/notes/parking.md")
    added = await desk.applied("# Parking\n\nUse the yard.\n", note)
    view = await desk.changes.view(added)
    assert (view.base_number, view.affected) == (0, ("ask-policy",))
    assert (await read())["notes/parking.md"] == "# Parking\n\nUse the yard.\n"
    back = await desk.changes.undo(BEN, added)
    assert back.status.value == "undone"
    assert set(await read()) == {"travel.md"}


async def test_a_document_changed_by_its_file_makes_the_change_stale(store: Store, tmp_path: Path) -> None:
    desk = await ChangeDesk(store, tmp_path).open(documents={"travel.md": "# Travel\n\nBook trains.\n"})
    change = await desk.tested(target=TRAVEL, content="# Travel\n\nBook planes.\n")
    file = desk.folder_of("travel.md")
    file.write_text("# Travel\n\nStay home.\n", encoding="utf-8")
    await desk.holdings.add(file, "people", source="file travel.md", by="terminal")
    view = await desk.changes.approve(BEN, change)
    assert (view.status.value, view.why["by"]) == ("stale", "terminal")


async def test_a_restart_leaves_an_edited_and_a_forgotten_document_alone(
    store: Store, tmp_path: Path
) -> None:
    desk = await ChangeDesk(store, tmp_path).open()
    shelf = desk.folder_of("travel.md").parent
    for name in ("travel.md", "leave.md"):
        (shelf / name).write_text(f"# {name}\n\nAs shipped.\n", encoding="utf-8")
    await desk.holdings.add(shelf, "people", source="library", by="library")
    await desk.applied("# travel.md\n\nAs a person wrote.\n", TRAVEL)
    await desk.applied("", Target("document", "people/leave.md"))
    await desk.holdings.add(shelf, "people", source="library", by="library")
    texts = {each.path: each.text for each in await desk.holdings.documents("people")}
    assert texts == {"travel.md": "# travel.md\n\nAs a person wrote.\n"}


async def test_a_new_workflow_is_tested_released_and_taken_back(desk: ChangeDesk) -> None:
    text = WORKFLOW.replace("name: ask-policy", "name: ask-again")
    change = await desk.tested(DEV, Target("workflow", "ask-again"), text)
    assert desk.comparer.asked[0][0] == "ask-again"
    await desk.changes.approve(BEN, change)
    assert desk.live(Target("workflow", "ask-again")) == text
    await desk.changes.undo(BEN, change)
    assert desk.live(Target("workflow", "ask-again")) is None


async def test_taking_back_what_another_workflow_calls_is_refused(desk: ChangeDesk) -> None:
    inner = WORKFLOW.replace("name: ask-policy", "name: ask-again")
    change = await desk.tested(DEV, Target("workflow", "ask-again"), inner)
    await desk.changes.approve(BEN, change)
    outer = """
name: outer
title: Outer
purpose: Calls.
inputs:
  question: {kind: text}
steps:
  - {id: hand, kind: call, workflow: ask-again, inputs: {question: "{{ inputs.question }}"}}
answer: "{{ hand.text }}"
"""
    await desk.catalogue.add(DEV, [Content("workflow", "outer", outer)])
    with pytest.raises(WouldBreak) as refused:
        await desk.changes.undo(BEN, change)
    assert refused.value.facts["workflows"] == "outer"


async def test_history_names_who_moved_what_when(desk: ChangeDesk) -> None:
    change = await desk.applied()
    found = await desk.changes.history(ANA, ANSWER)
    assert [(line.number, line.author, line.is_live) for line in found.versions] == [
        (2, "U0ANA", True), (1, "library", False)
    ]  # fmt: skip
    assert found.versions[0].moves[0].by == "U0BEN"
    assert found.versions[0].moves[0].change_id == change
    assert found.can_go_back
    with pytest.raises(NotAuthorized):
        await desk.changes.history(Actor("U0NOBODY"), ANSWER)


async def test_listeners_hear_of_what_was_applied_again_after_a_failure(desk: ChangeDesk) -> None:
    heard: list[str] = []

    async def listen(view: Any) -> None:
        heard.append(view.id)
        if len(heard) == 1:
            raise RuntimeError("crash")

    change = await desk.tested()
    await desk.changes.approve(BEN, change)
    await desk.work(listen).drain()
    await desk.work(listen).drain()
    await desk.work(listen).drain()
    assert heard == [change, change]


async def test_an_approved_change_that_a_dead_process_left_is_applied(desk: ChangeDesk) -> None:
    change = await desk.tested()
    await desk.store.write(lambda connection: desk.changes.decisions.approve(connection, BEN, change))
    assert await desk.status(change) == "approved"
    await desk.work().drain()
    assert (await desk.status(change), desk.live()) == ("applied", FRIENDLIER)


async def test_a_test_under_way_when_it_was_revised_stores_nothing(desk: ChangeDesk) -> None:
    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    compare = desk.comparer.compare

    async def meddle(workflow: str, contents: Any, **rest: Any) -> Any:
        found = await compare(workflow, contents, **rest)
        if len(desk.comparer.asked) == 1:
            await desk.changes.revise(EVE, view.id, PROMPT + "Kindly.\n")
        return found

    desk.comparer.compare = meddle  # type: ignore[method-assign]
    await desk.work().drain()
    tested = await desk.changes.view(view.id)
    assert (tested.round, tested.status.value, len(desk.comparer.asked)) == (2, "in_review", 2)
    assert desk.comparer.asked[1][1][0].text == PROMPT + "Kindly.\n"
    assert desk.events(view.id).count("change.tested") == 1


async def test_a_heartbeat_that_the_database_does_not_take_is_not_the_last(
    desk: ChangeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    compare, extend, beats = desk.comparer.compare, changes_log.extend_hold, [0]
    loop, heard = asyncio.get_running_loop(), asyncio.Event()

    def down_at_first(*args: Any, **kwargs: Any) -> bool:
        beats[0] += 1
        if beats[0] == 1:
            raise StoreDown("full")
        loop.call_soon_threadsafe(heard.set)
        return extend(*args, **kwargs)

    async def long(*args: Any, **rest: Any) -> Any:
        await asyncio.wait_for(heard.wait(), 5)
        return await compare(*args, **rest)

    monkeypatch.setattr(changes_log, "extend_hold", down_at_first)
    monkeypatch.setattr(desk.comparer, "compare", long)
    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    work = desk.work()
    work.pace = change_work.TestPace(lease_s=0.3)
    await work.drain()
    assert (await desk.status(view.id), len(desk.comparer.asked)) == ("in_review", 1)


async def test_what_is_withdrawn_is_tested_no_longer(
    desk: ChangeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    ended: list[str] = []

    async def endless(*_: Any, **__: Any) -> Any:
        await desk.changes.withdraw(ANA, view.id)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    monkeypatch.setattr(desk.comparer, "compare", endless)
    work = desk.work()
    work.pace = change_work.TestPace(lease_s=0.3)
    await asyncio.wait_for(work.drain(), 5)
    assert (await desk.status(view.id), ended) == ("withdrawn", ["cancelled"])


async def test_a_lost_tester_is_replaced(desk: ChangeDesk) -> None:
    from sqlalchemy import update

    from bot.adapters.store.changes_log import changes

    view = await desk.changes.propose(ANA, ANSWER, FRIENDLIER, origin=HERE)
    taken = await desk.store.write(lambda c: changes_log.claim_change(c, lease_s=60))
    assert taken is not None
    assert await desk.store.write(lambda c: changes_log.claim_change(c, lease_s=60)) is None
    await desk.store.write(
        lambda c: c.execute(update(changes).values(lease_until=desk.clock.now() - timedelta(days=900)))
    )
    await desk.work().drain()
    assert await desk.status(view.id) == "in_review"


def _everyone() -> Any:
    from bot.services.readers import TERMINAL

    return TERMINAL
