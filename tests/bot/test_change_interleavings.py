"""Change requests under every order of acts: nothing unapproved or stale is ever in force."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from bot.adapters.store import audit_log
from bot.adapters.store.changes_log import find_change, list_changes, read_reviews
from bot.adapters.store.database import Store
from bot.adapters.store.versions_log import find_labelled
from bot.governance.changes import CHANGE_TRANSITIONS, FIRST, ChangeStatus, Policy
from bot.governance.roles import Role
from bot.services.access import NotAuthorized
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.services.change_errors import (
    AlreadyProposed,
    AuthorDecides,
    MovedSince,
    NeedsOverride,
    NothingChanged,
    NothingToRollBack,
    NotItsAuthor,
    RevisedMeanwhile,
    TooLate,
)
from tests.bot.change_desk import ANA, ANSWER, BEN, CLEO, DEV, EVE, HERE, PROMPT, ChangeDesk
from tests.databases import with_tables

REFUSALS = (
    AlreadyProposed, AuthorDecides, MovedSince, NeedsOverride, NothingChanged, NothingToRollBack,
    NotItsAuthor, RevisedMeanwhile, TooLate, NotAuthorized,
)  # fmt: skip
PEOPLE = {"ana": ANA, "eve": EVE, "ben": BEN, "cleo": CLEO, "nobody": Actor("U0NOBODY")}

people = st.sampled_from(sorted(PEOPLE))
contents = st.integers(1, 9).map(lambda number: f"{PROMPT}Rule {number}.\n")


class Interleavings(RuleBasedStateMachine):
    """Everybody does anything at any time; what they are refused changes nothing."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.store = Store(with_tables(Path(self.folder.name) / "changes.db"))
        self.desk = ChangeDesk(self.store, Path(self.folder.name))
        self.go(self.desk.open())
        # an editor with the approver's role: only the rule about authors holds her back
        self.go(self.desk.access.grant(DEV, "U0ANA", Role.APPROVER))
        self.approvers = {"U0BEN", "U0CLEO", "U0ANA"}
        self.expected = 1

    def teardown(self) -> None:
        self.go(self.desk.holdings.close())
        self.store.close()
        self.loop.close()
        self.folder.cleanup()

    def go(self, act: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(act)

    def attempt(self, act: Coroutine[Any, Any, Any]) -> Any:
        before = self.facts()
        self.desk.clock.at += timedelta(minutes=1)
        try:
            return self.go(act)
        except REFUSALS:
            assert self.facts() == before, "a refusal changed something"
            return None

    def facts(self) -> Any:
        def look(connection: Any) -> Any:
            rows = list_changes(connection, limit=500)
            found = find_labelled(connection, ANSWER.kind, ANSWER.name)
            return (
                sorted((row.id, row.status, row.round) for row in rows),
                found.number if found else 0,
                len(audit_log.read_events(connection, limit=5000)),
            )

        return self.store.read_now(look)

    @rule(
        target=requests,
        who=st.sampled_from(["ana", "ana", "eve", "ben"]),
        content=contents,
        is_tested=st.sampled_from([True, True, True, False]),
        failing=st.sampled_from([False, False, False, True]),
        needed=st.sampled_from([2, 2, 1]),
    )
    def propose(self, who: str, content: str, is_tested: bool, failing: bool, needed: int) -> Any:
        self.desk.changes.proposals.ways.policies["prompt"] = Policy(needed)  # type: ignore[index]
        view = self.attempt(self.desk.changes.propose(PEOPLE[who], ANSWER, content, origin=HERE))
        if view and is_tested:
            self.work(failing)
        return view.id if view else ""

    def work(self, failing: bool) -> None:
        self.desk.comparer.failing = ("carry-over",) if failing else ()
        self.desk.clock.at += timedelta(minutes=1)
        self.go(self.desk.work().drain())

    @rule(
        change=requests,
        order=st.permutations(["ana", "ben", "cleo", "eve"]),
        reason=st.sampled_from(["", "Out of date."]),
        between=st.sampled_from(["", "revoke", "move base"]),
    )
    def approve_in_turn(self, change: str, order: list[str], reason: str, between: str) -> None:
        """One after the other; after the first one loses the role, or the base moves."""
        for position, who in enumerate(order):
            self.approve(change, who, reason)
            if position == 0 and between == "revoke" and PEOPLE[who].id in self.approvers:
                self.revoke_or_grant(PEOPLE[who].id)
            elif position == 0 and between == "move base":
                self.happen("ana", f"{PROMPT}Moved {self.desk.clock.at}.\n", between)

    @rule(change=requests, who=people, reason=st.sampled_from(["", "Out of date."]))
    def approve(self, change: str, who: str, reason: str) -> None:
        if not change:
            return
        before = self.row(change)
        allowed = self.approvers - {before.author_id, *before.authors}
        view = self.attempt(self.desk.changes.approve(PEOPLE[who], change, reason))
        if view is not None and view.status is ChangeStatus.APPLIED and before.status == "in_review":
            said = self.store.read_now(lambda c: read_reviews(c, [change]))
            counting = [
                each for each in said
                if each.round == view.round and each.verdict == "approve" and each.person in allowed
            ]  # fmt: skip
            assert len(counting) >= before.approvals, "applied without enough approvals of people who may"
            assert before.base_number == self.expected, "applied on a base that had moved"
            if view.is_failing:
                assert any(each.is_override and each.reason for each in counting)
            self.expected = view.applied_number

    @rule(
        change=requests,
        who=people,
        content=contents,
        act=st.sampled_from(["request_changes", "reject", "revise", "rebase", "withdraw", "undo", "undo"]),
    )
    def act_on(self, change: str, who: str, content: str, act: str) -> None:
        """Everything a person can do to a change request but approve it."""
        if not change:
            return
        before, changes, person = self.row(change), self.desk.changes, PEOPLE[who]
        acts = {
            "request_changes": lambda: changes.request_changes(person, change, "Not like this."),
            "reject": lambda: changes.reject(person, change, "No."),
            "revise": lambda: changes.revise(person, change, content),
            "rebase": lambda: changes.rebase(person, change),
            "withdraw": lambda: changes.withdraw(person, change),
            "undo": lambda: changes.undo(person, change),
        }
        view = self.attempt(acts[act]())
        if view is not None and act == "undo":
            assert before.applied_number == self.expected, "took back more than its own change"
            self.expected = before.previous_number
        if act in ("revise", "rebase"):
            self.work(failing=False)

    @rule(
        who=people,
        content=contents,
        event=st.sampled_from(["roll back", "move base", "a day", "eight days", "work", "revoke"]),
    )
    def happen(self, who: str, content: str, event: str) -> None:
        """What happens around the requests."""
        if event == "roll back":
            view = self.attempt(self.desk.changes.roll_back(PEOPLE[who], ANSWER))
            self.expected = view.applied_number if view is not None else self.expected
        elif event == "move base":
            self.desk.clock.at += timedelta(minutes=1)
            self.go(self.desk.catalogue.add(DEV, [Content(ANSWER.kind, ANSWER.name, content)]))
            self.expected = self.facts()[1]
        elif event == "revoke":
            self.revoke_or_grant(PEOPLE[who].id)
        elif event == "work":
            self.work(failing=False)
        else:
            self.desk.clock.at += timedelta(days=1 if event == "a day" else 8)

    def revoke_or_grant(self, who: str) -> None:
        if who in self.approvers:
            self.approvers.discard(who)
            self.go(self.desk.access.revoke(DEV, who, Role.APPROVER))
        else:
            self.approvers.add(who)
            self.go(self.desk.access.grant(DEV, who, Role.APPROVER))

    def row(self, change: str) -> Any:
        return self.store.read_now(lambda connection: find_change(connection, change))

    @invariant()
    def the_label_is_where_the_acts_put_it(self) -> None:
        assert self.facts()[1] == self.expected

    @invariant()
    def the_audit_tells_the_same_story(self) -> None:
        def look(connection: Any) -> Any:
            rows = list_changes(connection, limit=500)
            moves = audit_log.read_events(connection, target=str(ANSWER), limit=5000)
            events = {
                row.id: list(
                    reversed(audit_log.read_events(connection, target=f"change:{row.id}", limit=5000))
                )
                for row in rows
            }
            return rows, moves, events, audit_log.verify(connection)

        rows, moves, events, verified = self.store.read_now(look)
        assert verified.bad_seq is None
        last = moves[0].context
        assert last.get("after", last["number"]) == self.expected
        for row in rows:
            self.follow(row, events[row.id])

    @staticmethod
    def follow(row: Any, events: list[Any]) -> None:
        """Each event begins where the one before ended, along the table; testing begins without one."""
        state = ChangeStatus(events[0].context["after"])
        assert state in FIRST
        for event in events[1:]:
            before, after = ChangeStatus(event.context["before"]), ChangeStatus(event.context["after"])
            if before is ChangeStatus.TESTING and state is ChangeStatus.OPEN:
                state = before
            assert before is state
            assert after is state or after in CHANGE_TRANSITIONS[state]
            state = after
        assert row.status == state.value or (row.status, state) == ("testing", ChangeStatus.OPEN)


Interleavings.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestInterleavings = Interleavings.TestCase
