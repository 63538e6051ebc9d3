"""Carrying out what was confirmed, by the service each command belongs to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from bot.adapters.store.versions_log import PRODUCTION
from bot.governance.changes import Target
from bot.governance.command_base import AdminCommand
from bot.governance.duty_commands import AddCase, Pilot, Retire
from bot.governance.edit_commands import RollBack, Undo
from bot.services.actors import Actor, Origin
from bot.services.admin_previews import target_to_roll_back
from bot.services.admin_proposals import PROPOSALS
from bot.services.catalogue import Catalogue
from bot.services.change_views import ChangeView
from bot.services.conversing import Conversation
from bot.services.effects import for_pilot
from workflows.run import Json


class NotADeed(Exception):
    """A command that shows something instead: evaluation and promotion have cards of their own."""

    def __init__(self, command: str) -> None:
        super().__init__(command)
        self.facts = {"command": command}


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it."""

    result: str = ""
    """The change request, when it is one."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """For the sentence that says so."""


class Changing(Protocol):
    """Change requests, as far as carrying out needs them."""

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
        label: str = "",
        base_hash: str = "",
    ) -> ChangeView:
        """Ask for a change."""

    async def undo(self, actor: Actor, change: str) -> ChangeView:
        """Put back what stood before it."""

    async def roll_back(
        self,
        actor: Actor,
        target: Target | str,
        to_number: int | None = None,
        *,
        origin: Origin | None = None,
    ) -> ChangeView:
        """Point production at an earlier version."""

    async def own_targets(self, workflow: str) -> tuple[Target, ...]:
        """What a workflow has of its own, the last moved first."""


class Staging(Protocol):
    """Stages, as far as carrying out needs them."""

    async def pilot(
        self, actor: Actor, workflow: str, *, people: Any = (), groups: Any = (), share: int = 0
    ) -> Any:
        """Give the candidate to some."""

    async def retire(self, actor: Actor, workflow: str, why: str = "") -> Any:
        """Take a workflow out of use."""


class Casing(Protocol):
    """Golden cases, as far as carrying out needs them."""

    async def add(
        self, actor: Actor, workflow: str, inputs: Mapping[str, str], expect: Mapping[str, Any]
    ) -> str:
        """Keep a case."""


@dataclass(frozen=True, slots=True)
class Deeds:
    """One method a group of commands. Each service authorises again by itself."""

    changes: Changing
    stages: Staging
    golden: Casing
    catalogue: Catalogue

    async def do(self, actor: Actor, command: AdminCommand, conversation: Conversation) -> Done:
        """Carry out a confirmed command. Raises what its service raises."""
        if isinstance(command, PROPOSALS):
            return await self._propose(actor, conversation)
        if isinstance(command, Undo):
            return _changed(await self.changes.undo(actor, command.change), "undone")
        if isinstance(command, RollBack):
            return await self._roll_back(actor, command, conversation)
        if isinstance(command, Pilot):
            return await self._pilot(actor, command)
        if isinstance(command, Retire):
            await self.stages.retire(actor, command.workflow)
            return Done(facts={"kind": "retired", "workflow": command.workflow})
        if isinstance(command, AddCase):
            return await self._add_case(actor, command)
        raise NotADeed(command.title)

    async def draft(self, actor: Actor, target: Target, content: str, origin: Origin, key: str) -> ChangeView:
        """Propose a content that was written in a form. Raises what proposing raises."""
        return await self.changes.propose(actor, target, content, origin=origin, key=key)

    async def _propose(self, actor: Actor, conversation: Conversation) -> Done:
        said = conversation.said
        label = said.get("label", PRODUCTION)
        view = await self.changes.propose(
            actor,
            Target(*said["target"]),
            said["content"],
            reason=said["words"],
            origin=conversation.origin,
            effect=said["effect"] if label == PRODUCTION else for_pilot(said["effect"]),
            key=conversation.subject,
            label=label,
            base_hash=said["base_hash"],
        )
        return _changed(view, "proposed")

    async def _roll_back(self, actor: Actor, command: RollBack, conversation: Conversation) -> Done:
        target = await target_to_roll_back(self.changes, command)
        view = await self.changes.roll_back(actor, target, command.to, origin=conversation.origin)
        return _changed(view, "rolled_back")

    async def _pilot(self, actor: Actor, command: Pilot) -> Done:
        groups = [each for each in command.people if each.startswith("S")]
        people = [each for each in command.people if not each.startswith("S")]
        share = round(command.share * 100)
        await self.stages.pilot(actor, command.workflow, people=people, groups=groups, share=share)
        return Done(facts={"kind": "piloted", "workflow": command.workflow})

    async def _add_case(self, actor: Actor, command: AddCase) -> Done:
        released = await self.catalogue.find(command.workflow)
        asked = released.face.asked_inputs
        name = next((each for each, item in asked.items() if item.source == "message"), "")
        name = name or next((each for each, item in asked.items() if item.kind == "text"), "question")
        expect: dict[str, Any] = {}
        if command.contains:
            expect["must_contain"] = list(command.contains)
        if command.cites:
            expect["must_cite"] = list(command.cites)
        if command.abstains:
            expect["must_abstain"] = True
        if command.outcome:
            expect["outcome"] = command.outcome
        key = await self.golden.add(actor, command.workflow, {name: command.question}, expect)
        return Done(facts={"kind": "case", "workflow": command.workflow, "case": key})


def _changed(view: ChangeView, kind: str) -> Done:
    return Done(view.id, {"kind": kind, "change": view.id, "status": view.status.value})
