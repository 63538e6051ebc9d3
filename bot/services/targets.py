"""What a change can be about: what it says today, what it reaches, and putting something else there."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store import document_log as documents
from bot.adapters.store.grants import read_grants
from bot.adapters.store.versions_log import (
    PRODUCTION,
    find_labelled,
    insert_version,
    list_versions,
    move_label,
    remove_label,
)
from bot.governance.changes import Target
from bot.governance.roles import Role
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.contents import MODELS, PROMPT, WORKFLOW, nearest_name
from bot.services.intake import document_id
from knowledge.document import Document
from workflows.decision_tables import rows_of, table_steps, table_text
from workflows.ports import Clock
from workflows.run import Json
from workflows.steps.retrieve import RetrieveStep
from workflows.versions import content_hash
from workflows.workflow import Workflow

if TYPE_CHECKING:
    from bot.services.document_edits import PreparedDocument
    from bot.services.holdings import Holdings
    from bot.services.pinning import Pinned

HELD = "held"
"""Content of a grant that is given; one that is not has none."""

PATH = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)*")
"""Of a document within its collection."""


class UnknownTarget(Exception):
    """There is nothing of that kind and name; fact `nearest` is the closest name, or empty."""

    def __init__(self, target: Target, nearest: str = "") -> None:
        super().__init__(str(target))
        self.facts = {"kind": target.kind, "name": target.name, "nearest": nearest}


class NoSuchVersion(UnknownTarget):
    """The target has no version of that number; fact `newest` is the highest it has, 0 for none."""

    def __init__(self, target: Target, number: int, newest: int) -> None:
        super().__init__(target)
        self.facts |= {"number": str(number), "newest": str(newest)}


@dataclass(frozen=True, slots=True)
class Current:
    """What a target says today."""

    text: str
    """Empty when there is nothing: a document that is not there, a grant that is not given."""
    number: int
    """Of the version; 0 when there is none and the text is what the workflow's file says."""

    @property
    def content_hash(self) -> str:
        """What makes two contents the same."""
        return content_hash(self.text)


@dataclass(frozen=True, slots=True)
class Move:
    """Putting a content in place, or taking it away, and in whose name."""

    target: Target
    text: str | None
    """None takes the version away: the target is then as it was before it had any."""
    by: Actor
    author: str
    action: str
    """Last word of the audit event: `released`, `rolled_back`."""
    change_id: str
    label: str = PRODUCTION
    prepared: "PreparedDocument | None" = None
    """The document, embedded."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Reads and moves them within the caller's transaction."""

    catalogue: Catalogue
    access: Access
    holdings: "Holdings"
    clock: Clock

    def current(self, connection: Connection, target: Target, label: str = PRODUCTION) -> Current:
        """What the target says today. Raises UnknownTarget."""
        if target.kind == "document":
            return self._document(connection, target)
        if target.kind == "grant":
            held = _grant_of(target) in {(g.grantee, g.role, g.scope) for g in read_grants(connection)}
            return Current(HELD if held else "", int(held))
        return self._version(connection, target, label)

    def _version(self, connection: Connection, target: Target, label: str) -> Current:
        live = self.catalogue.versions(connection, label)
        found = live.get((target.kind, target.name))
        if target.kind in ("parameters", "rules"):
            # where a workflow is gone, so are its parameters
            workflow = self.workflow(connection, target, label)
            if found is None:
                return Current(_as_in_file(target, workflow), 0)
        if found is not None:
            return Current(found.content, found.number)
        if target.kind == WORKFLOW and re.fullmatch(r"[a-z][a-z0-9-]{0,30}", target.name):
            return Current("", 0)
        names = [name for kind, name in live if kind == target.kind]
        raise UnknownTarget(target, nearest_name(target.name, names))

    def workflow(self, connection: Connection, target: Target, label: str = PRODUCTION) -> Workflow:
        """The workflow a target belongs to, as it is released. Raises UnknownTarget."""
        live = self.catalogue.versions(connection, label)
        if (WORKFLOW, target.workflow) not in live:
            names = [name for kind, name in live if kind == WORKFLOW]
            raise UnknownTarget(target, nearest_name(target.workflow, names))
        return self.catalogue.resolve(connection, target.workflow, label=label).root

    def find(self, connection: Connection, target: Target, pinned: "Pinned", label: str) -> None:
        """See that what a run is pinned to, or anything live, has that name. Raises UnknownTarget."""
        live = [name for kind, name in self.catalogue.versions(connection, label) if kind == target.kind]
        if target.kind in ("parameters", "rules") or target.name in (*live, *pinned.names(target.kind)):
            # of those two it is the workflow that has to be there, and that is looked up as they are read
            return
        nearest = MODELS if target.kind == MODELS else nearest_name(target.name, live)
        raise UnknownTarget(target, nearest)

    def _document(self, connection: Connection, target: Target) -> Current:
        collection, _, path = target.name.partition("/")
        if documents.find_collection(connection, collection) is None:
            names = [row.name for row in documents.list_collections(connection)]
            raise UnknownTarget(target, nearest_name(collection, names))
        if not PATH.fullmatch(path):
            raise UnknownTarget(target)
        found = documents.find_document(connection, collection, path)
        return Current(found.document.text, found.document.version) if found else Current("", 0)

    def affected(self, connection: Connection, target: Target, label: str = PRODUCTION) -> tuple[str, ...]:
        """The workflows whose answers it may change, by name."""
        live = self.catalogue.versions(connection, label)
        names = [name for kind, name in live if kind == WORKFLOW]
        if target.kind == WORKFLOW and target.name not in names:
            return (target.name,)
        return tuple(name for name in names if self._reaches(connection, target, name, label))

    def _reaches(self, connection: Connection, target: Target, name: str, label: str) -> bool:
        if target.kind == MODELS:
            return True
        if target.kind == "grant":
            return False
        pinned = self.catalogue.resolve(connection, name, label=label)
        if target.kind == "document":
            collection = target.name.partition("/")[0]
            used = (pinned.workflow(each) for each in pinned.names(WORKFLOW))
            return any(
                isinstance(step, RetrieveStep) and step.collection == collection
                for workflow in used
                for step in workflow.steps
            )
        if target.kind == PROMPT:
            return target.name in pinned.names(PROMPT)
        return target.workflow in pinned.names(WORKFLOW)

    def text_of(self, connection: Connection, target: Target, number: int) -> str | None:
        """What a version said; None for 0, when there was none. Raises NoSuchVersion."""
        if number == 0:
            return None
        if target.kind == "grant":
            return HELD
        if target.kind == "document":
            texts = {each.version: each.text for each in self.document_versions(connection, target)}
        else:
            stored = list_versions(connection, target.kind, target.name)
            texts = {each.number: each.content for each in stored}
        if number not in texts:
            raise NoSuchVersion(target, number, max(texts, default=0))
        return texts[number]

    def document_versions(self, connection: Connection, target: Target) -> tuple[Document, ...]:
        """Every version of a document, newest first."""
        collection, _, path = target.name.partition("/")
        return documents.document_versions_of(connection, document_id(collection, path))

    async def prepare(self, target: Target, text: str | None, by: str) -> "PreparedDocument | None":
        """Embed a document before the transaction that puts it in place; None for everything else."""
        if target.kind != "document" or not text:
            return None
        collection, _, path = target.name.partition("/")
        return await self.holdings.prepare_text(collection, path, text, owner=by)

    def put(self, connection: Connection, move: Move) -> tuple[int, int]:
        """Put a content in place with its audit event; returns the numbers before and after.

        Raises UnknownTarget, and NotAuthorized for a grant its giver may not give.
        """
        before = self.current(connection, move.target, move.label)
        facts: dict[str, Json] = {"before": before.number, "label": move.label, "change": move.change_id}
        if move.target.kind == "document":
            return before.number, self._put_document(connection, move, facts)
        if move.target.kind == "grant":
            return before.number, self._put_grant(connection, move)
        after = self._put_version(connection, move, before)
        audit_log.append_event(
            connection,
            actor=move.by.id,
            action=f"{move.target.kind}.{move.action}",
            target=str(move.target),
            context={**facts, "number": after, "after": after, "content_hash": content_hash(move.text or "")},
            at=self.clock.now(),
        )
        return before.number, after

    def _put_version(self, connection: Connection, move: Move, before: Current) -> int:
        target, now = move.target, self.clock.now()
        if move.text is None:
            remove_label(connection, target.kind, target.name, move.label)
            return 0
        stored = insert_version(
            connection,
            kind=target.kind,
            name=target.name,
            content=move.text,
            content_hash=content_hash(move.text),
            author=move.author,
            at=now,
        )
        move_label(
            connection,
            kind=target.kind,
            name=target.name,
            number=stored.number,
            by=move.by.id,
            at=now,
            label=move.label,
        )
        return stored.number

    def _put_document(self, connection: Connection, move: Move, facts: Mapping[str, Json]) -> int:
        collection, _, path = move.target.name.partition("/")
        if not move.text or move.prepared is None:
            self.holdings.remove_in(connection, collection, path, by=move.by.id, facts=facts)
            return 0
        return self.holdings.put_prepared(connection, move.prepared, by=move.by.id, facts=facts)

    def _put_grant(self, connection: Connection, move: Move) -> int:
        grantee, role, scope = _grant_of(move.target)
        if move.text:
            self.access.grant_in(connection, move.by, grantee, role, scope)
        else:
            self.access.revoke_in(connection, move.by, grantee, role, scope)
        return int(bool(move.text))

    def moved_last(self, connection: Connection, target: Target, label: str = PRODUCTION) -> "Moved":
        """Who moved a target last, and when."""
        name = target.name if target.kind in ("document", "grant") else str(target)
        for event in audit_log.read_events(connection, target=name, limit=50):
            if event.context.get("label", PRODUCTION) == label:
                return Moved(event.actor, event.occurred_at)
        return Moved("", None)

    def versions_of(self, connection: Connection, target: Target) -> tuple[tuple[int, str, datetime], ...]:
        """Number, author and time of every version, newest first."""
        if target.kind == "document":
            found = self.document_versions(connection, target)
            return tuple((each.version, each.owner, each.updated_at) for each in found)
        listed = list_versions(connection, target.kind, target.name)
        return tuple((each.number, each.author, each.created_at) for each in listed)

    def is_live(self, connection: Connection, target: Target, number: int, label: str = PRODUCTION) -> bool:
        """Whether the label stands at that version."""
        if target.kind in ("document", "grant"):
            return self.current(connection, target).number == number
        found = find_labelled(connection, target.kind, target.name, label)
        return (found.number if found else 0) == number


@dataclass(frozen=True, slots=True)
class Moved:
    """Who moved something, and when; empty when that is not recorded."""

    by: str
    at: datetime | None


def _as_in_file(target: Target, workflow: Workflow) -> str:
    if target.kind == "parameters":
        return "{}"
    step = target.name.partition("/")[2]
    if step not in table_steps(workflow):
        raise UnknownTarget(target, nearest_name(step, table_steps(workflow)))
    return table_text(rows_of(workflow, step))


def _grant_of(target: Target) -> tuple[str, Role, str]:
    parts = target.name.split(":", 2)
    if len(parts) != 3 or parts[1] not in {role.value for role in Role}:
        raise UnknownTarget(target)
    return parts[0], Role(parts[1]), parts[2]


def parameter_values(text: str) -> dict[str, Json]:
    """The tuned values of a parameters text. Raises ValueError when it is not a JSON object."""
    values = json.loads(text or "{}")
    if not isinstance(values, dict):
        raise ValueError("not an object")
    return values
