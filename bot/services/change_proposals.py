"""Writing a change request: looking ahead, proposing, revising and basing it on today's version."""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import changes_log as log
from bot.adapters.store.changes_log import ChangeRow
from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import UNDECIDED, ChangeStatus, Policy, Target, TargetKind
from bot.governance.differences import differences
from bot.governance.roles import Permission, who_may
from bot.services.access import NotAuthorized
from bot.services.actors import Actor, Origin
from bot.services.change_errors import (
    AlreadyProposed,
    MovedSince,
    NotAnApprover,
    NothingChanged,
    RevisedMeanwhile,
    TooLate,
)
from bot.services.change_posts import post_change
from bot.services.change_record import Step, locked, move, record
from bot.services.change_releases import Releases
from bot.services.change_views import Preview, authors_of, target_of, workflow_of_target
from bot.services.content_checks import InvalidContent, checked
from bot.services.effects import effect_of, readable
from bot.services.opaque_ids import change_id
from bot.services.targets import Current, Targets
from workflows.ports import Clock
from workflows.versions import content_hash

UNTESTED_KINDS = frozenset({"grant"})
"""Kinds of change that no case could say anything about."""


@dataclass(frozen=True, slots=True)
class Ways:
    """How this installation handles change requests."""

    policies: Mapping[TargetKind, Policy]
    days: int = 14
    """After which an undecided one expires."""
    review_channel: str = ""
    """Where they are posted; empty for where each was asked."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody wants to change."""

    target: Target
    content: str
    origin: Origin
    reason: str = ""
    effect: str = ""
    """In the proposer's words; made from the difference when empty."""
    key: str = ""
    """The same key again is the same proposal."""
    label: str = PRODUCTION
    base_hash: str = ""
    """Of the content that its author saw; empty for whatever stands there now."""


@dataclass(frozen=True, slots=True)
class Proposals:
    """Works within the caller's transaction."""

    targets: Targets
    releases: Releases
    clock: Clock
    ways: Ways

    def preview(
        self, connection: Connection, actor: Actor, target: Target, content: str, label: str
    ) -> Preview:
        """What a content would change, and what is wrong with it. Raises NotAuthorized, UnknownTarget."""
        self.authorise(connection, actor, target)
        current = self.targets.current(connection, target, label)
        problems: tuple[str, ...] = ()
        try:
            content = checked(connection, self.targets, target, content, label)
        except InvalidContent as error:
            problems = error.problems
        workflow = workflow_of_target(connection, self.targets, target, label)
        old, new = readable(target, current.text, workflow), readable(target, content, workflow)
        affected = self.targets.affected(connection, target, label)
        return Preview(
            target=target,
            title=workflow.title if workflow else "",
            base_number=current.number,
            old=old,
            new=new,
            pieces=differences(old, new),
            effect=effect_of(target, current.text, content, affected=affected, workflow=workflow),
            problems=problems,
            affected=affected,
        )

    def authorise(self, connection: Connection, actor: Actor, target: Target) -> None:
        """Raise Outsider or NotAuthorized unless the actor may propose a change of the target."""
        self.targets.access.authorise(connection, actor, permission_to_propose(target), target.scope)

    def open(self, connection: Connection, actor: Actor, asked: Proposal) -> ChangeRow:
        """Keep a proposal and post it; the same key again gives what was kept before.

        Where the actor's own request about it was sent back, this is its next round, in the same thread.
        """
        self.authorise(connection, actor, asked.target)
        known = log.find_change(connection, _id_of(asked.key)) if asked.key else None
        if known is not None:
            return known
        current = self.targets.current(connection, asked.target, asked.label)
        if asked.base_hash not in ("", current.content_hash):
            moved = self.targets.moved_last(connection, asked.target, asked.label)
            raise MovedSince(asked.target, (0, current.number), moved.by, moved.at)
        content = self._new_content(connection, asked, current)
        waiting = self._sent_back(connection, actor, asked)
        if waiting is not None:
            return self.revise(
                connection, actor, waiting.id, asked.content, effect=asked.effect, reason=asked.reason
            )
        self._refuse_twice(connection, asked, content)
        needed = self.ways.policies[asked.target.kind].approvals
        at_once = needed == 0 and asked.target.kind in UNTESTED_KINDS
        values = {
            "id": _id_of(asked.key) if asked.key else change_id(),
            "kind": asked.target.kind,
            "name": asked.target.name,
            "label": asked.label,
            "round": 1,
            "origin": asked.origin.as_json(),
            "reason": asked.reason,
            "status": ChangeStatus.APPROVED if at_once else ChangeStatus.OPEN,
            "approvals": needed,
            "authors": [],
            "tests": {},
            **self._content(connection, asked.target, current, content, asked.label, asked.effect),
            **self._written_by(actor),
        }
        return self.keep(connection, actor, values, "proposed")

    def keep(self, connection: Connection, actor: Actor, values: Mapping[str, Any], action: str) -> ChangeRow:
        """Insert a change request, post its message and record its beginning."""
        now = self.clock.now()
        log.insert_change(connection, {**values, "created_at": now, "updated_at": now})
        row = locked(connection, str(values["id"]))
        post_change(connection, self.targets, row, review_channel=self.ways.review_channel, at=now)
        context = {"content_hash": row.content_hash, "base": row.base_number}
        record(connection, row, Step(action, actor.id, context=context), at=now)
        return row

    def keep_rollback(
        self,
        connection: Connection,
        actor: Actor,
        target: Target,
        current: Current,
        number: int,
        content: str,
        origin: Origin,
    ) -> ChangeRow:
        """Going back to an earlier version, recorded as a change that is approved as it begins."""
        values = {
            "id": change_id(),
            "kind": target.kind,
            "name": target.name,
            "label": PRODUCTION,
            "round": 1,
            "origin": origin.as_json(),
            "reason": "",
            "status": ChangeStatus.APPROVED,
            "approvals": 0,
            "authors": [],
            "tests": {"is_rollback": True, "to": number},
            **self._content(connection, target, current, content, PRODUCTION, ""),
            **self._written_by(actor),
        }
        return self.keep(connection, actor, values, "rollback_asked")

    def revise(
        self,
        connection: Connection,
        actor: Actor,
        change: str,
        content: str,
        *,
        effect: str = "",
        reason: str = "",
        round_number: int | None = None,
    ) -> ChangeRow:
        """Another round with other content, on today's version; its writer no longer decides about it."""
        row = locked(connection, change)
        self._refuse_unlike(row, round_number)
        target = target_of(row)
        self._authorise_writing(connection, actor, row)
        current = self.targets.current(connection, target, row.label)
        asked = Proposal(target, content, Origin.from_json(row.origin), label=row.label)
        kept = self._new_content(connection, asked, current)
        if kept == row.content and self.releases.why_stale(connection, row) is None:
            raise NothingChanged(target)
        values = self._content(connection, target, current, kept, row.label, effect)
        values |= {"reason": reason or row.reason, "why": {}}
        return self._again(connection, actor, row, values, Step("revised", actor.id))

    def rebase(self, connection: Connection, actor: Actor, change: str) -> ChangeRow:
        """Propose the same content again, on today's version. Raises TooLate unless it is stale."""
        row = locked(connection, change)
        if row.status != ChangeStatus.STALE.value:
            raise TooLate(row.id, row.status)
        target = target_of(row)
        self._authorise_writing(connection, actor, row)
        current = self.targets.current(connection, target, row.label)
        asked = Proposal(target, row.content, Origin.from_json(row.origin), label=row.label)
        kept = self._new_content(connection, asked, current)
        values = self._content(connection, target, current, kept, row.label, "")
        values["why"] = {"reason": "rebased", "from": str(row.base_number), "to": str(current.number)}
        context = {"from": row.base_number, "to": current.number}
        return self._again(connection, actor, row, values, Step("rebased", actor.id, context=context))

    def _again(
        self, connection: Connection, actor: Actor, row: ChangeRow, values: dict[str, Any], step: Step
    ) -> ChangeRow:
        values |= {
            "round": row.round + 1,
            "tests": {},
            "authors": sorted(authors_of(row)),
            # a tester that is still at it must not store what it found of the round before
            "fence": row.fence + 1,
            **self._written_by(actor),
        }
        if row.status == ChangeStatus.OPEN.value:
            log.set_change(connection, row.id, updated_at=self.clock.now(), **values)
            record(connection, row, step, at=self.clock.now())
            return locked(connection, row.id)
        return move(connection, row, ChangeStatus.OPEN, step, at=self.clock.now(), **values)

    def _new_content(self, connection: Connection, asked: Proposal, current: Current) -> str:
        content = checked(connection, self.targets, asked.target, asked.content, asked.label)
        if content_hash(content) == current.content_hash:
            raise NothingChanged(asked.target)
        return content

    @staticmethod
    def _sent_back(connection: Connection, actor: Actor, asked: Proposal) -> ChangeRow | None:
        rows = log.list_changes(connection, target=asked.target, statuses={ChangeStatus.REVISING})
        own = (row for row in rows if (row.author_id, row.label) == (actor.id, asked.label))
        return next(own, None)

    def _refuse_twice(self, connection: Connection, asked: Proposal, content: str) -> None:
        for other in log.list_changes(connection, target=asked.target, statuses=UNDECIDED):
            if (other.content_hash, other.label) == (content_hash(content), asked.label):
                raise AlreadyProposed(other.id, other.author_id)

    @staticmethod
    def _refuse_unlike(row: ChangeRow, round_number: int | None) -> None:
        if row.status not in UNDECIDED:
            raise TooLate(row.id, row.status)
        if round_number is not None and round_number != row.round:
            raise RevisedMeanwhile(row.id)

    def _authorise_writing(self, connection: Connection, actor: Actor, row: ChangeRow) -> None:
        target = target_of(row)
        try:
            self.authorise(connection, actor, target)
        except NotAuthorized:
            permission = permission_to_propose(target)
            grants = self.targets.access.grants(connection)
            holders = who_may(grants, permission=permission, scope=target.scope)
            raise NotAnApprover(permission, target.scope, holders) from None

    def _content(
        self,
        connection: Connection,
        target: Target,
        current: Current,
        content: str,
        label: str,
        effect: str,
    ) -> dict[str, Any]:
        """The columns that follow from what is proposed and what stands there today."""
        affected = self.targets.affected(connection, target, label)
        workflow = workflow_of_target(connection, self.targets, target, label)
        made = effect_of(target, current.text, content, affected=affected, workflow=workflow)
        return {
            "base_number": current.number,
            "base_content": current.text,
            "content": content,
            "content_hash": content_hash(content),
            "effect": effect or made,
            "affected": list(affected),
        }

    def _written_by(self, actor: Actor) -> dict[str, Any]:
        until = self.clock.now() + timedelta(days=self.ways.days)
        return {"author_id": actor.id, "author": actor.as_json(), "expires_at": until}


def permission_to_propose(target: Target) -> Permission:
    """What it takes to propose a change of the target."""
    if target.kind == "document":
        return Permission.EDIT_KNOWLEDGE
    return Permission.GRANT if target.kind == "grant" else Permission.PROPOSE


def _id_of(key: str) -> str:
    """The id that goes with a key, so that a second delivery finds the first's change."""
    digest = hashlib.sha256(key.encode()).digest()
    return "c_" + base64.b32encode(digest[:5]).decode().lower()
