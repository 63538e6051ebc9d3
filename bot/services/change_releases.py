"""Putting an approved change in force, taking it back, and going back to an earlier version."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.store import audit_log, outbox_log
from bot.adapters.store import changes_log as log
from bot.adapters.store.audit_log import AuditEvent
from bot.adapters.store.changes_log import ChangeRow
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.governance.changes import UNDECIDED, ChangeStatus, Target
from bot.services.actors import Actor
from bot.services.change_errors import MovedSince, NothingToRollBack, TooLate, WouldBreak
from bot.services.change_record import Step, move
from bot.services.change_views import target_of
from bot.services.content_checks import InvalidContent, checked
from bot.services.contents import PROMPT, WORKFLOW
from bot.services.staging import CARD
from bot.services.targets import Current, Move, Targets, UnknownTarget
from bot.services.work import ITSELF
from workflows.ports import Clock
from workflows.versions import content_hash

if TYPE_CHECKING:
    from bot.services.document_edits import PreparedDocument

MOVES = 500
"""Audit events of one target that are looked through for where its label stood."""


@dataclass(frozen=True, slots=True)
class LabelMove:
    """One time that a target was moved."""

    by: str
    at: datetime
    action: str
    """`prompt.released`, `prompt.rolled_back`, `document.removed` ..."""
    number: int
    change_id: str


@dataclass(frozen=True, slots=True)
class Releases:
    """Works within the caller's transaction."""

    targets: Targets
    clock: Clock

    def why_stale(self, connection: Connection, row: ChangeRow) -> dict[str, str] | None:
        """What moved under a change request; None while it stands on what is there."""
        target = target_of(row)
        try:
            current = self.targets.current(connection, target, row.label)
        except UnknownTarget:
            return {"reason": "gone"}
        if (current.number, current.content_hash) == (row.base_number, content_hash(row.base_content)):
            return None
        moved = self.targets.moved_last(connection, target, row.label)
        return {
            "reason": "moved",
            "from": str(row.base_number),
            "to": str(current.number),
            "by": moved.by,
            "at": moved.at.isoformat() if moved.at else "",
        }

    def put_aside(self, connection: Connection, row: ChangeRow, why: dict[str, str]) -> ChangeRow:
        """Mark a change request stale."""
        step = Step("stale", ITSELF, context=dict(why))
        return move(connection, row, ChangeStatus.STALE, step, at=self.clock.now(), why=why)

    def apply(
        self, connection: Connection, row: ChangeRow, by: Actor, prepared: "PreparedDocument | None" = None
    ) -> ChangeRow:
        """Put an approved change in force, or mark it stale when it no longer stands on what is there."""
        target, is_rollback = target_of(row), bool(row.tests.get("is_rollback"))
        why = self.why_stale(connection, row) or (None if is_rollback else self._unfit(connection, row))
        if why is not None:
            return self.put_aside(connection, row, why)
        moved = Move(
            target=target,
            text=None if is_rollback and not row.content else row.content,
            by=by,
            author=row.author_id,
            action="rolled_back" if is_rollback else "released",
            change_id=row.id,
            label=row.label,
            prepared=prepared,
        )
        before, after = self.targets.put(connection, moved)
        step = Step("rolled_back" if is_rollback else "applied", by.id, context={"from": before, "to": after})
        applied = move(
            connection,
            row,
            ChangeStatus.APPLIED,
            step,
            at=self.clock.now(),
            previous_number=before,
            applied_number=after,
            is_announced=False,
        )
        self._settle_others(connection, applied)
        self._redraw_cards(connection, applied)
        return applied

    def _redraw_cards(self, connection: Connection, row: ChangeRow) -> None:
        """Readiness cards show the candidate, which people approve by what they read there."""
        if row.label != CANDIDATE:
            return
        target = target_of(row)
        for name in {target.workflow, *self.targets.affected(connection, target, CANDIDATE)}:
            outbox_log.redraw(connection, f"{CARD}:{name}")

    def _unfit(self, connection: Connection, row: ChangeRow) -> dict[str, str] | None:
        """What around it changed so that the content can no longer be used."""
        try:
            checked(connection, self.targets, target_of(row), row.content, row.label)
        except InvalidContent as error:
            return {"reason": "unfit", "problems": error.facts["problems"]}
        return None

    def _settle_others(self, connection: Connection, row: ChangeRow) -> None:
        """Other requests about the same: open ones are stale now, one that was rolled back is undone."""
        for other in log.list_changes(connection, target=target_of(row), limit=MOVES):
            if other.id == row.id or other.label != row.label:
                continue
            status = ChangeStatus(other.status)
            if status in UNDECIDED and status is not ChangeStatus.STALE:
                why = self.why_stale(connection, other)
                if why is not None:
                    self.put_aside(connection, other, why)
            elif self._is_taken_back(other, row):
                step = Step("undone", row.author_id, context={"by_rollback": row.id})
                why = {"reason": "rolled_back", "by": row.author_id}
                move(connection, other, ChangeStatus.UNDONE, step, at=self.clock.now(), why=why)

    @staticmethod
    def _is_taken_back(other: ChangeRow, rollback: ChangeRow) -> bool:
        return (
            bool(rollback.tests.get("is_rollback"))
            and other.status == ChangeStatus.APPLIED.value
            and other.applied_number == rollback.previous_number
        )

    def undo(
        self, connection: Connection, row: ChangeRow, by: Actor, prepared: "PreparedDocument | None"
    ) -> ChangeRow:
        """Put back what stood before. Raises TooLate, MovedSince, WouldBreak."""
        target, text = target_of(row), self.before(connection, row)
        back = Move(target, text, by, by.id, "rolled_back", row.id, row.label, prepared)
        before, after = self.targets.put(connection, back)
        step = Step("undone", by.id, context={"from": before, "to": after})
        why = {"reason": "undone", "by": by.id}
        undone = move(connection, row, ChangeStatus.UNDONE, step, at=self.clock.now(), why=why)
        self._settle_others(connection, undone)
        self._redraw_cards(connection, undone)
        return undone

    def before(self, connection: Connection, row: ChangeRow) -> str | None:
        """What undoing would put back. Raises TooLate, MovedSince, WouldBreak when it cannot be undone."""
        target = target_of(row)
        if row.status != ChangeStatus.APPLIED.value:
            raise TooLate(row.id, row.status)
        current = self.targets.current(connection, target, row.label)
        if current.number != row.applied_number:
            moved = self.targets.moved_last(connection, target, row.label)
            raise MovedSince(target, (row.applied_number, current.number), moved.by, moved.at)
        text = self.targets.text_of(connection, target, row.previous_number)
        self._refuse_breaking(connection, target, text, row.label)
        return text

    def _refuse_breaking(self, connection: Connection, target: Target, text: str | None, label: str) -> None:
        """Raise WouldBreak when workflows could not run with what stood before."""
        if target.kind in ("document", "grant"):
            return
        users = tuple(
            name for name in self.targets.affected(connection, target, label) if name != target.workflow
        )
        if text is None:
            if (users and target.kind == WORKFLOW) or target.kind == PROMPT:
                raise WouldBreak(target, users or (target.workflow,))
            return
        try:
            checked(connection, self.targets, target, text, label)
        except InvalidContent:
            raise WouldBreak(target, users or (target.workflow,)) from None

    def previous(
        self, connection: Connection, target: Target, current: Current, label: str = PRODUCTION
    ) -> int:
        """The version that stood before the one that stands now was released. Raises NothingToRollBack."""
        if target.kind in ("document", "grant"):
            if current.number < 2 or target.kind == "grant":
                raise NothingToRollBack(target.name)
            return current.number - 1
        # values and rules that were never set apart are those of the workflow's file
        first = [0] if target.kind in ("parameters", "rules") else []
        stack = _released_numbers(reversed(self.moves(connection, target, label)), first)
        below = stack[: stack.index(current.number)] if current.number in stack else stack
        if not below:
            raise NothingToRollBack(target.name)
        return below[-1]

    def check_going_back(self, connection: Connection, target: Target, number: int, label: str) -> str:
        """What an earlier version said, when it can be used again. Raises WouldBreak, UnknownTarget."""
        text = self.targets.text_of(connection, target, number)
        self._refuse_breaking(connection, target, text, label)
        return text or ""

    def own_targets(self, connection: Connection, workflow: str) -> tuple[Target, ...]:
        """What a workflow has of its own: itself, its prompts, values and rules, the last moved first."""
        live = self.targets.catalogue.versions(connection)
        kinds = (WORKFLOW, PROMPT, "parameters", "rules")
        found = [Target(kind, name) for kind, name in live if kind in kinds]  # type: ignore[arg-type]
        own = [target for target in found if target.workflow == workflow]
        return tuple(sorted(own, key=lambda target: self._moved_at(connection, target), reverse=True))

    def _moved_at(self, connection: Connection, target: Target) -> str:
        moved = self.targets.moved_last(connection, target)
        return moved.at.isoformat() if moved.at else ""

    def moves(self, connection: Connection, target: Target, label: str = PRODUCTION) -> tuple[LabelMove, ...]:
        """Every time a target was moved, newest first."""
        name = target.name if target.kind in ("document", "grant") else str(target)
        events = audit_log.read_events(connection, target=name, limit=MOVES)
        return tuple(_move_of(event) for event in events if event.context.get("label", PRODUCTION) == label)


def _move_of(event: AuditEvent) -> LabelMove:
    number = event.context.get("after", event.context.get("number", 0))
    return LabelMove(
        event.actor,
        event.occurred_at,
        event.action,
        int(str(number)),
        str(event.context.get("change", "")),
    )


def _released_numbers(moves: Iterable[LabelMove], first: list[int]) -> list[int]:
    """Where the label stood, as a stack: a release is put on it, going back takes off what it left."""
    stack = list(first)
    for each in moves:
        if each.number in stack and not each.action.endswith(".released"):
            stack = stack[: stack.index(each.number) + 1]
        elif not stack or stack[-1] != each.number:
            stack.append(each.number)
    return stack
