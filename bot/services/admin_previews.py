"""What a command would do, as plain JSON for a conversation: nothing is done yet."""

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

from bot.adapters.store.conversations_log import recent_results
from bot.adapters.store.database import Connection, Store
from bot.governance.changes import ChangeStatus, Target
from bot.governance.command_base import AdminCommand
from bot.governance.duty_commands import Pilot, Retire
from bot.governance.edit_commands import EditPrompt, EditRule, RollBack, Undo
from bot.governance.stages import Stage
from bot.services.actors import Actor, Origin
from bot.services.admin_proposals import PROPOSALS, Draft, draft_of
from bot.services.admin_words import is_restricted
from bot.services.change_views import ChangeView, Preview
from bot.services.conversing import Place
from bot.services.going_back import WayBack
from bot.services.targets import Targets
from workflows.plain_words import in_words, outcome_in_words
from workflows.table_names import names_for
from workflows.versions import content_hash

FORM_KINDS = ("prompt", "parameters", "rules", "document")
"""Kinds of targets that people can edit in a form before they confirm."""


class NothingToUndo(Exception):
    """No change of this person was applied in this thread or lately."""

    def __init__(self) -> None:
        super().__init__()
        self.facts: dict[str, str] = {}


class Previewing(Protocol):
    """Change requests, as far as a preview needs them."""

    async def preview(self, actor: Actor, target: Target, content: str) -> Preview:
        """What a content would change."""

    async def view(self, change: str) -> ChangeView:
        """One as it stands."""

    async def by_message(self, channel: str, ts: str) -> ChangeView | None:
        """The one whose message this is."""

    async def recent(self, actor: Actor, target: Target | None = None) -> tuple[ChangeView, ...]:
        """Newest first."""

    async def own_targets(self, workflow: str) -> tuple[Target, ...]:
        """What a workflow has of its own, the last moved first."""

    async def preview_roll_back(
        self, actor: Actor, target: Target | str, to_number: int | None = None
    ) -> WayBack:
        """What going back would put in force."""

    async def preview_undo(self, actor: Actor, change: str) -> WayBack:
        """What undoing would put in force."""


class Staging(Protocol):
    """Stages, as far as a preview needs them."""

    async def refuse_move(self, workflow: str, target: Stage) -> None:
        """Say what stands in the way of a move."""


class Owning(Protocol):
    """Change requests, as far as finding what to roll back needs them."""

    async def own_targets(self, workflow: str) -> tuple[Target, ...]:
        """What a workflow has of its own, the last moved first."""


async def target_to_roll_back(changes: Owning, command: RollBack) -> Target | str:
    """What a command means; of several prompts or tables the one that moved last, a name for whatever did."""
    if command.kind == "workflow" and not command.to:
        return command.workflow
    own = await changes.own_targets(command.workflow)
    fallback = Target(command.kind, command.workflow)
    return next((each for each in own if each.kind == command.kind), fallback)


class Previews:
    """Makes them."""

    def __init__(self, store: Store, targets: Targets, changes: Previewing, stages: Staging) -> None:
        self._store = store
        self._targets = targets
        self._changes = changes
        self._stages = stages

    async def of(
        self, actor: Actor, command: AdminCommand, place: Place, *, written: str = ""
    ) -> dict[str, Any]:
        """What the preview of a command shows and what confirming it would do.

        `written` is a prompt that a model wrote for it. Raises NotAuthorized, UnknownTarget, NothingToUndo,
        WrongStage, NoCandidate.
        """
        words = await self._store.read(lambda connection: self._words(connection, command))
        said: dict[str, Any] = {"typed": command.model_dump(mode="json"), "words": words}
        if isinstance(command, PROPOSALS):
            said |= await self._proposal(actor, command, written, is_public=place.is_public)
        elif isinstance(command, Undo):
            said |= await self._undo(actor, command, place)
        elif isinstance(command, RollBack):
            said |= await self._roll_back(actor, command)
        else:
            if isinstance(command, Pilot | Retire):
                target = Stage.PILOT if isinstance(command, Pilot) else Stage.RETIRED
                await self._stages.refuse_move(command.workflow, target)
            said["effect"] = command.effect()
        return {**said, "seen": _fingerprint(said)}

    def _words(self, connection: Connection, command: AdminCommand) -> str:
        """The command as it was understood, its condition in the words of the form."""
        if not isinstance(command, EditRule):
            return command.words()
        target = Target("rules", f"{command.workflow}/{command.step}")
        names = names_for(self._targets.workflow(connection, target), command.step)
        then = outcome_in_words(command.outcome)
        return f"In {command.workflow}, when {in_words(command.condition, names)} then {then}"

    async def moved_since(
        self, actor: Actor, command: AdminCommand, said: Mapping[str, Any]
    ) -> dict[str, Any] | None:
        """A new preview when what the old one was made from is no longer live; None when it still holds."""
        if not isinstance(command, PROPOSALS):
            return None
        draft = await self._store.read(lambda connection: draft_of(connection, self._targets, command))
        if content_hash(draft.base) == said["base_hash"]:
            return None
        # what was withheld from readers of a channel stays so
        seen_by = Origin("mention", visibility="channel" if said.get("withheld") else "private")
        again = await self.of(actor, command, Place("", "", "", seen_by))
        return {**again, "moved": True, "writer": ""}

    def draft(self, connection: Connection, command: AdminCommand) -> Draft:
        """What a command would put in place. Raises UnknownTarget."""
        return draft_of(connection, self._targets, command)

    async def _proposal(
        self, actor: Actor, command: AdminCommand, written: str, *, is_public: bool
    ) -> dict[str, Any]:
        draft = await self._store.read(lambda connection: draft_of(connection, self._targets, command))
        content = written or draft.content
        seen = await self._changes.preview(actor, draft.target, content)
        kind = draft.target.kind
        return {
            "target": [kind, draft.target.name],
            "content": content,
            "base_hash": content_hash(draft.base),
            **await self._difference(draft.target, seen.old, seen.new, is_public=is_public),
            "effect": seen.effect,
            "problems": list(seen.problems),
            "affected": list(seen.affected),
            "can_edit": kind in FORM_KINDS and bool(content),
            "writer": "model" if written else "",
            "by_words": isinstance(command, EditPrompt) and bool(command.instructions) and not written,
        }

    async def _difference(self, target: Target, old: str, new: str, *, is_public: bool) -> dict[str, Any]:
        """Both texts, but not where others read along who may not read the document."""
        hides = is_public and await self._store.read(partial(is_restricted, scope=target.scope))
        return {"withheld": True} if hides else {"old": old, "new": new}

    async def _undo(self, actor: Actor, command: Undo, place: Place) -> dict[str, Any]:
        view = await self._last_applied(actor, command, place)
        back = await self._changes.preview_undo(actor, view.id)
        return {
            "typed": {**command.model_dump(mode="json"), "change": view.id},
            "words": Undo(change=view.id).words(),
            "target": [view.target.kind, view.target.name],
            **await self._difference(view.target, view.new, view.old, is_public=place.is_public),
            "effect": back.effect,
            "undoes": view.id,
        }

    async def _roll_back(self, actor: Actor, command: RollBack) -> dict[str, Any]:
        back = await self._changes.preview_roll_back(
            actor, await target_to_roll_back(self._changes, command), command.to
        )
        # what is confirmed is what was seen, whatever moves meanwhile
        meant = command.model_copy(update={"kind": back.target.kind, "to": back.number or None})
        return {
            "typed": meant.model_dump(mode="json"),
            "words": meant.words(),
            "target": [back.target.kind, back.target.name],
            **({"old": back.old, "new": back.new} if back.old != back.new else {}),
            "effect": back.effect,
        }

    async def _last_applied(self, actor: Actor, command: Undo, place: Place) -> ChangeView:
        """The named one; else of this thread; else what this person had applied last."""
        if command.change:
            return await self._changes.view(command.change)
        here = await self._changes.by_message(place.channel, place.thread_ts) if place.thread_ts else None
        if here is not None and here.status is ChangeStatus.APPLIED:
            return here
        for channel, thread in ((place.channel, place.thread_ts), ("", "")):
            results = await self._store.read(
                partial(recent_results, person=actor.id, channel=channel, thread_ts=thread)
            )
            for change in (each for each in results if each.startswith("c_")):
                view = await self._changes.view(change)
                if view.status is ChangeStatus.APPLIED:
                    return view
        mine = await self._changes.recent(actor)
        for view in mine:
            if view.status is ChangeStatus.APPLIED and actor.id in view.authors:
                return view
        raise NothingToUndo


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _fingerprint(said: Mapping[str, Any]) -> str:
    """What a click names, so that it confirms what was seen and nothing else."""
    parts = [str(said.get(key, "")) for key in ("typed", "content", "base_hash", "undoes")]
    return _hash("\0".join(parts))[:12]
