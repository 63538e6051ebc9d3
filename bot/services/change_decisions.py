"""Deciding about a change request: who may, at the moment of the click, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from bot.adapters.store import changes_log as log
from bot.adapters.store.changes_log import ChangeRow, NewReview
from bot.governance.changes import ChangeStatus
from bot.governance.roles import Permission, who_may
from bot.services.access import NotAuthorized
from bot.services.actors import Actor
from bot.services.change_errors import (
    AuthorDecides,
    NeedsOverride,
    NotAnApprover,
    NotItsAuthor,
    ReasonMissing,
    RevisedMeanwhile,
    TooLate,
)
from bot.services.change_record import Step, locked, move, record
from bot.services.change_releases import Releases
from bot.services.change_views import approvers, authors_of, counted, is_failing, target_of
from bot.services.targets import Targets
from workflows.ports import Clock

_PAST_REVIEW = frozenset({ChangeStatus.APPROVED.value, ChangeStatus.APPLIED.value})


@dataclass(frozen=True, slots=True)
class Decisions:
    """Works within the caller's transaction."""

    targets: Targets
    releases: Releases
    clock: Clock

    def approve(
        self,
        connection: Connection,
        actor: Actor,
        change: str,
        *,
        override_reason: str = "",
        round_number: int | None = None,
        present: Mapping[str, Actor] | None = None,
    ) -> ChangeRow:
        """Count an approval; with the last one needed the change is approved, or stale when its base moved.

        Raises NotAnApprover, AuthorDecides, TooLate, RevisedMeanwhile, NeedsOverride.
        """
        row = locked(connection, change)
        self.authorise(connection, actor, row, Permission.APPROVE)
        said = self._review_of(connection, row, actor.id)
        if said is not None and said.verdict == "approve" and row.status in _PAST_REVIEW:
            return row
        self._refuse_deciding(connection, actor, row, round_number)
        why = self.releases.why_stale(connection, row)
        if why is not None:
            return self.releases.put_aside(connection, row, why)
        is_override = bool(override_reason) and is_failing(row)
        self._refuse_failing(connection, row, actor, is_override=is_override, present=present)
        if said is not None and (said.verdict, said.is_override) == ("approve", is_override):
            return self.settle(connection, row, actor, present)
        review = NewReview(actor.id, actor.as_json(), "approve", override_reason, is_override)
        log.put_review(connection, row.id, row.round, review, self.clock.now())
        step = Step("overridden" if is_override else "approved", actor.id, override_reason)
        record(connection, row, step, at=self.clock.now())
        return self.settle(connection, row, actor, {**(present or {}), actor.id: actor})

    def settle(
        self, connection: Connection, row: ChangeRow, by: Actor, present: Mapping[str, Actor] | None = None
    ) -> ChangeRow:
        """Approve it for good when enough of those who may now have approved."""
        counting = counted(connection, self.targets, row, self._reviews(connection, row), present)
        overridden = any(each.is_override and each.reason for each in counting)
        if len(counting) < row.approvals or (is_failing(row) and not overridden):
            return row
        context = {"approvals": [each.person for each in counting], "needed": row.approvals}
        step = Step("accepted", by.id, context=dict(context))
        return move(connection, row, ChangeStatus.APPROVED, step, at=self.clock.now())

    def request_changes(
        self, connection: Connection, actor: Actor, change: str, note: str, round_number: int | None = None
    ) -> ChangeRow:
        """Send it back to its author with what should be different."""
        return self._turn_down(
            connection, actor, change, note, ChangeStatus.REVISING, "request_changes", round_number
        )

    def reject(
        self, connection: Connection, actor: Actor, change: str, note: str, round_number: int | None = None
    ) -> ChangeRow:
        """End it, with the reason."""
        return self._turn_down(connection, actor, change, note, ChangeStatus.REJECTED, "reject", round_number)

    def withdraw(self, connection: Connection, actor: Actor, change: str) -> ChangeRow:
        """Take it back, as its author. Raises NotItsAuthor, TooLate."""
        row = locked(connection, change)
        if actor.id not in authors_of(row):
            raise NotItsAuthor(row.id, row.author_id)
        why = {"reason": "withdrawn", "by": actor.id}
        step = Step("withdrawn", actor.id)
        return move(connection, row, ChangeStatus.WITHDRAWN, step, at=self.clock.now(), why=why)

    def _turn_down(
        self,
        connection: Connection,
        actor: Actor,
        change: str,
        note: str,
        to: ChangeStatus,
        verdict: str,
        round_number: int | None,
    ) -> ChangeRow:
        row = locked(connection, change)
        self.authorise(connection, actor, row, Permission.APPROVE)
        self._refuse_deciding(connection, actor, row, round_number)
        if not note.strip():
            raise ReasonMissing(row.id)
        now = self.clock.now()
        review = NewReview(actor.id, actor.as_json(), verdict, note.strip())
        log.put_review(connection, row.id, row.round, review, now)
        why = {"reason": verdict, "by": actor.id, "note": note.strip()}
        action = "rejected" if to is ChangeStatus.REJECTED else "changes_requested"
        return move(connection, row, to, Step(action, actor.id, note.strip()), at=now, why=why)

    def authorise(self, connection: Connection, actor: Actor, row: ChangeRow, permission: Permission) -> None:
        """Raise Outsider, or NotAnApprover with those who hold the permission."""
        scope = target_of(row).scope
        try:
            self.targets.access.authorise(connection, actor, permission, scope)
        except NotAuthorized:
            grants = self.targets.access.grants(connection)
            holders = who_may(grants, permission=permission, scope=scope)
            raise NotAnApprover(permission, scope, holders) from None

    def _refuse_deciding(
        self, connection: Connection, actor: Actor, row: ChangeRow, round_number: int | None
    ) -> None:
        if actor.id in authors_of(row):
            names = approvers(connection, self.targets, target_of(row))
            raise AuthorDecides(row.id, tuple(name for name in names if name not in authors_of(row)))
        if round_number is not None and round_number != row.round:
            raise RevisedMeanwhile(row.id)
        if row.status != ChangeStatus.IN_REVIEW.value:
            raise TooLate(row.id, row.status)

    def _refuse_failing(
        self,
        connection: Connection,
        row: ChangeRow,
        actor: Actor,
        *,
        is_override: bool,
        present: Mapping[str, Actor] | None,
    ) -> None:
        """A failing case needs a reason: this person's, or one that somebody gave who still may."""
        if not is_failing(row) or is_override:
            return
        counting = counted(connection, self.targets, row, self._reviews(connection, row), present)
        if not any(each.is_override and each.reason for each in counting):
            cases = [case for each in row.tests["reports"] for case in each["newly_failing"]]
            raise NeedsOverride(row.id, tuple(cases))

    def _reviews(self, connection: Connection, row: ChangeRow) -> list[log.ReviewRow]:
        return [each for each in log.read_reviews(connection, [row.id]) if each.round == row.round]

    def _review_of(self, connection: Connection, row: ChangeRow, person: str) -> log.ReviewRow | None:
        return next((each for each in self._reviews(connection, row) if each.person == person), None)
