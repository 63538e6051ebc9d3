"""Markdown to chunks that follow its structure and remember where they stand."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from knowledge.document import Chunk
from knowledge.sentences import join_wrapped, split_sentences

TARGET = 700
"""Characters at which a chunk is full enough to close at the next block."""
LIMIT = 900
"""Characters a chunk keeps to; only a single table row, or a sentence without spaces, may be longer."""
HARD_LIMIT = 3_600
"""Characters nothing exceeds."""
SMALL = 160
"""Characters below which a piece joins the one before it under the same heading."""

_HEADING = re.compile(r"^(#{1,6})\s+(.*)$")
_SLIDE = re.compile(r"^<!--\s*Slide number:\s*(\d+)\s*-->$")
_PAGE = re.compile(r"^<!--\s*page\s+(\d+)\s*-->$")
_SHEET = re.compile(r"^<!--\s*sheet\s+(\S.*)-->$")
_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+")


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list, table or code sample under its headings."""

    headings: tuple[str, ...]
    place: str
    """`page 3`, `slide 2`, `sheet Rates`, or "" where the format has no such thing."""
    text: str

    @property
    def is_table(self) -> bool:
        """Whether it is a Markdown table."""
        return self.text.startswith("|")


@dataclass(slots=True)
class _Reader:
    """Where the parser stands while it walks the lines."""

    levels: list[tuple[int, str]] = field(default_factory=list)
    place: str = ""
    lines: list[str] = field(default_factory=list)
    in_code: bool = False

    def take(self) -> Iterator[Block]:
        """Close the open block."""
        text = "\n".join(self.lines).strip("\n")
        self.lines = []
        if text.strip():
            yield Block(tuple(title for _, title in self.levels), self.place, text)

    def enter(self, level: int, title: str) -> None:
        """Step under a heading."""
        self.levels = [kept for kept in self.levels if kept[0] < level]
        if title:
            self.levels.append((level, title))


def parse_blocks(markdown: str) -> tuple[Block, ...]:
    """Cut Markdown at its blank lines, headings, tables and page marks."""
    reader = _Reader()
    found: list[Block] = []
    for line in join_wrapped(markdown).splitlines():
        found.extend(_read_line(reader, line))
    found.extend(reader.take())
    return tuple(found)


def _read_line(reader: _Reader, line: str) -> Iterator[Block]:
    stripped = line.strip()
    if reader.in_code or stripped.startswith("```"):
        if not reader.in_code:
            yield from reader.take()
        reader.lines.append(line)
        reader.in_code ^= stripped.startswith("```")
        if not reader.in_code:
            yield from reader.take()
        return
    heading, place = _HEADING.match(stripped), _place(stripped)
    if heading or place:
        yield from reader.take()
        if heading:
            reader.enter(len(heading[1]), _plain(without_closing(heading[2])))
        else:
            reader.place = place
        return
    if not stripped or stripped.startswith("|") != bool(reader.lines and reader.lines[-1].startswith("|")):
        yield from reader.take()
    if stripped:
        reader.lines.append(stripped if stripped.startswith("|") else line)


def without_closing(heading: str) -> str:
    """A heading without the `#` that may close it. A pattern would try each blank as its end."""
    return heading.rstrip().rstrip("#").rstrip()


def _place(line: str) -> str:
    for pattern, word in ((_SLIDE, "slide"), (_PAGE, "page"), (_SHEET, "sheet")):
        match = pattern.match(line)
        if match:
            return f"{word} {match[1].rstrip()}"
    return ""


def _plain(heading: str) -> str:
    without_links = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[*_`]{1,3}", "", without_links).strip()


def cut(markdown: str, *, document_id: str) -> tuple[Chunk, ...]:
    """Chunks in reading order. The same text gives the same ids, wherever else the document changed."""
    chunks: list[Chunk] = []
    seen: dict[str, int] = {}
    for headings, location, text in _pieces(parse_blocks(markdown)):
        key = "\x1f".join((document_id, *headings, text))
        seen[key] = seen.get(key, 0) + 1
        digest = hashlib.sha256(f"{key}\x1f{seen[key]}".encode()).hexdigest()
        chunks.append(Chunk(f"c_{digest[:24]}", document_id, len(chunks), headings, text, location))
    return tuple(chunks)


def _pieces(blocks: tuple[Block, ...]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    group: list[Block] = []
    for block in blocks:
        if group and (block.headings, block.place) != (group[0].headings, group[0].place):
            yield from _pack(group)
            group = []
        group.append(block)
    if group:
        yield from _pack(group)


def _pack(group: list[Block]) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """Fill chunks with the blocks of one section; a table starts its own when it would not fit."""
    headings, place = group[0].headings, group[0].place
    filled: list[tuple[str, str]] = []
    for block in group:
        for text, rows in _table_parts(block.text) if block.is_table else _text_parts(block.text):
            where = ", ".join(filter(None, (place or " > ".join(headings[-1:]), rows)))
            if filled and not rows and "rows " not in filled[-1][1] and _joins(filled[-1][0], text):
                filled[-1] = (f"{filled[-1][0]}\n\n{text}", filled[-1][1])
            else:
                filled.append((text, where))
    for text, where in filled:
        yield headings, where, text


def _joins(before: str, text: str) -> bool:
    together = len(before) + len(text) + 2
    return together <= LIMIT and (len(before) < TARGET or len(text) < SMALL)


def _text_parts(text: str) -> Iterator[tuple[str, str]]:
    """Split a long block at its lines, then at its sentences, then anywhere."""
    if len(text) <= LIMIT:
        yield text, ""
        return
    part = ""
    for piece, separator in _units(text):
        if part and len(part) + len(piece) + 1 > LIMIT:
            yield part, ""
            part = ""
        part = f"{part}{separator}{piece}" if part else piece
    if part:
        yield part, ""


def _units(text: str) -> Iterator[tuple[str, str]]:
    is_code = text.startswith("```")
    for line in text.splitlines():
        if len(line) <= LIMIT // 2 or is_code or (_ITEM.match(line) and len(line) <= LIMIT):
            units: tuple[str, ...] = (line,)
        else:
            units = split_sentences(line) or (line,)
        for number, unit in enumerate(units):
            for start in range(0, len(unit), LIMIT):
                yield unit[start : start + LIMIT], "\n" if number == 0 and start == 0 else " "


def _table_parts(text: str) -> Iterator[tuple[str, str]]:
    """Split a long table at its rows, repeating the header; rows are numbered as in a sheet, header = 1."""
    lines = text.splitlines()
    has_header = len(lines) > 2 and not set(lines[1]) - set("|-: ") and len(lines[0]) <= HARD_LIMIT
    header, whole = (lines[:2], lines[2:]) if has_header else ([], lines)
    parts = [(part, row) for row, line in enumerate(whole, 2 if header else 1) for part in _row_parts(line)]
    rows = [part for part, _ in parts]
    if len(text) <= LIMIT:
        yield "\n".join(lines), ""
        return
    start = 0
    while start < len(rows):
        end, size = start + 1, len("\n".join([*header, rows[start]]))
        while end < len(rows) and size + len(rows[end]) + 1 <= LIMIT:
            size += len(rows[end]) + 1
            end += 1
        yield "\n".join([*header, *rows[start:end]]), f"rows {parts[start][1]}-{parts[end - 1][1]}"
        start = end


def _row_parts(row: str) -> Iterator[str]:
    """A row that nothing could hold, in pieces that end between words."""
    while len(row) > HARD_LIMIT:
        at = row.rfind(" ", HARD_LIMIT // 2, HARD_LIMIT) + 1 or HARD_LIMIT
        yield row[:at].rstrip()
        row = f"| {row[at:]}"
    yield row


def header_of(title: str, headings: tuple[str, ...]) -> str:
    """Title and heading path in one line: read by the model before the chunk, so that it is found by them."""
    return " > ".join(filter(None, [title, *(heading for heading in headings if heading != title)]))
