"""Collections, documents, their versions and chunks: the truth that every index is rebuilt from."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    UniqueConstraint,
    and_,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from bot.adapters.store.tables import JsonText, UtcDateTime, filled, metadata
from bot.adapters.store.transaction_memory import forget, read_once
from knowledge.document import Chunk, Document, LiveChunk
from knowledge.support import AS_SHIPPED, Calibration

collections = Table(
    "collections",
    metadata,
    Column("name", String(64), primary_key=True),
    *filled(JsonText, "audience", "calibration"),
    *filled(Integer, "revision", "dimension"),
    Column("model_id", String(200), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
)

documents = Table(
    "documents",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("collection", ForeignKey("collections.name"), nullable=False),
    *filled(Text, "path", "source"),
    Column("source_hash", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("is_removed", Boolean, nullable=False),
    UniqueConstraint("collection", "path"),
)

document_versions = Table(
    "document_versions",
    metadata,
    Column("document_id", ForeignKey("documents.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    *filled(Text, "title", "owner", "text"),
    Column("content_hash", String(64), nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("from_revision", Integer, nullable=False),
    Column("until_revision", Integer),
)

chunks = Table(
    "chunks",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("from_revision", Integer, primary_key=True),
    Column("until_revision", Integer),
    Column("collection", ForeignKey("collections.name"), nullable=False),
    Column("document_id", ForeignKey("documents.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("headings", JsonText, nullable=False),
    *filled(Text, "location", "text"),
    Index("ix_chunks_collection_until_revision", "collection", "until_revision"),
    Index("ix_chunks_document_id", "document_id"),
)


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection as stored."""

    name: str
    audience: tuple[str, ...]
    """`everyone`, or ids of people and groups."""
    revision: int
    """0 when empty; one more with every document added, changed or removed."""
    model_id: str
    dimension: int
    calibration: Calibration = AS_SHIPPED
    """As shipped, or of its own."""


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A live document with where it came from."""

    document: Document
    source: str
    """The folder or file that was added."""
    source_hash: str
    """SHA-256 of the file's bytes."""


def find_collection(connection: Connection, name: str) -> CollectionRow | None:
    """One collection, or None."""
    row = connection.execute(select(collections).where(collections.c.name == name)).one_or_none()
    return None if row is None else _collection(row)


def list_collections(connection: Connection) -> tuple[CollectionRow, ...]:
    """Every collection by name."""
    return tuple(map(_collection, connection.execute(select(collections).order_by(collections.c.name))))


_READ_REVISIONS = "revisions"
_REVISIONS = select(collections.c.name, collections.c.revision).order_by(collections.c.name)


def collection_revisions(connection: Connection) -> Mapping[str, int]:
    """Every collection's name and revision. Read once in a transaction."""

    def read() -> Mapping[str, int]:
        return {row.name: row.revision for row in connection.execute(_REVISIONS)}

    return read_once(connection, _READ_REVISIONS, read)


def insert_collection(connection: Connection, row: CollectionRow, *, now: datetime) -> None:
    """Make an empty collection. Raises IntegrityError when the name is taken."""
    forget(connection, _READ_REVISIONS)
    connection.execute(
        insert(collections).values(
            name=row.name,
            audience=list(row.audience),
            revision=row.revision,
            model_id=row.model_id,
            dimension=row.dimension,
            calibration={},
            created_at=now,
        )
    )


def update_collection(connection: Connection, name: str, **values: Any) -> None:
    """Set audience, model_id or dimension."""
    connection.execute(update(collections).where(collections.c.name == name).values(**values))


def set_calibration(connection: Connection, name: str, calibration: Calibration) -> None:
    """What the evidence says in this collection; one as shipped stays so in later versions."""
    own = asdict(calibration) if calibration != AS_SHIPPED else {}
    connection.execute(update(collections).where(collections.c.name == name).values(calibration=own))


def find_document(connection: Connection, collection: str, path: str) -> DocumentRow | None:
    """The live document at a path, or None."""
    query = _live_documents(collection).where(documents.c.path == path)
    row = connection.execute(query).one_or_none()
    return None if row is None else _document_row(row)


def list_documents(connection: Connection, collection: str) -> tuple[DocumentRow, ...]:
    """Live documents by path, with their text."""
    rows = connection.execute(_live_documents(collection).order_by(documents.c.path))
    return tuple(map(_document_row, rows))


def document_paths(connection: Connection) -> dict[str, str]:
    """Id of every document, removed ones too, to its path in its collection."""
    return {row.id: row.path for row in connection.execute(select(documents.c.id, documents.c.path))}


def list_sources(connection: Connection, collection: str) -> tuple[str, ...]:
    """The folders and files that live documents came from."""
    query = select(documents.c.source).distinct()
    query = query.where(documents.c.collection == collection, documents.c.is_removed.is_(False))
    return tuple(connection.execute(query).scalars())


def removed_hashes(connection: Connection, collection: str) -> dict[str, str]:
    """Path to the hash of the file, of documents that were taken out."""
    query = select(documents.c.path, documents.c.source_hash)
    query = query.where(documents.c.collection == collection, documents.c.is_removed.is_(True))
    return {row.path: row.source_hash for row in connection.execute(query)}


def document_versions_of(connection: Connection, document_id: str) -> tuple[Document, ...]:
    """Every version of a document with its text, newest first."""
    query = (
        select(documents.c.id, documents.c.collection, documents.c.path, document_versions)
        .join(documents, documents.c.id == document_versions.c.document_id)
        .where(documents.c.id == document_id)
        .order_by(document_versions.c.version.desc())
    )
    return tuple(_document(row) for row in connection.execute(query))


def put_document(connection: Connection, row: DocumentRow, cut: Sequence[Chunk]) -> tuple[int, int]:
    """Replace a document and its chunks as one change; returns its version and the collection's revision.

    A chunk whose id was already live stays as it is.
    """
    document = row.document
    revision = _next_revision(connection, document.collection)
    known = connection.execute(select(documents.c.version).where(documents.c.id == document.id)).scalar()
    version = (known or 0) + 1
    values = {
        "collection": document.collection,
        "path": document.path,
        "source": row.source,
        "source_hash": row.source_hash,
        "version": version,
        "is_removed": False,
    }
    if known is None:
        connection.execute(insert(documents).values(id=document.id, **values))
    else:
        connection.execute(update(documents).where(documents.c.id == document.id).values(**values))
    _close_version(connection, document.id, revision)
    connection.execute(
        insert(document_versions).values(
            document_id=document.id,
            version=version,
            title=document.title,
            owner=document.owner,
            content_hash=document.content_hash,
            updated_at=document.updated_at,
            text=document.text,
            from_revision=revision,
        )
    )
    _replace_chunks(connection, document, cut, revision)
    return version, revision


def touch_document(connection: Connection, document_id: str, *, source: str, source_hash: str) -> None:
    """Note that the file was read again and says the same."""
    connection.execute(
        update(documents).where(documents.c.id == document_id).values(source=source, source_hash=source_hash)
    )


def remove_document(connection: Connection, document: Document) -> int:
    """Take a document out of the collection; returns the collection's revision."""
    revision = _next_revision(connection, document.collection)
    connection.execute(update(documents).where(documents.c.id == document.id).values(is_removed=True))
    _close_version(connection, document.id, revision)
    _retire(connection, document.id, revision)
    return revision


def chunks_at(connection: Connection, collection: str, revision: int) -> tuple[LiveChunk, ...]:
    """Every chunk that was live at a revision, by document and position."""
    query = (
        select(chunks, *_VERSION_COLUMNS, documents.c.path)
        .join(documents, documents.c.id == chunks.c.document_id)
        .join(document_versions, document_versions.c.document_id == chunks.c.document_id)
        .where(chunks.c.collection == collection, _live_at(chunks, revision))
        .where(_live_at(document_versions, revision))
        .order_by(chunks.c.document_id, chunks.c.position, chunks.c.id)
    )
    return tuple(map(_chunk_row, connection.execute(query)))


_VERSION_COLUMNS = [
    document_versions.c[name] for name in ("version", "title", "owner", "content_hash", "updated_at")
]


def _live_at(table: Table, revision: int) -> ColumnElement[bool]:
    until = table.c.until_revision
    return and_(table.c.from_revision <= revision, or_(until.is_(None), until > revision))


def _live_documents(collection: str) -> Any:
    return (
        select(documents, *_VERSION_COLUMNS[1:], document_versions.c.text)
        .join(
            document_versions,
            and_(
                document_versions.c.document_id == documents.c.id,
                document_versions.c.version == documents.c.version,
            ),
        )
        .where(documents.c.collection == collection, documents.c.is_removed.is_(False))
    )


def _next_revision(connection: Connection, collection: str) -> int:
    forget(connection, _READ_REVISIONS)
    bumped = (
        update(collections)
        .where(collections.c.name == collection)
        .values(revision=collections.c.revision + 1)
        .returning(collections.c.revision)
    )
    return int(connection.execute(bumped).scalar_one())


def _close_version(connection: Connection, document_id: str, revision: int) -> None:
    table = document_versions
    still_open = and_(table.c.document_id == document_id, table.c.until_revision.is_(None))
    connection.execute(update(table).where(still_open).values(until_revision=revision))


def _retire(
    connection: Connection, document_id: str, revision: int, *, keep: Sequence[Chunk] = ()
) -> frozenset[str]:
    """Close the chunks of a document but those that stand where they stood; returns what stays live."""
    live_rows = and_(chunks.c.document_id == document_id, chunks.c.until_revision.is_(None))
    found = connection.execute(select(chunks.c.id, chunks.c.position, chunks.c.location).where(live_rows))
    live = {row.id: (row.position, row.location) for row in found}
    kept = frozenset(chunk.id for chunk in keep if live.get(chunk.id) == (chunk.position, chunk.location))
    for chunk_id in live.keys() - kept:
        closed = update(chunks).where(chunks.c.id == chunk_id, chunks.c.until_revision.is_(None))
        connection.execute(closed.values(until_revision=revision))
    return kept


def _replace_chunks(connection: Connection, document: Document, cut: Sequence[Chunk], revision: int) -> None:
    kept = _retire(connection, document.id, revision, keep=cut)
    fresh = [
        {
            "id": chunk.id,
            "from_revision": revision,
            "collection": document.collection,
            "document_id": document.id,
            "position": chunk.position,
            "headings": list(chunk.headings),
            "location": chunk.location,
            "text": chunk.text,
        }
        for chunk in cut
        if chunk.id not in kept
    ]
    if fresh:
        connection.execute(insert(chunks), fresh)


def _collection(row: Row[Any]) -> CollectionRow:
    return CollectionRow(
        row.name,
        tuple(row.audience),
        row.revision,
        row.model_id,
        row.dimension,
        Calibration(**row.calibration),
    )


def _document(row: Row[Any]) -> Document:
    return Document(
        id=row.id,
        collection=row.collection,
        title=row.title,
        path=row.path,
        owner=row.owner,
        version=row.version,
        content_hash=row.content_hash,
        updated_at=row.updated_at,
        text=row.text,
    )


def _document_row(row: Row[Any]) -> DocumentRow:
    return DocumentRow(_document(row), row.source, row.source_hash)


def _chunk_row(row: Row[Any]) -> LiveChunk:
    chunk = Chunk(row.id, row.document_id, row.position, tuple(row.headings), row.text, row.location)
    document = Document(
        id=row.document_id,
        collection=row.collection,
        title=row.title,
        path=row.path,
        owner=row.owner,
        version=row.version,
        content_hash=row.content_hash,
        updated_at=row.updated_at,
    )
    return LiveChunk(chunk, document)
