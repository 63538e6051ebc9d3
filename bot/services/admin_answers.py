"""Questions of an admin about what is live and how it came to be, answered from versions and audit events."""

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection

from bot.adapters.profiles import read_profiles
from bot.adapters.store import audit_log
from bot.adapters.store.audit_log import AuditEvent
from bot.adapters.store.database import Store
from bot.governance.changes import Target
from bot.governance.command_base import TOPIC_WORDS, AdminCommand
from bot.governance.query_commands import Changes, History, ShowCommand, WhoChanged
from bot.services.access import NotAuthorized
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.change_history import History as ChangeHistory
from bot.services.change_releases import LabelMove
from bot.services.change_views import ChangeView
from bot.services.contents import MODELS, PROMPT, WORKFLOW
from bot.services.effects import effect_of
from bot.services.targets import UnknownTarget
from workflows.decision_tables import rows_of, table_steps
from workflows.plain_words import in_words, outcome_in_words
from workflows.table_names import names_for
from workflows.workflow import Workflow

LINES = 15


@dataclass(frozen=True, slots=True)
class Line:
    """One fact with where it is from."""

    text: str
    by: str = ""
    """Who; a Slack id, or a name of ours."""
    at: datetime | None = None
    change: str = ""
    """The change request it came of."""
    approved_by: tuple[str, ...] = ()
    about: str = ""
    """A person whom the text names by id."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an admin asked, answered."""

    heading: str
    lines: tuple[Line, ...] = ()
    text: str = ""
    """A content as it is written, e.g. of a prompt."""
    is_help: bool = False


class Reading(Protocol):
    """Change requests, as far as answers need them."""

    async def view(self, change: str) -> ChangeView:
        """One as it stands."""

    async def history(self, actor: Actor, target: Target) -> ChangeHistory:
        """Every version of a target."""

    async def recent(
        self, actor: Actor, target: Target | None = None, *, is_open: bool = False
    ) -> tuple[ChangeView, ...]:
        """Newest first."""


@dataclass(frozen=True, slots=True)
class Answers:
    """Reads them; each service asks again who may."""

    store: Store
    catalogue: Catalogue
    changes: Reading

    async def answer(self, actor: Actor, command: AdminCommand) -> Answer:
        """What a command asks for. Raises NotAuthorized, UnknownTarget."""
        if isinstance(command, WhoChanged):
            return await self._who(actor, command)
        if isinstance(command, History):
            return await self._history(actor, command)
        if isinstance(command, Changes):
            return await self._recent(actor, command)
        if isinstance(command, ShowCommand):
            return await self.store.read(lambda connection: self._show(connection, command))
        return Answer("", is_help=True)

    async def _who(self, actor: Actor, command: WhoChanged) -> Answer:
        if command.kind == "grant":
            return await self.store.read(_grants)
        found = await self._histories(actor, command.kind, command.name)
        moved = [(move, history.target) for history in found for move in history.moves]
        moved.sort(key=lambda each: each[0].at, reverse=True)
        lines = [
            await self._line(f"{target.name}, {_stands(move.number)}", move)
            for move, target in moved[: 1 if command.name else 3]
        ]
        return Answer(command.words(), tuple(lines))

    async def _line(self, text: str, move: LabelMove) -> Line:
        """A move with who wrote what came and who let it pass, where a change request knows."""
        if move.action.endswith("rolled_back"):
            return Line(f"{text}, put back", move.by, move.at, move.change_id)
        if not move.change_id:
            return Line(text, move.by, move.at)
        view = await self.changes.view(move.change_id)
        passed = tuple(each.person for each in view.reviews if each.verdict == "approve")
        return Line(text, view.author, move.at, view.id, passed)

    async def _history(self, actor: Actor, command: History) -> Answer:
        found = await self._histories(actor, command.kind, command.name)
        lines = [Line(f"{each.target.name} {_stands(0)}, live") for each in found if each.is_as_filed]
        for version, target in [(each, one.target) for one in found for each in one.versions][:LINES]:
            text = f"{target.name} version {version.number}{', live' if version.is_live else ''}"
            moves = version.moves
            lines.append(await self._line(text, moves[0]) if moves else Line(text, version.author))
        return Answer(command.words(), tuple(lines))

    async def _histories(self, actor: Actor, kind: str, name: str) -> list[ChangeHistory]:
        targets = await self.store.read(lambda connection: self._targets(connection, kind, name))
        found = []
        refused: NotAuthorized | None = None
        for target in targets:
            try:
                with contextlib.suppress(UnknownTarget):
                    found.append(await self.changes.history(actor, target))
            except NotAuthorized as error:
                refused = error
        if refused is not None and not found:
            raise refused
        return found

    def _targets(self, connection: Connection, kind: str, name: str) -> tuple[Target, ...]:
        """The targets that a kind and a name stand for: all prompts of a workflow, all of every one."""
        if kind == "document" or kind == "models":
            return (Target("document", name) if kind == "document" else Target("models", MODELS),)
        live = self.catalogue.versions(connection)
        if kind in ("parameters", "rules"):
            names = [name] if name else [item for each, item in live if each == WORKFLOW]
            return tuple(self._tuned(connection, kind, names))
        known = [Target(each, item) for each, item in live if each == kind]  # type: ignore[arg-type]
        if kind == PROMPT and name:
            used = self.catalogue.find_in(connection, name).workflow.prompt_names()
            return tuple(target for target in known if target.name in used)
        return tuple(target for target in known if not name or target.workflow == name)

    def _tuned(self, connection: Connection, kind: str, names: Sequence[str]) -> Iterator[Target]:
        """What a file says too, and so has a history also when no version of it is live."""
        for name in names:
            workflow = self.catalogue.find_in(connection, name).workflow
            if kind == "parameters":
                yield Target("parameters", name)
            else:
                yield from (Target("rules", f"{name}/{step}") for step in table_steps(workflow))

    async def _recent(self, actor: Actor, command: Changes) -> Answer:
        found = await self.changes.recent(actor, is_open=command.only_open)
        wanted = [each for each in found if not command.workflow or command.workflow in _touched(each)]
        lines = [
            Line(
                f"{each.effect} ({each.status.value.replace('_', ' ')})",
                each.author,
                each.created_at,
                each.id,
            )
            for each in wanted[:LINES]
        ]
        return Answer("Waiting for a decision" if command.only_open else "Recent changes", tuple(lines))

    def _show(self, connection: Connection, command: ShowCommand) -> Answer:
        if command.topic == "models":
            return self._models(connection)
        pinned = self.catalogue.resolve(connection, command.workflow)
        workflow = pinned.root
        heading = command.words().removeprefix("Show ").capitalize()
        if command.topic == "prompt":
            names = sorted(workflow.prompt_names())
            texts = [f"{name}\n\n{pinned.prompt(name).text.strip()}" for name in names]
            return Answer(heading, text="\n\n\n".join(texts))
        if command.topic == "parameters":
            return Answer(heading, _parameters(workflow, pinned.parameters(workflow.name)))
        if command.topic == "rules":
            return Answer(heading, tuple(_rules(workflow)))
        version = pinned.pins["workflow"][workflow.name]
        lines = (
            Line(f"{workflow.title}, version {version}"),
            Line(workflow.purpose),
            Line(f"Steps: {', '.join(step.title or step.id for step in workflow.steps)}"),
        )
        return Answer(heading, (*lines, *_parameters(workflow, pinned.parameters(workflow.name))))

    def _models(self, connection: Connection) -> Answer:
        stored = self.catalogue.versions(connection).get((MODELS, MODELS))
        profiles = read_profiles(stored.content) if stored else None
        aliases = profiles.aliases if profiles else ()
        lines = [Line(f"{alias}: {profiles.profile(alias).model}") for alias in aliases if profiles]
        return Answer("The models", tuple(lines))


def _stands(number: int) -> str:
    return f"version {number}" if number else "what the file says"


def _touched(view: ChangeView) -> Sequence[str]:
    return (*view.affected, view.target.workflow)


def _role_line(event: AuditEvent) -> Line:
    effect = effect_of(
        Target("grant", event.target),
        "",
        "held" if event.action == "grant.given" else "",
        affected=(),
        workflow=None,
    )
    grantee = event.target.partition(":")[0]
    return Line(effect, event.actor, event.occurred_at, about=grantee)


def _parameters(workflow: Workflow, values: Mapping[str, object]) -> tuple[Line, ...]:
    found = []
    for name, each in workflow.parameters.items():
        bounds = f" ({each.min} to {each.max})" if each.min is not None and each.max is not None else ""
        found.append(Line(f"{name} = {json.dumps(values[name], ensure_ascii=False)}{bounds}: {each.help}"))
    return tuple(found)


def _rules(workflow: Workflow) -> list[Line]:
    found = []
    for step in table_steps(workflow):
        names = names_for(workflow, step)
        for number, row in enumerate(rows_of(workflow, step), 1):
            then = outcome_in_words(row.get("then") or row["otherwise"])
            when = (
                f"when {in_words(row['when'], names)} then {then}" if "when" in row else f"otherwise {then}"
            )
            because = f" – {row['because']}" if row.get("because") else ""
            found.append(Line(f"{step} {number}. {when}{because}"))
    return found


def _grants(connection: Connection) -> Answer:
    events = [
        event
        for action in ("grant.given", "grant.revoked")
        for event in audit_log.read_events(connection, action=action, limit=5)
    ]
    events.sort(key=lambda event: event.seq, reverse=True)
    lines = [_role_line(each) for each in events[:5]]
    return Answer(f"Who changed {TOPIC_WORDS['grant']} last", tuple(lines))
