"""What knowledge is made of: documents, their chunks, and the passages a query finds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Document:
    """One item with a title and text, at one version."""

    id: str
    """Opaque; the same for every version of the document."""
    collection: str
    title: str
    path: str
    """Where it came from, relative to what was added, e.g. `leave/annual-leave.md`."""
    owner: str
    """Who answers for it: a Slack user id or a name, "" when nobody is named."""
    version: int
    """Starts at 1 and grows with every changed content."""
    content_hash: str
    """SHA-256 of the text, in hex."""
    updated_at: datetime
    """When the text last changed (aware UTC)."""
    text: str = field(default="", repr=False)
    """The whole document as Markdown."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document as stored."""

    id: str
    """A function of document id, headings and text: adding the same text again is a no-op."""
    document_id: str
    position: int
    """Order within the document, from 0."""
    headings: tuple[str, ...]
    """The heading path, outermost first."""
    text: str
    location: str
    """Where in the document a person finds it: `Carry-over`, `page 3`, `sheet Rates, rows 2-20`."""


@dataclass(frozen=True, slots=True)
class LiveChunk:
    """A chunk beside the version of its document that was live at the revision asked for."""

    chunk: Chunk
    document: Document
    """Without its text."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as retrieved for a query, with what a reader needs to judge it."""

    chunk_id: str
    document_id: str
    collection: str
    title: str
    headings: tuple[str, ...]
    location: str
    text: str
    version: int
    owner: str
    updated_at: datetime
    score: float
    """Fused relevance to the query, 0 to 1, comparable within one retrieval only."""


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The answer to one query: passages best first, and whether they can carry an answer."""

    query: str
    passages: tuple[Passage, ...]
    support: float
    """Calibrated probability (0 to 1) that the passages hold the answer."""
    revisions: dict[str, int]
    """Knowledge revision of each collection that was searched."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A passage the answer relied on, as shown to the reader."""

    number: int
    """As printed in the answer, [1] upwards without gaps."""
    passage: Passage


def by_place(citations: Iterable[Citation]) -> list[tuple[str, Passage]]:
    """Each cited place once, as a reader sees it: its marks, e.g. `[1][2]`, and its first passage."""
    marks: dict[tuple[str, int, tuple[str, ...]], str] = {}
    first: dict[tuple[str, int, tuple[str, ...]], Passage] = {}
    for citation in citations:
        passage = citation.passage
        place = (passage.document_id, passage.version, passage.headings)
        marks[place] = marks.get(place, "") + f"[{citation.number}]"
        first.setdefault(place, passage)
    return [(mark, first[place]) for place, mark in marks.items()]
