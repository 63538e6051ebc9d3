"""Which workflows are live, at which versions, and which of them fits a sentence."""

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.versions_log import (
    StoredVersion,
    find_labelled,
    insert_version,
    label_mover,
    move_label,
    read_labelled,
    read_pointers,
    read_version,
)
from bot.governance.roles import Permission
from bot.services.access import Access
from bot.services.actors import Actor
from workflows.definition import Workflow, load_workflow
from workflows.ports import Clock
from workflows.run import Json
from workflows.template import PromptTemplate, parse_prompt
from workflows.versions import content_hash

LIBRARY = "library"
"""Author of what ships with the product: a newer library replaces it unless a person has moved the label."""

Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, as rows of a numpy array."""

CERTAIN, MARGIN, CHOICES = 0.34, 0.06, 5
"""Cosine from which a workflow fits, lead over the next that makes it certain, most to choose from."""


class UnknownWorkflow(Exception):
    """No released workflow has that name; fact `nearest` is the closest name, or empty."""

    def __init__(self, name: str, nearest: str = "") -> None:
        super().__init__(name)
        self.facts = {"name": name, "nearest": nearest}


@dataclass(frozen=True, slots=True)
class Released:
    """A workflow that employees can run."""

    name: str
    title: str
    purpose: str
    usage_hint: str
    examples: tuple[str, ...]
    workflow: Workflow
    version: int


@dataclass(frozen=True, slots=True)
class Content:
    """Something to release: what kind, its name and its text."""

    kind: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Pinned:
    """Every version that one run uses. Serves the engine as its Library."""

    root: Workflow
    pins: Mapping[str, Mapping[str, int]]
    """Kind to name to version number."""
    _workflows: Mapping[str, Workflow] = field(repr=False)
    _prompts: Mapping[str, PromptTemplate] = field(repr=False)
    _values: Mapping[str, Mapping[str, Json]] = field(repr=False)

    def workflow(self, name: str) -> Workflow:
        """A workflow called by the pinned one. Raises UnknownWorkflow."""
        if name not in self._workflows:
            raise UnknownWorkflow(name)
        return self._workflows[name]

    def prompt(self, name: str) -> PromptTemplate:
        """A prompt template. Raises KeyError, which loading rules out."""
        return self._prompts[name]

    def parameters(self, name: str) -> Mapping[str, Json]:
        """Values of a workflow's parameters: what was tuned over the defaults."""
        defaults = {key: item.default for key, item in self.workflow(name).parameters.items()}
        return {**defaults, **self._values.get(name, {})}


@lru_cache(maxsize=256)
def _workflow_of(text: str, name: str) -> Workflow:
    return load_workflow(text, source=f"{name}.yaml")


@lru_cache(maxsize=256)
def _prompt_of(text: str, name: str) -> PromptTemplate:
    return parse_prompt(name, text)


class Catalogue:
    """Reads the labelled versions of the store."""

    def __init__(self, store: Store, access: Access, clock: Clock, encode: Encode | None = None) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._encode = encode
        self._pointers: tuple[tuple[str, str, int], ...] = ()
        self._pinned: dict[str, Pinned] = {}

    async def seed(self, contents: Sequence[Content], author: str = LIBRARY) -> int:
        """Keep what ships with the product and release what no person has changed; returns labels moved."""

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
        if author == LIBRARY and label_mover(connection, content.kind, content.name) not in ("", LIBRARY):
            return False
        moved = move_label(
            connection, kind=content.kind, name=content.name, number=stored.number, by=author, at=now
        )
        if moved:
            self._record(connection, author, stored, now)
        return moved

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
        """Workflows that the actor may run, by name; with no actor, all of them."""
        return await self._store.read(lambda connection: self.released_in(connection, actor))

    def released_in(self, connection: Connection, actor: Actor | None = None) -> tuple[Released, ...]:
        """As `released`, within the caller's transaction."""
        stored = read_labelled(connection, kind="workflow")
        return tuple(
            _released(version)
            for version in stored
            if actor is None
            or self._access.may(connection, actor, Permission.RUN, f"workflow:{version.name}")
        )

    async def find(self, name: str) -> Released:
        """One released workflow. Raises UnknownWorkflow with the nearest name."""
        return await self._store.read(lambda connection: self.find_in(connection, name))

    def find_in(self, connection: Connection, name: str) -> Released:
        """As `find`, within the caller's transaction."""
        stored = find_labelled(connection, "workflow", name)
        if stored is not None:
            return _released(stored)
        everything = [version.name for version in read_labelled(connection, kind="workflow")]
        near = difflib.get_close_matches(name, everything, n=1, cutoff=0.5)
        raise UnknownWorkflow(name, near[0] if near else "")

    def resolve(self, connection: Connection, name: str) -> Pinned:
        """The live versions of a workflow and of all it reaches. Raises UnknownWorkflow."""
        pointers = read_pointers(connection)
        if pointers != self._pointers:
            # versions never change, so what is pinned holds until a label moves
            self._pointers, self._pinned = pointers, {}
        if name not in self._pinned:
            live = {(version.kind, version.name): version for version in read_labelled(connection)}
            if ("workflow", name) not in live:
                self.find_in(connection, name)
            self._pinned[name] = _pin(name, live)
        return self._pinned[name]

    def resolve_pins(
        self, connection: Connection, name: str, pins: Mapping[str, Mapping[str, int]]
    ) -> Pinned:
        """The versions a run was pinned to, however the labels stand today. Raises UnknownWorkflow."""
        kept = {}
        for kind in ("workflow", "prompt", "parameters"):
            for item, number in pins.get(kind, {}).items():
                version = read_version(connection, kind, item, number)
                if version is not None:
                    kept[(kind, item)] = version
        if ("workflow", name) not in kept:
            raise UnknownWorkflow(name)
        return _pin(name, kept)

    async def route(self, text: str, actor: Actor) -> tuple[Released, ...]:
        """Workflows that fit a sentence, best first; exactly one when it is certain."""
        candidates = await self.released(actor)
        named = [item for item in candidates if text.lower().split(":")[0].split(" ")[0] == item.name]
        if named or len(candidates) <= 1 or self._encode is None:
            return tuple(named) or candidates[:CHOICES]
        return _rank(text, candidates, self._encode)


def _released(version: StoredVersion) -> Released:
    workflow = _workflow_of(version.content, version.name)
    return Released(
        name=workflow.name,
        title=workflow.title,
        purpose=workflow.purpose,
        usage_hint=usage_hint(workflow),
        examples=tuple(workflow.examples),
        workflow=workflow,
        version=version.number,
    )


def usage_hint(workflow: Workflow) -> str:
    """What to type after the command: the first text input bare, others as name=value."""
    parts, bare = [], False
    for name, item in workflow.asked_inputs.items():
        word = f"<{item.label.lower()}>" if item.kind == "text" and not bare else f"{name}=<{item.kind}>"
        bare = bare or item.kind == "text"
        parts.append(word if item.required and item.default is None else f"[{word}]")
    return " ".join(parts)


def _pin(name: str, versions: Mapping[tuple[str, str], StoredVersion]) -> Pinned:
    pins: dict[str, dict[str, int]] = {"workflow": {}, "prompt": {}, "parameters": {}}
    workflows: dict[str, Workflow] = {}
    prompts: dict[str, PromptTemplate] = {}
    values: dict[str, Mapping[str, Json]] = {}
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current in workflows or ("workflow", current) not in versions:
            continue
        stored = versions["workflow", current]
        workflows[current] = _workflow_of(stored.content, current)
        pins["workflow"][current] = stored.number
        tuned = versions.get(("parameters", current))
        if tuned is not None:
            values[current] = json.loads(tuned.content)
            pins["parameters"][current] = tuned.number
        for prompt in workflows[current].prompt_names():
            if ("prompt", prompt) in versions:
                prompts[prompt] = _prompt_of(versions["prompt", prompt].content, prompt)
                pins["prompt"][prompt] = versions["prompt", prompt].number
        waiting.extend(workflows[current].called_names())
    return Pinned(workflows[name], pins, workflows, prompts, values)


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
