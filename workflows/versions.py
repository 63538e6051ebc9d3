"""Immutable versions of what people edit, and what changed between two of them in a form people can read."""

import difflib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from workflows.run import Json

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
CONTEXT_LINES = 2


def content_hash(content: Json) -> str:
    """SHA-256 in hex over the content in canonical form.

    Text: line ends, spaces at line ends and a last newline do not count. Values: the order of keys does not.
    """
    if isinstance(content, str):
        canonical = "\n".join(line.rstrip() for line in content.strip().splitlines())
    else:
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Version:
    """One immutable content of a workflow or prompt."""

    name: str
    number: int
    """From 1."""
    content: str

    @property
    def content_hash(self) -> str:
        """What makes two contents the same."""
        return content_hash(self.content)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text that stayed, came or went."""

    change: Literal["same", "added", "removed"]
    text: str


def word_diff(old: str, new: str) -> tuple[Piece, ...]:
    """What changed, word by word: for a sentence or a paragraph."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return tuple(_joined(matcher, before, after, ""))


def line_diff(old: str, new: str) -> tuple[Piece, ...]:
    """What changed, line by line: each piece is one or more whole lines."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    return tuple(_joined(matcher, before, after, "\n"))


def _joined(
    matcher: "difflib.SequenceMatcher[str]", before: list[str], after: list[str], glue: str
) -> Iterator[Piece]:
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", glue.join(before[i1:i2]))
            continue
        if i2 > i1:
            yield Piece("removed", glue.join(before[i1:i2]))
        if j2 > j1:
            yield Piece("added", glue.join(after[j1:j2]))


def readable_diff(old: str, new: str) -> str:
    """What changed, as lines that start with `-`, `+` or a space, with two lines around each change.

    Where lines were reworded, the words that went stand in [-...-] and those that came in {+...+}.
    """
    lines: list[str] = []
    pieces = line_diff(old, new)
    for position, piece in enumerate(pieces):
        following = pieces[position + 1] if position + 1 < len(pieces) else None
        before = pieces[position - 1] if position else None
        if piece.change == "same":
            lines += _context(piece.text.split("\n"), is_first=before is None, is_last=following is None)
        elif piece.change == "removed":
            other = following.text if following and following.change == "added" else None
            lines += (f"- {line}" for line in _marked(piece.text, other, "removed").split("\n"))
        else:
            other = before.text if before and before.change == "removed" else None
            lines += (f"+ {line}" for line in _marked(other, piece.text, "added").split("\n"))
    return "\n".join(lines) if any(piece.change != "same" for piece in pieces) else ""


def _context(lines: list[str], *, is_first: bool, is_last: bool) -> Iterator[str]:
    head = [] if is_first else lines[:CONTEXT_LINES]
    tail = [] if is_last else lines[max(len(head), len(lines) - CONTEXT_LINES) :]
    yield from (f"  {line}" for line in head)
    if len(head) + len(tail) < len(lines) and not (is_first and is_last):
        yield "  ..."
    yield from (f"  {line}" for line in tail)


def _marked(old: str | None, new: str | None, change: Literal["added", "removed"]) -> str:
    """One side of a reworded block, with what is only there marked; plain when there is no other side."""
    if old is None or new is None:
        return new if old is None and new is not None else old or ""
    opening, closing = ("[-", "-]") if change == "removed" else ("{+", "+}")
    pieces = word_diff(old, new)
    return "".join(
        piece.text if piece.change == "same" else f"{opening}{piece.text}{closing}"
        for piece in pieces
        if piece.change in ("same", change)
    )
