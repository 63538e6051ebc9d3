"""Which workflows are live, at which versions, and which of them fits a sentence."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.stages_log import read_standings
from bot.adapters.store.versions_log import (
    CANDIDATE,
    PRODUCTION,
    Pointers,
    StoredVersion,
    insert_version,
    label_mover,
    move_label,
    read_labelled,
    read_pointers,
    read_version,
)
from bot.governance.roles import Permission
from bot.governance.stages import Stage
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.contents import PINNED_KINDS, WORKFLOW, Content, UnknownWorkflow, Versions, nearest_name
from bot.services.placement import NotInPilot, label_at_start, label_for
from workflows.face import Face, face_of
from workflows.ports import Clock
from workflows.versions import content_hash

if TYPE_CHECKING:
    # the steps and their libraries, 10 MiB: loaded where a whole workflow is read
    from bot.services.pinning import Pinned
    from workflows.workflow import Workflow

__all__ = ["Catalogue", "Content", "Released", "UnknownWorkflow"]

LIBRARY = "library"
"""Author of what ships with the product: a newer library replaces it unless a person has moved the label."""

SETTINGS = "settings"
"""Author of the models.yaml that the settings name: it is in force until a person swaps a model in chat,
and again once the file says something that it never said before."""

Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, as rows of a numpy array."""

CERTAIN, MARGIN, CHOICES = 0.34, 0.06, 5
"""Cosine from which a workflow fits, lead over the next that makes it certain, most to choose from."""


@dataclass(frozen=True, slots=True)
class Released:
    """A workflow that employees can run."""

    name: str
    title: str
    purpose: str
    usage_hint: str
    examples: tuple[str, ...]
    face: Face
    version: int
    _read: "Callable[[], Workflow]" = field(repr=False, compare=False)
    label: str = PRODUCTION
    """Whose versions these are: the candidate's for people of a pilot."""

    @property
    def workflow(self) -> "Workflow":
        """All of it, with its steps."""
        return self._read()


@dataclass(frozen=True, slots=True)
class _Kept:
    """What was read while the labels stood as they do in `pointers`."""

    pointers: Pointers
    live: dict[str, dict[tuple[str, str], StoredVersion]] = field(default_factory=dict)
    pinned: "dict[tuple[str, str], Pinned]" = field(default_factory=dict)


class Catalogue:
    """Reads the labelled versions of the store."""

    def __init__(self, store: Store, access: Access, clock: Clock, encode: Encode | None = None) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._encode = encode
        self._kept = _Kept(())

    async def seed(self, contents: Sequence[Content], author: str = LIBRARY) -> int:
        """Keep what comes from files and release what no person has changed; returns labels moved."""

        def act(connection: Connection) -> int:
            return sum(self._release(connection, content, author) for content in contents)

        return await self._store.write(act)

    async def add(self, actor: Actor, contents: Sequence[Content]) -> int:
        """Release contents in a person's name; returns labels moved. Raises NotAuthorized."""

        def act(connection: Connection) -> int:
            for content in contents:
                self._access.authorise(connection, actor, Permission.GRANT, f"workflow:{content.name}")
            return sum(self._release(connection, content, actor.id) for content in contents)

        return await self._store.write(act)

    def _release(self, connection: Connection, content: Content, author: str) -> bool:
        now = self._clock.now()
        stored = insert_version(
            connection,
            kind=content.kind,
            name=content.name,
            content=content.text,
            content_hash=content_hash(content.text),
            author=author,
            at=now,
        )
        if not self._may_replace(connection, stored, author, now):
            return False
        moved = move_label(
            connection, kind=content.kind, name=content.name, number=stored.number, by=author, at=now
        )
        if moved:
            self._record(connection, author, stored, now)
        return moved

    def _may_replace(self, connection: Connection, stored: StoredVersion, author: str, now: datetime) -> bool:
        """What came with the product or a file gives way to what a person chose, until the file changes."""
        mover = label_mover(connection, stored.kind, stored.name)
        if author == LIBRARY:
            return mover in ("", LIBRARY)
        if author == SETTINGS:
            return mover in ("", LIBRARY, SETTINGS) or stored.created_at == now
        return True

    def _record(self, connection: Connection, author: str, stored: StoredVersion, at: datetime) -> None:
        audit_log.append_event(
            connection,
            actor=author,
            action=f"{stored.kind}.released",
            target=f"{stored.kind}:{stored.name}",
            context={"number": stored.number, "content_hash": stored.content_hash},
            at=at,
        )

    async def released(self, actor: Actor | None = None) -> tuple[Released, ...]:
        """Workflows that the actor may run, by name; with no actor, all that are in production."""
        return await self._store.read(lambda connection: self.released_in(connection, actor))

    def released_in(self, connection: Connection, actor: Actor | None = None) -> tuple[Released, ...]:
        """As `released`, within the caller's transaction."""
        standings = read_standings(connection)
        found = []
        for kind, name in self.versions(connection, CANDIDATE if actor else PRODUCTION):
            if kind != WORKFLOW or (name in standings and standings[name].stage is Stage.RETIRED):
                continue
            scope = f"workflow:{name}"
            if actor is None:
                found.append(self.find_in(connection, name))
            elif self._access.may(connection, actor, Permission.RUN, scope):
                with suppress(NotInPilot):
                    found.append(self.find_in(connection, name, actor))
        return tuple(found)

    async def find(self, name: str, actor: Actor | None = None) -> Released:
        """One workflow, at the versions the actor gets; with no actor, at those of production.

        Raises UnknownWorkflow with the nearest name, and with an actor WorkflowRetired, NotInPilot.
        """
        return await self._store.read(lambda connection: self.find_in(connection, name, actor))

    def find_in(self, connection: Connection, name: str, actor: Actor | None = None) -> Released:
        """As `find`, within the caller's transaction."""
        live = self.versions(connection)
        candidates = self.versions(connection, CANDIDATE)
        if (WORKFLOW, name) not in candidates:
            raise _unknown(name, live)
        label = PRODUCTION if (WORKFLOW, name) in live else CANDIDATE
        if actor is not None:
            label = label_for(connection, self._access, name, actor)
        return _released(name, self.versions(connection, label), label)

    def resolve_run(self, connection: Connection, name: str, label: str) -> "tuple[Pinned, str]":
        """The versions of a run that starts now, and whose they are. Raises UnknownWorkflow."""
        label = label_at_start(connection, name, label)
        return self.resolve(connection, name, label=label), label

    def resolve(self, connection: Connection, name: str, *, label: str = PRODUCTION) -> "Pinned":
        """The live versions of a workflow and of all it reaches. Raises UnknownWorkflow.

        The label `candidate` stands for what is live with the candidates in its place.
        """
        kept = self._at(connection)
        if (label, name) not in kept.pinned:
            kept.pinned[label, name] = self._pin(name, self._labelled(connection, kept, label))
        return kept.pinned[label, name]

    def resolve_with(
        self, connection: Connection, name: str, contents: Sequence[Content], *, label: str = PRODUCTION
    ) -> "Pinned":
        """As `resolve`, with contents that are only proposed in place of the live ones.

        Raises UnknownWorkflow, InvalidWorkflow, InvalidPrompt, UnknownTable.
        """
        now = self._clock.now()
        proposed = {
            (each.kind, each.name): StoredVersion(
                each.kind, each.name, 0, content_hash(each.text), each.text, "", now
            )
            for each in contents
        }
        return self._pin(name, {**self.versions(connection, label), **proposed})

    def versions(
        self, connection: Connection, label: str = PRODUCTION
    ) -> Mapping[tuple[str, str], StoredVersion]:
        """Kind and name to what is live; with `candidate`, candidates in place of what they may replace."""
        return self._labelled(connection, self._at(connection), label)

    def _at(self, connection: Connection) -> "_Kept":
        """What was read at the labels of this transaction; threads read at once, before and after a move."""
        pointers, kept = read_pointers(connection), self._kept
        if kept.pointers != pointers:
            # versions never change, so what was read holds until a label moves
            kept = self._kept = _Kept(pointers)
        return kept

    def _labelled(
        self, connection: Connection, kept: "_Kept", label: str
    ) -> Mapping[tuple[str, str], StoredVersion]:
        if label not in kept.live:
            found = read_labelled(connection)
            if label != PRODUCTION:
                found += read_labelled(connection, label)
            kept.live[label] = {(version.kind, version.name): version for version in found}
        return kept.live[label]

    def _pin(self, name: str, versions: Mapping[tuple[str, str], StoredVersion]) -> "Pinned":
        if (WORKFLOW, name) not in versions:
            raise _unknown(name, versions)
        from bot.services.pinning import pin

        return pin(name, versions)

    def resolve_pins(
        self, connection: Connection, name: str, pins: Mapping[str, Mapping[str, int]]
    ) -> "Pinned":
        """The versions a run was pinned to, however the labels stand today. Raises UnknownWorkflow."""
        kept = {}
        for kind in PINNED_KINDS:
            for item, number in pins.get(kind, {}).items():
                version = read_version(connection, kind, item, number)
                if version is not None:
                    kept[(kind, item)] = version
        if (WORKFLOW, name) not in kept:
            raise UnknownWorkflow(name)
        from bot.services.pinning import pin

        return pin(name, kept)

    async def route(self, text: str, actor: Actor) -> tuple[Released, ...]:
        """Workflows that fit a sentence, best first; exactly one when it is certain."""
        candidates = await self.released(actor)
        named = [item for item in candidates if text.lower().split(":")[0].split(" ")[0] == item.name]
        if named or len(candidates) <= 1 or self._encode is None:
            return tuple(named) or candidates[:CHOICES]
        # others wait for their acknowledgement meanwhile, and the encoder lets go of the interpreter
        return await asyncio.to_thread(_rank, text, candidates, self._encode)


def _unknown(name: str, versions: Iterable[tuple[str, str]]) -> UnknownWorkflow:
    return UnknownWorkflow(name, nearest_name(name, (each for kind, each in versions if kind == WORKFLOW)))


def _released(name: str, versions: Versions, label: str) -> Released:
    version = versions[WORKFLOW, name]
    face = face_of(version.content)
    return Released(
        name=face.name,
        title=face.title,
        purpose=face.purpose,
        usage_hint=usage_hint(face),
        examples=face.examples,
        face=face,
        version=version.number,
        _read=lambda: _whole(name, versions),
        label=label,
    )


def _whole(name: str, versions: Versions) -> "Workflow":
    from bot.services.pinning import effective_workflow

    return effective_workflow(name, versions)


def usage_hint(face: Face) -> str:
    """What to type after the command: the first text input bare, others as name=value."""
    parts, bare = [], False
    for name, item in face.asked_inputs.items():
        word = f"<{item.label.lower()}>" if item.kind == "text" and not bare else f"{name}=<{item.kind}>"
        bare = bare or item.kind == "text"
        parts.append(word if item.required and item.default is None else f"[{word}]")
    return " ".join(parts)


def _rank(text: str, candidates: Sequence[Released], encode: Encode) -> tuple[Released, ...]:
    """Nearest by the closest of a workflow's title with purpose and its examples."""
    phrases = [
        (index, phrase)
        for index, item in enumerate(candidates)
        for phrase in (f"{item.title}. {item.purpose}", *item.examples)
    ]
    vectors = encode([text, *(phrase for _, phrase in phrases)])
    best = [0.0] * len(candidates)
    for (index, _), similarity in zip(phrases, vectors[1:] @ vectors[0], strict=True):
        best[index] = max(best[index], float(similarity))
    order = sorted(range(len(candidates)), key=lambda index: -best[index])
    first, second = best[order[0]], best[order[1]]
    if first >= CERTAIN and first - second >= MARGIN:
        return (candidates[order[0]],)
    return tuple(candidates[index] for index in order[:CHOICES])
