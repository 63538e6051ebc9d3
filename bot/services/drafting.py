"""Editing: what a person may edit, their text that is kept on the way, and proposing it at the end."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.drafts_log import (
    StoredDraft,
    delete_draft,
    find_draft,
    list_drafts,
    read_draft,
    write_draft,
)
from bot.adapters.store.outbox_log import place_of
from bot.governance.changes import Target, TargetKind
from bot.governance.roles import Permission
from bot.services.access import Access, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, Released
from bot.services.change_errors import MovedSince
from bot.services.change_requests import Changes
from bot.services.change_views import ChangeView
from bot.services.contents import RULES
from bot.services.edit_targets import Live, read_live, targets_of
from bot.services.opaque_ids import draft_id
from workflows.ports import Clock

LISTED = 30
"""Drafts that are shown to their author."""


class UnknownDraft(Exception):
    """This person has no draft of that id."""

    def __init__(self, draft: str) -> None:
        super().__init__(draft)
        self.facts = {"draft": draft}


class DraftMoved(Exception):
    """The draft was changed in another window since this form was drawn."""

    def __init__(self, draft: str) -> None:
        super().__init__(draft)
        self.facts = {"draft": draft}


class BaseMoved(Exception):
    """Somebody changed what this text was made from; fact `by` is who."""

    def __init__(self, target: Target, by: str, draft: str) -> None:
        super().__init__(str(target))
        self.facts = {"kind": target.kind, "name": target.name, "by": by, "draft": draft}


@dataclass(frozen=True, slots=True)
class Edit:
    """What a form holds: a text about a target, by one person."""

    draft_id: str
    target: Target
    content: str
    base_hash: str
    reason: str = ""
    revision: int = 0
    unfinished: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Editing:
    """What a form starts with."""

    edit: Edit
    live: Live
    draft: StoredDraft | None = None
    """The draft that is taken up again; None for a fresh start."""

    @property
    def has_moved(self) -> bool:
        """Whether what the text was made from is no longer live."""
        return self.edit.base_hash != self.live.hash


@dataclass(frozen=True, slots=True)
class EditMenu:
    """What a person may edit of a workflow."""

    released: Released
    targets: tuple[Target, ...]
    drafts: Mapping[Target, StoredDraft]


@dataclass(frozen=True, slots=True)
class Made:
    """What came of an edit: a change request, and the channel or person its message goes to."""

    change: ChangeView
    place: str


class Drafting:
    """A person's edits, kept in the store. Nobody sees anybody else's."""

    def __init__(
        self, store: Store, access: Access, catalogue: Catalogue, clock: Clock, changes: Changes
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._changes = changes

    async def editable(self, actor: Actor) -> tuple[Released, ...]:
        """The workflows of which this person may propose changes, by name. Raises Outsider."""
        _refuse_outsiders(actor)

        def act(connection: Connection) -> tuple[Released, ...]:
            return tuple(
                each
                for each in self._catalogue.released_in(connection)
                if self._access.may(connection, actor, Permission.PROPOSE, f"workflow:{each.name}")
                and targets_of(each.workflow)
            )

        return await self._store.read(act)

    async def menu(self, actor: Actor, workflow: str) -> EditMenu:
        """What this person may edit of a workflow. Raises UnknownWorkflow, Outsider, NotAuthorized."""

        def act(connection: Connection) -> EditMenu:
            released = self._catalogue.find_in(connection, workflow)
            self._access.authorise(connection, actor, Permission.PROPOSE, f"workflow:{workflow}")
            targets = tuple(
                target
                for target in targets_of(released.workflow)
                if self._access.may(connection, actor, Permission.PROPOSE, target.scope)
            )
            found = {target: find_draft(connection, actor.id, target.kind, target.name) for target in targets}
            drafts = {target: draft for target, draft in found.items() if draft is not None}
            return EditMenu(released, targets, drafts)

        return await self._store.read(act)

    async def begin(self, actor: Actor, target: Target, text: str = "", why: str = "") -> Editing:
        """Start from a text, else from this person's draft, else from what is live.

        A text that is handed over is kept at once. Raises Outsider, NotAuthorized, NothingToEdit.
        """

        def act(connection: Connection) -> Editing:
            self._access.authorise(connection, actor, Permission.PROPOSE, target.scope)
            live = read_live(connection, target, self._catalogue.versions(connection))
            draft = None if text else find_draft(connection, actor.id, target.kind, target.name)
            if draft is not None:
                return Editing(_edit_of(draft), live, draft)
            edit = Edit(draft_id(), target, text or live.text, live.hash)
            if text:
                edit = self._keep(connection, actor, edit, why)
            return Editing(edit, live)

        return await (self._store.write(act) if text else self._store.read(act))

    async def start_over(self, actor: Actor, target: Target, draft: str) -> Editing:
        """Throw a draft away and begin from what is live. Raises as `begin`."""
        await self._store.write(lambda connection: delete_draft(connection, actor.id, draft))
        return await self.begin(actor, target)

    async def resume(self, actor: Actor, draft: str) -> Editing:
        """Take up one of this person's drafts. Raises UnknownDraft, and as `begin`."""

        def act(connection: Connection) -> Editing:
            kept = read_draft(connection, actor.id, draft)
            if kept is None:
                raise UnknownDraft(draft)
            edit = _edit_of(kept)
            self._access.authorise(connection, actor, Permission.PROPOSE, edit.target.scope)
            return Editing(
                edit, read_live(connection, edit.target, self._catalogue.versions(connection)), kept
            )

        return await self._store.read(act)

    async def keep(self, actor: Actor, edit: Edit, why: str = "") -> Edit:
        """Keep a text; `why` names what stands in its way. Raises Outsider, DraftMoved.

        Only decision tables, whose form is drawn after every step, mind the revision.
        Needs no role: what somebody wrote is theirs, whatever was taken from them meanwhile.
        """
        _refuse_outsiders(actor)
        return await self._store.write(lambda connection: self._keep(connection, actor, edit, why))

    async def drafts(self, actor: Actor) -> tuple[StoredDraft, ...]:
        """This person's drafts, newest first. Raises Outsider."""
        _refuse_outsiders(actor)
        return await self._store.read(lambda connection: list_drafts(connection, actor.id, LISTED))

    async def drop(self, actor: Actor, draft: str) -> StoredDraft:
        """Throw one of this person's drafts away. Raises Outsider, UnknownDraft."""
        _refuse_outsiders(actor)

        def act(connection: Connection) -> StoredDraft:
            kept = read_draft(connection, actor.id, draft)
            if kept is None:
                raise UnknownDraft(draft)
            delete_draft(connection, actor.id, draft)
            self._record(connection, actor, "draft.dropped", kept)
            return kept

        return await self._store.write(act)

    async def live(self, target: Target) -> Live:
        """The target as it is now, for a form that was shown already. Raises NothingToEdit."""
        return await self._store.read(
            lambda connection: read_live(connection, target, self._catalogue.versions(connection))
        )

    async def standing(self, actor: Actor, edit: Edit) -> Editing:
        """An edit as it is kept, or as it began; needs no role, as `keep`. Raises Outsider, NothingToEdit."""
        _refuse_outsiders(actor)
        return await self._store.read(lambda connection: self._standing(connection, actor, edit))

    async def step(self, actor: Actor, edit: Edit, change: Callable[[Edit], Edit]) -> Editing:
        """Change a draft as it stands, or begin one; needs no role, as `keep`.

        Raises Outsider, NothingToEdit, and DraftMoved when it is not what `edit` was drawn from.
        """
        _refuse_outsiders(actor)

        def act(connection: Connection) -> Editing:
            found = self._standing(connection, actor, edit)
            is_fresh = found.draft is None
            if found.edit.revision != edit.revision or (is_fresh and found.edit.base_hash != edit.base_hash):
                raise DraftMoved(edit.draft_id)
            now = replace(found.edit, base_hash=edit.base_hash)
            changed = self._keep(connection, actor, change(now), "")
            return Editing(changed, found.live, read_draft(connection, actor.id, edit.draft_id))

        return await self._store.write(act)

    def _standing(self, connection: Connection, actor: Actor, edit: Edit) -> Editing:
        live = read_live(connection, edit.target, self._catalogue.versions(connection))
        kept = read_draft(connection, actor.id, edit.draft_id)
        if kept is not None:
            return Editing(_edit_of(kept), live, kept)
        return Editing(Edit(edit.draft_id, edit.target, live.text, live.hash), live)

    async def propose(self, actor: Actor, edit: Edit, origin: Origin) -> Made:
        """Make a change request of a text and let go of its draft.

        Raises BaseMoved when what it was made from has moved, and what proposing raises; the text is then
        kept as a draft.
        """
        try:
            proposed = await self._changes.propose(
                actor,
                edit.target,
                edit.content,
                reason=edit.reason,
                origin=origin,
                key=f"edit:{edit.draft_id}:{edit.revision}",
                base_hash=edit.base_hash,
            )
        except Exception as error:
            with contextlib.suppress(Outsider, DraftMoved):
                await self.keep(actor, edit, _NAMES.get(type(error).__name__, type(error).__name__))
            if isinstance(error, MovedSince):
                live = await self.live(edit.target)
                raise BaseMoved(edit.target, live.mover, edit.draft_id) from None
            raise

        def let_go(connection: Connection) -> Made:
            delete_draft(connection, actor.id, edit.draft_id)
            return Made(proposed, place_of(connection, proposed.subject))

        return await self._store.write(let_go)

    def _keep(self, connection: Connection, actor: Actor, edit: Edit, why: str) -> Edit:
        now = self._clock.now()
        earlier = edit.revision
        if edit.target.kind != RULES:
            found = read_draft(connection, actor.id, edit.draft_id)
            earlier = found.revision if found else 0
        kept = replace(edit, revision=earlier + 1)
        stored = StoredDraft(
            id=kept.draft_id,
            person=actor.id,
            kind=kept.target.kind,
            name=kept.target.name,
            content=kept.content,
            why=why,
            reason=kept.reason,
            base_hash=kept.base_hash,
            revision=kept.revision,
            unfinished=dict(kept.unfinished),
            created_at=now,
            updated_at=now,
        )
        if not write_draft(connection, stored):
            raise DraftMoved(edit.draft_id)
        if kept.revision == 1:
            self._record(connection, actor, "draft.kept", stored)
        return kept

    def _record(self, connection: Connection, actor: Actor, action: str, draft: StoredDraft) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"{draft.kind}:{draft.name}",
            context={"draft": draft.id},
            at=self._clock.now(),
        )


_NAMES: Mapping[str, str] = {"MovedSince": "BaseMoved"}


def target_of(draft: StoredDraft) -> Target:
    """What a draft is about."""
    kind: TargetKind = next(kind for kind in _KINDS if kind == draft.kind)
    return Target(kind, draft.name)


_KINDS: Sequence[TargetKind] = ("workflow", "prompt", "parameters", "rules", "models", "document", "grant")


def _edit_of(draft: StoredDraft) -> Edit:
    return Edit(
        draft.id,
        target_of(draft),
        draft.content,
        draft.base_hash,
        draft.reason,
        draft.revision,
        draft.unfinished,
    )


def _refuse_outsiders(actor: Actor) -> None:
    if actor.is_outsider:
        raise Outsider(actor.id)
