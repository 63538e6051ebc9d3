"""One document that a person writes or takes out: embedded first, then stored with the rest of its change."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.store import document_log as log
from bot.services.intake import document_id, put_document, remove_document
from knowledge.chunking import cut
from knowledge.document import Chunk, Document, LiveChunk
from workflows.ports import Clock
from workflows.run import Json

if TYPE_CHECKING:
    from bot.services.snapshots import Snapshots

CHAT = "chat"
"""Source of a document that no file stands behind."""

_HEADING = re.compile(r"^#\s+(.+?)\s*#*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PreparedDocument:
    """A document that is cut and embedded, and not yet stored."""

    row: log.DocumentRow
    chunks: tuple[Chunk, ...]


def title_of(text: str, path: str) -> str:
    """The first heading, else what the file is called."""
    found = _HEADING.search(text)
    stem = path.rpartition("/")[2].rpartition(".")[0] or path
    return found[1] if found else stem.replace("-", " ").replace("_", " ").capitalize()


def prepare(
    snapshots: "Snapshots",
    collection: log.CollectionRow,
    before: log.DocumentRow | None,
    *,
    path: str,
    text: str,
    title: str,
    owner: str,
    clock: Clock,
) -> PreparedDocument:
    """Cut and embed a text, so that the transaction that names its chunks need not wait. Raises MixedModels.

    The file it once came from stays its source: read again unchanged, it leaves the edit alone.
    """
    document = Document(
        id=document_id(collection.name, path),
        collection=collection.name,
        title=title or title_of(text, path),
        path=path,
        owner=before.document.owner if before else owner,
        version=0,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        updated_at=clock.now(),
        text=text,
    )
    chunks = tuple(cut(text, document_id=document.id))
    snapshots.encode(collection, [LiveChunk(chunk, document) for chunk in chunks])
    source, digest = (before.source, before.source_hash) if before else (CHAT, document.content_hash)
    return PreparedDocument(log.DocumentRow(document, source, digest), chunks)


def put_in(
    connection: Connection,
    prepared: PreparedDocument,
    *,
    by: str,
    clock: Clock,
    facts: Mapping[str, Json] | None = None,
) -> int:
    """Store it with its audit event; returns its version."""
    now = clock.now()
    row = replace(prepared.row, document=replace(prepared.row.document, updated_at=now))
    put_document(connection, row, prepared.chunks, by=by, at=now, facts=facts)
    found = log.find_document(connection, row.document.collection, row.document.path)
    return found.document.version if found else 0


def remove_in(
    connection: Connection,
    collection: str,
    path: str,
    *,
    by: str,
    clock: Clock,
    facts: Mapping[str, Json] | None = None,
) -> bool:
    """Take a document out with its audit event; False when none is there."""
    stored = log.find_document(connection, collection, path)
    if stored is None:
        return False
    remove_document(connection, stored.document, by=by, at=clock.now(), facts=facts)
    return True
