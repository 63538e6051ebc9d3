"""Change requests: what people can do with one, each act under the caller's rights of that moment."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import changes_log as log
from bot.adapters.store.changes_log import ChangeRow
from bot.adapters.store.database import Store
from bot.adapters.store.evaluations_log import read_evaluation
from bot.adapters.store.outbox_log import message_about, subject_of_message
from bot.adapters.store.versions_log import PRODUCTION, hold_labels
from bot.governance.changes import UNDECIDED, ChangeStatus, Target
from bot.governance.roles import Permission
from bot.quality.evaluation import EvaluationReport
from bot.services.actors import Actor, Origin
from bot.services.change_decisions import Decisions
from bot.services.change_errors import MovedSince, NothingToRollBack
from bot.services.change_history import History, read_history
from bot.services.change_proposals import Proposal, Proposals, Ways
from bot.services.change_record import locked
from bot.services.change_releases import Releases
from bot.services.change_views import (
    ChangeView,
    Preview,
    UnknownChange,
    subject_of,
    target_of,
    view_change,
    view_rows,
    workflow_of_target,
)
from bot.services.going_back import WayBack, way_back
from bot.services.targets import Targets, UnknownTarget
from workflows.ports import Clock

if TYPE_CHECKING:
    from bot.services.document_edits import PreparedDocument

T = TypeVar("T")


class Changes:
    """The service behind every surface."""

    def __init__(
        self, store: Store, targets: Targets, clock: Clock, outgoing: WakeUp, bell: WakeUp, ways: Ways
    ) -> None:
        self._store = store
        self._targets = targets
        self._outgoing = outgoing
        self._bell = bell
        self.releases = Releases(targets, clock)
        self.proposals = Proposals(targets, self.releases, clock, ways)
        self.decisions = Decisions(targets, self.releases, clock)

    async def preview(
        self, actor: Actor, target: Target, content: str, *, label: str = PRODUCTION
    ) -> Preview:
        """What a content would change, and what is wrong with it. Raises NotAuthorized, UnknownTarget."""
        return await self._store.read(
            lambda connection: self.proposals.preview(connection, actor, target, content, label)
        )

    async def propose(
        self,
        actor: Actor,
        target: Target,
        content: str,
        *,
        reason: str = "",
        origin: Origin,
        effect: str = "",
        key: str = "",
        label: str = PRODUCTION,
        base_hash: str = "",
    ) -> ChangeView:
        """Ask for a change; what needs no approval is in force when this returns. The same key asks once.

        A document without content is to be taken out; a grant has the content `held` or none.
        Raises NotAuthorized, UnknownTarget, InvalidContent, NothingChanged, AlreadyProposed, and MovedSince
        when `base_hash`, of the content its author saw, is not of what stands there now.
        """
        asked = Proposal(target, content, origin, reason, effect, key, label, base_hash)

        def act(connection: Connection) -> ChangeRow:
            row = self.proposals.open(connection, actor, asked)
            if row.status == ChangeStatus.APPROVED.value:
                row = self.releases.apply(connection, row, actor)
            return row

        return await self._write(act)

    async def revise(
        self,
        actor: Actor,
        change: str,
        content: str,
        *,
        effect: str = "",
        reason: str = "",
        round_number: int | None = None,
    ) -> ChangeView:
        """Propose other content in its place, on today's version; who does may no longer approve it.

        Raises NotAnApprover, TooLate, RevisedMeanwhile, InvalidContent, NothingChanged.
        """
        return await self._write(
            lambda connection: self.proposals.revise(
                connection, actor, change, content, effect=effect, reason=reason, round_number=round_number
            )
        )

    async def rebase(self, actor: Actor, change: str) -> ChangeView:
        """Propose a stale one again, the same content on today's version.

        Raises NotAnApprover, TooLate, InvalidContent, NothingChanged.
        """
        return await self._write(lambda connection: self.proposals.rebase(connection, actor, change))

    async def approve(
        self,
        actor: Actor,
        change: str,
        override_reason: str = "",
        *,
        round_number: int | None = None,
        present: Mapping[str, Actor] | None = None,
    ) -> ChangeView:
        """Approve it; with the last approval needed it is applied, a document by the worker a moment later.

        `present` are the others who approved, as they are now. The view says when it went stale instead.
        Raises NotAnApprover, AuthorDecides, TooLate, RevisedMeanwhile, NeedsOverride.
        """

        def act(connection: Connection) -> ChangeRow:
            row = self.decisions.approve(
                connection,
                actor,
                change,
                override_reason=override_reason.strip(),
                round_number=round_number,
                present=present,
            )
            if row.status == ChangeStatus.APPROVED.value and row.kind != "document":
                row = self.releases.apply(connection, row, actor)
            return row

        return await self._write(act)

    async def request_changes(
        self, actor: Actor, change: str, note: str, *, round_number: int | None = None
    ) -> ChangeView:
        """Send it back to its author. Raises as `approve`, and ReasonMissing."""
        return await self._write(
            lambda connection: self.decisions.request_changes(connection, actor, change, note, round_number)
        )

    async def reject(
        self, actor: Actor, change: str, note: str, *, round_number: int | None = None
    ) -> ChangeView:
        """End it. Raises as `approve`, and ReasonMissing."""
        return await self._write(
            lambda connection: self.decisions.reject(connection, actor, change, note, round_number)
        )

    async def withdraw(self, actor: Actor, change: str) -> ChangeView:
        """Take it back, as its author. Raises NotItsAuthor, TooLate."""
        return await self._write(lambda connection: self.decisions.withdraw(connection, actor, change))

    async def apply(self, change: str, by: Actor) -> ChangeView:
        """Put an approved one in force; what is not approved, or no longer, is left as it is."""
        view = await self.view(change)
        prepared = None
        if view.status is ChangeStatus.APPROVED:
            prepared = await self._targets.prepare(view.target, view.content, view.author)

        def act(connection: Connection) -> ChangeRow:
            row = locked(connection, change)
            if row.status != ChangeStatus.APPROVED.value or row.round != view.round:
                return row
            return self.releases.apply(connection, row, by, prepared)

        return await self._write(act)

    async def undo(self, actor: Actor, change: str) -> ChangeView:
        """Put back what stood before it, whenever that was.

        Raises NotAnApprover, TooLate, MovedSince when something came after it, WouldBreak.
        """
        view = await self.view(change)
        prepared = await self._prepare_version(view.target, view.previous_number)

        def act(connection: Connection) -> ChangeRow:
            row = locked(connection, change)
            self.decisions.authorise(connection, actor, row, permission_to_go_back(view.target))
            return self.releases.undo(connection, row, actor, prepared)

        return await self._write(act)

    async def roll_back(
        self,
        actor: Actor,
        target: Target | str,
        to_number: int | None = None,
        *,
        origin: Origin | None = None,
        expected: int | None = None,
    ) -> ChangeView:
        """Point production at the version before, or at that number; for a workflow, of what moved last.

        `expected` is the number that the person saw as live.
        Raises NotAuthorized, UnknownTarget, NothingToRollBack, MovedSince, WouldBreak.
        """
        place = origin or Origin("terminal")
        found, number = await self._store.read(
            lambda connection: self._way_back(connection, actor, target, to_number)
        )
        prepared = await self._prepare_version(found, number)

        def act(connection: Connection) -> ChangeRow:
            hold_labels(connection)
            row = self._rollback_row(connection, actor, found, number, place, expected)
            return self.releases.apply(connection, row, actor, prepared)

        return await self._write(act)

    async def preview_roll_back(
        self, actor: Actor, target: Target | str, to_number: int | None = None
    ) -> WayBack:
        """What `roll_back` would put in force. Raises NotAuthorized, UnknownTarget, NothingToRollBack."""

        def look(connection: Connection) -> WayBack:
            return way_back(connection, self._targets, *self._way_back(connection, actor, target, to_number))

        return await self._store.read(look)

    async def preview_undo(self, actor: Actor, change: str) -> WayBack:
        """What `undo` would put in force. Raises UnknownChange and all that `undo` raises."""

        def look(connection: Connection) -> WayBack:
            row = log.find_change(connection, change)
            if row is None:
                raise UnknownChange(change)
            target = target_of(row)
            self.decisions.authorise(connection, actor, row, permission_to_go_back(target))
            self.releases.before(connection, row)
            return way_back(connection, self._targets, target, row.previous_number or 0, row.label)

        return await self._store.read(look)

    async def view(self, change: str) -> ChangeView:
        """One as it stands. Raises UnknownChange."""
        return await self._store.read(lambda connection: view_change(connection, self._targets, change))

    def load(self, connection: Connection, change: str) -> ChangeView | None:
        """As `view`, for the courier: None for what is not there."""
        row = log.find_change(connection, change)
        return view_rows(connection, self._targets, [row])[0] if row is not None else None

    async def by_message(self, channel: str, ts: str) -> ChangeView | None:
        """The one whose message this is, or None."""

        def look(connection: Connection) -> ChangeView | None:
            kind, _, name = subject_of_message(connection, channel, ts).partition(":")
            return self.load(connection, name) if kind == "change" else None

        return await self._store.read(look)

    async def recent(
        self, actor: Actor, target: Target | None = None, *, is_open: bool = False, limit: int = 20
    ) -> tuple[ChangeView, ...]:
        """Newest first, those about what the actor may propose, approve or roll back."""

        def look(connection: Connection) -> tuple[ChangeView, ...]:
            statuses = UNDECIDED if is_open else ()
            rows = log.list_changes(connection, target=target, statuses=statuses, limit=200)
            mine = [row for row in rows if self._concerns(connection, actor, row)]
            return view_rows(connection, self._targets, mine[:limit])

        return await self._store.read(look)

    async def history(self, actor: Actor, target: Target) -> History:
        """Every version with who moved the target to it. Raises NotAuthorized, UnknownTarget."""
        return await self._store.read(
            lambda connection: read_history(connection, self.releases, actor, target)
        )

    async def own_targets(self, workflow: str) -> tuple[Target, ...]:
        """What a workflow has of its own, the last moved first."""
        return await self._store.read(lambda connection: self.releases.own_targets(connection, workflow))

    async def title_of(self, target: Target) -> str:
        """The title of the workflow a target belongs to; empty when it belongs to none."""

        def look(connection: Connection) -> str:
            workflow = workflow_of_target(connection, self._targets, target)
            return workflow.title if workflow else ""

        return await self._store.read(look)

    async def places(self, changes: Sequence[str]) -> dict[str, tuple[str, str]]:
        """Channel and ts of each one's message; empty strings until it is posted."""
        return await self._store.read(
            lambda connection: {each: message_about(connection, subject_of(each)) for each in changes}
        )

    async def reports(self, change: str) -> tuple[EvaluationReport, ...]:
        """The whole reports of what was tested. Raises UnknownChange."""
        view = await self.view(change)

        def look(connection: Connection) -> tuple[EvaluationReport, ...]:
            rows = (read_evaluation(connection, each.evaluation_id) for each in view.tests)
            return tuple(EvaluationReport.from_json(row.report) for row in rows if row and row.report)

        return await self._store.read(look)

    def _concerns(self, connection: Connection, actor: Actor, row: ChangeRow) -> bool:
        scope = target_of(row).scope
        asked = (Permission.PROPOSE, Permission.EDIT_KNOWLEDGE, Permission.APPROVE, Permission.ROLL_BACK)
        return row.author_id == actor.id or any(
            self._targets.access.may(connection, actor, each, scope) for each in asked
        )

    def _way_back(
        self, connection: Connection, actor: Actor, target: Target | str, to_number: int | None
    ) -> tuple[Target, int]:
        """What to roll back, and to which version."""
        candidates = (
            (target,) if isinstance(target, Target) else self.releases.own_targets(connection, target)
        )
        if not candidates:
            raise UnknownTarget(Target("workflow", str(target)))
        self._targets.access.authorise(
            connection, actor, permission_to_go_back(candidates[0]), candidates[0].scope
        )
        if to_number is not None:
            return candidates[0], to_number
        for each in candidates:
            current = self._targets.current(connection, each)
            try:
                return each, self.releases.previous(connection, each, current)
            except NothingToRollBack:
                continue
        raise NothingToRollBack(str(target) if isinstance(target, str) else target.name)

    def _rollback_row(
        self,
        connection: Connection,
        actor: Actor,
        target: Target,
        number: int,
        origin: Origin,
        expected: int | None,
    ) -> ChangeRow:
        """A record of going back, as a change that needs no approval."""
        access = self._targets.access
        access.authorise(connection, actor, permission_to_go_back(target), target.scope)
        current = self._targets.current(connection, target)
        if expected is not None and expected != current.number:
            moved = self._targets.moved_last(connection, target)
            raise MovedSince(target, (expected, current.number), moved.by, moved.at)
        if current.number == number:
            raise NothingToRollBack(target.name)
        content = self.releases.check_going_back(connection, target, number, PRODUCTION)
        return self.proposals.keep_rollback(connection, actor, target, current, number, content, origin)

    async def _prepare_version(self, target: Target, number: int | None) -> "PreparedDocument | None":
        if target.kind != "document" or not number:
            return None
        text = await self._store.read(lambda connection: self._targets.text_of(connection, target, number))
        return await self._targets.prepare(target, text, "")

    async def _write(self, act: Callable[[Connection], ChangeRow]) -> ChangeView:
        def work(connection: Connection) -> ChangeView:
            return view_rows(connection, self._targets, [act(connection)])[0]

        view = await self._store.write(work)
        self._outgoing.ring()
        self._bell.ring()
        return view


def permission_to_go_back(target: Target) -> Permission:
    """What it takes to undo a change of the target, or to roll it back."""
    return Permission.GRANT if target.kind == "grant" else Permission.ROLL_BACK
