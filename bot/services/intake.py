"""Brings a collection up to date with a folder or file: read, cut, encode, one transaction a document."""

import asyncio
import functools
import hashlib
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store import document_log as log
from bot.adapters.store.database import Store
from knowledge.chunking import cut
from knowledge.document import Chunk, Document, LiveChunk
from knowledge.loaders import DocumentRefused, Loaded, Loader, reading
from knowledge.sources import Source, SourceFile, SourceUnreadable, holds_another
from workflows.ports import Clock
from workflows.run import Json

if TYPE_CHECKING:
    from bot.services.snapshots import Snapshots

LIBRARY = "library"
"""Who takes up what ships with the product."""

OnProgress = Callable[[int, int, str], None]
"""Files done, files in all, path of the one just done."""


class PathTaken(DocumentRefused):
    """The collection has a document of that path from another source; fact `source`."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A file that was not taken."""

    path: str
    why: str
    """Name of the error class, e.g. `EncryptedDocument`."""
    facts: Mapping[str, str]


@dataclass(slots=True)
class Added:
    """What adding a folder or file did: paths."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


class AddingStopped(asyncio.CancelledError):
    """Cancelled after a file and before the end; what was added until then stays."""

    def __init__(self, added: Added) -> None:
        super().__init__()
        self.added = added
        self.facts: Mapping[str, str] = {}


class Intake:
    """Adds one source to one collection; used once."""

    def __init__(
        self,
        store: Store,
        snapshots: "Snapshots",
        clock: Clock,
        row: log.CollectionRow,
        *,
        owner: str,
        by: str,
        stop: threading.Event,
    ) -> None:
        self._store = store
        self._snapshots = snapshots
        self._stop = stop
        self._clock = clock
        self._row = row
        self._owner = owner
        self._by = by
        self._forgotten: Mapping[str, str] = {}

    def run(self, source: Source, on_progress: OnProgress | None) -> Added:
        """Take every file until `stop` is set, then take out what the source no longer has.

        Raises MixedModels.
        """
        outcome = Added()
        outcome.refused += [
            Refused(path, SourceUnreadable.__name__, {"path": path}) for path in source.unread
        ]
        known = self._store.read_now(functools.partial(log.list_documents, collection=self._row.name))
        stored = {row.document.path: row for row in known}
        self._forgotten = self._store.read_now(
            functools.partial(log.removed_hashes, collection=self._row.name)
        )
        with Loader() as loader:
            for done, file in enumerate(source.files, start=1):
                if self._stop.is_set():
                    return outcome
                try:
                    took = self._take(loader, source, file, stored.get(file.path))
                    getattr(outcome, took).append(file.path)
                except DocumentRefused as refused:
                    outcome.refused.append(Refused(file.path, type(refused).__name__, refused.facts))
                if on_progress is not None:
                    on_progress(done, len(source.files), file.path)
        if source.is_whole and not self._stop.is_set():
            self._remove_missing(source, stored, outcome)
            self._remove_doubled(source, stored, outcome)
        return outcome

    def _take(self, loader: Loader, source: Source, file: SourceFile, before: log.DocumentRow | None) -> str:
        with reading(file.file):
            digest = _digest_of(file.file)
        is_taken = before is not None and self._is_taken(source, file, before)
        if before is not None and before.source_hash == digest and self._is_owned_alike(before):
            if before.source != source.name and not is_taken:
                self._touch(before, source, digest)
            return "unchanged"
        if before is not None and is_taken:
            raise PathTaken(file.file, source=before.source)
        if before is None and self._by == LIBRARY and self._forgotten.get(file.path) == digest:
            # what ships is taken up at every start, and must not bring back what a person took out
            return "unchanged"
        loaded = loader.load(file.file)
        document = self._document(file, loaded, before)
        if before is not None and _says_the_same(before.document, document, loaded):
            self._touch(before, source, digest)
            return "unchanged"
        chunks = cut(document.text, document_id=document.id)
        self._snapshots.encode(self._row, [LiveChunk(chunk, document) for chunk in chunks])
        row = log.DocumentRow(document, source.name, digest)
        self._store.write_now(
            lambda connection: put_document(connection, row, chunks, by=self._by, at=self._clock.now())
        )
        return "added" if before is None else "changed"

    def _document(self, file: SourceFile, loaded: Loaded, before: log.DocumentRow | None) -> Document:
        with reading(file.file):
            modified = datetime.fromtimestamp(file.file.stat().st_mtime, UTC)
        return Document(
            id=document_id(self._row.name, file.path),
            collection=self._row.name,
            title=loaded.title,
            path=file.path,
            owner=loaded.owner or self._owner or (before.document.owner if before else ""),
            version=0,
            content_hash=hashlib.sha256(loaded.text.encode()).hexdigest(),
            updated_at=loaded.updated_at or modified,
            text=loaded.text,
        )

    def _is_taken(self, source: Source, file: SourceFile, before: log.DocumentRow) -> bool:
        """What ships replaces nothing that people brought, wherever they have it by now."""
        if before.source == source.name:
            return False
        return self._by == LIBRARY or holds_another(before.source, file)

    def _is_owned_alike(self, before: log.DocumentRow) -> bool:
        return not self._owner or self._owner == before.document.owner

    def _touch(self, before: log.DocumentRow, source: Source, digest: str) -> None:
        self._store.write_now(
            functools.partial(
                log.touch_document,
                document_id=before.document.id,
                source=source.name,
                source_hash=digest,
            )
        )

    def _remove_missing(self, source: Source, stored: Mapping[str, log.DocumentRow], outcome: Added) -> None:
        present = {file.path for file in source.files}
        for path, row in stored.items():
            if row.source == source.name and path not in present and not source.may_hide(path):
                self._remove(row.document, outcome)

    def _remove_doubled(self, source: Source, stored: Mapping[str, log.DocumentRow], outcome: Added) -> None:
        """Files of this folder that were added by themselves before stand under its paths now."""
        if self._by == LIBRARY:
            return
        taken = {*outcome.added, *outcome.changed, *outcome.unchanged}
        places = {str(file.file): file.path for file in source.files if file.path in taken}
        for path, row in stored.items():
            alone = Path(row.source)
            if row.source == source.name or not alone.is_absolute():
                continue
            now = places.get(str(alone)) or places.get(str(alone / path)) or ""
            # only from above: a folder added after the one around it leaves that one's documents alone
            if now.endswith(f"/{path}"):
                self._remove(row.document, outcome)

    def _remove(self, document: Document, outcome: Added) -> None:
        self._store.write_now(
            functools.partial(remove_document, document=document, by=self._by, at=self._clock.now())
        )
        outcome.removed.append(document.path)


def document_id(collection: str, path: str) -> str:
    """The same for every version of the document at a path."""
    name = f"{collection}\x1f{path}"
    return f"d_{hashlib.sha256(name.encode()).hexdigest()[:24]}"


def put_document(
    connection: Connection,
    row: log.DocumentRow,
    chunks: Sequence[Chunk],
    *,
    by: str,
    at: datetime,
    facts: Mapping[str, Json] | None = None,
) -> int:
    """Store a new or changed document with its audit event; returns the collection's revision."""
    version, revision = log.put_document(connection, row, chunks)
    action = "document.added" if version == 1 else "document.changed"
    _note(connection, row.document, action, by, at, {"revision": revision, "after": version, **(facts or {})})
    return revision


def remove_document(
    connection: Connection,
    document: Document,
    *,
    by: str,
    at: datetime,
    facts: Mapping[str, Json] | None = None,
) -> int:
    """Take a document out with its audit event; returns the collection's revision."""
    revision = log.remove_document(connection, document)
    _note(
        connection, document, "document.removed", by, at, {"revision": revision, "after": 0, **(facts or {})}
    )
    return revision


def _note(
    connection: Connection,
    document: Document,
    action: str,
    by: str,
    at: datetime,
    facts: Mapping[str, Json],
) -> None:
    audit_log.append_event(
        connection,
        actor=by,
        action=action,
        target=f"{document.collection}/{document.path}",
        at=at,
        context={"content_hash": document.content_hash, **facts},
    )


def _says_the_same(before: Document, now: Document, loaded: Loaded) -> bool:
    is_confirmed = loaded.updated_at is not None and loaded.updated_at != before.updated_at
    same = (before.content_hash, before.title, before.owner) == (now.content_hash, now.title, now.owner)
    return same and not is_confirmed


def _digest_of(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as opened:
        while block := opened.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
