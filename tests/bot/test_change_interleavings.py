"""Change requests under every order of acts: nothing unapproved or stale is ever in force."""

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from bot.adapters.store import audit_log
from bot.adapters.store.all_tables import metadata
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

REFUSALS = (
    AlreadyProposed, AuthorDecides, MovedSince, NeedsOverride, NothingChanged, NothingToRollBack,
    NotItsAuthor, RevisedMeanwhile, TooLate, NotAuthorized,
)  # fmt: skip
PEOPLE = {"ana": ANA, "eve": EVE, "ben": BEN, "cleo": CLEO, "nobody": Actor("U0NOBODY")}
NEEDED = 2

people = st.sampled_from(sorted(PEOPLE))
contents = st.integers(1, 5).map(lambda number: f"{PROMPT}Rule {number}.\n")


class Interleavings(RuleBasedStateMachine):
    """Everybody does anything at any time; what they are refused changes nothing."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = TemporaryDirectory()
        self.store = Store(f"sqlite:///{self.folder.name}/changes.db")
        self.store.write_now(metadata.create_all)
        self.desk = ChangeDesk(self.store, Path(self.folder.name), policies={"prompt": Policy(NEEDED)})
        self.go(self.desk.open())
        # an editor with the approver's role: only the rule about authors holds her back
        self.go(self.desk.access.grant(DEV, "U0ANA", Role.APPROVER))
        self.approvers = {"U0BEN", "U0CLEO", "U0ANA"}
        self.expected = 1
        self.granted: dict[str, set[str]] = {}

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

    @rule(target=requests, who=people, content=contents)
    def propose(self, who: str, content: str) -> Any:
        view = self.attempt(self.desk.changes.propose(PEOPLE[who], ANSWER, content, origin=HERE))
        return view.id if view else ""

    @rule(failing=st.booleans())
    def work(self, failing: bool) -> None:
        self.desk.comparer.failing = ("carry-over",) if failing else ()
        self.desk.clock.at += timedelta(minutes=1)
        self.go(self.desk.work().drain())

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
            assert len(counting) >= NEEDED, "applied without enough approvals of people who may"
            assert before.base_number == self.expected, "applied on a base that had moved"
            if view.is_failing:
                assert any(each.is_override and each.reason for each in counting)
            self.expected = view.applied_number

    @rule(change=requests, who=people, is_final=st.booleans())
    def turn_down(self, change: str, who: str, is_final: bool) -> None:
        if change:
            changes = self.desk.changes
            act = changes.reject if is_final else changes.request_changes
            self.attempt(act(PEOPLE[who], change, "Not like this."))

    @rule(change=requests, who=people, content=contents)
    def revise(self, change: str, who: str, content: str) -> None:
        if change:
            self.attempt(self.desk.changes.revise(PEOPLE[who], change, content))

    @rule(change=requests, who=people)
    def rebase(self, change: str, who: str) -> None:
        if change:
            self.attempt(self.desk.changes.rebase(PEOPLE[who], change))

    @rule(change=requests, who=people)
    def withdraw(self, change: str, who: str) -> None:
        if change:
            self.attempt(self.desk.changes.withdraw(PEOPLE[who], change))

    @rule(change=requests, who=people)
    def undo(self, change: str, who: str) -> None:
        if change:
            before = self.row(change)
            view = self.attempt(self.desk.changes.undo(PEOPLE[who], change))
            if view is not None:
                assert before.applied_number == self.expected
                self.expected = before.previous_number

    @rule(who=people)
    def roll_back(self, who: str) -> None:
        view = self.attempt(self.desk.changes.roll_back(PEOPLE[who], ANSWER))
        if view is not None:
            self.expected = view.applied_number

    @rule(content=contents)
    def move_base(self, content: str) -> None:
        self.desk.clock.at += timedelta(minutes=1)
        self.go(self.desk.catalogue.add(DEV, [Content(ANSWER.kind, ANSWER.name, content)]))
        self.expected = self.facts()[1]

    @rule(days=st.sampled_from([1, 8]))
    def wait(self, days: int) -> None:
        self.desk.clock.at += timedelta(days=days)

    @rule(who=st.sampled_from(["U0BEN", "U0CLEO", "U0ANA"]))
    def revoke_or_grant(self, who: str) -> None:
        if who in self.approvers:
            self.approvers.discard(who)
            self.go(self.desk.access.revoke(DEV, who, Role.APPROVER))
        else:
            self.approvers.add(who)
            self.go(self.desk.access.grant(DEV, who, Role.APPROVER))

    @rule(change=consumes(requests))
    def forget(self, change: str) -> None:
        """Nobody acts on it any more."""

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
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestInterleavings = Interleavings.TestCase
