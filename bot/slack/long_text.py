"""A text over several fields of a form, and put together again without losing a character. Pure.

Slack takes 3000 characters in a field, counted as JavaScript does, and may trim what stands at its ends: so
fields are cut at line breaks, hold neither space nor line break at their ends, and what stood between them
is remembered.
"""

from collections.abc import Sequence
from dataclasses import dataclass

FIELD = 2400
"""Characters put into one field, so that there is room to write more before its 3000 are full."""
FIELDS = 8
"""A longer text is edited as a file."""
GAPS = 1200
"""Characters of what stands between fields that a form remembers."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A text in pieces."""

    pieces: tuple[str, ...]
    gaps: tuple[str, ...]
    """What stands between one piece and the next."""

    @property
    def fits(self) -> bool:
        """Whether a form can hold it."""
        return len(self.pieces) <= FIELDS and sum(map(len, self.gaps)) <= GAPS


@dataclass(frozen=True, slots=True)
class Joined:
    """A text put together, and where each piece of it begins."""

    text: str
    starts: tuple[int, ...]

    def piece_at(self, offset: int) -> int:
        """The piece in which a place of the text stands."""
        return max((number for number, start in enumerate(self.starts) if start <= offset), default=0)


def normal(text: str) -> str:
    """The text as a form can hold it: one kind of line break, nothing around it."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def cut(text: str, limit: int = FIELD) -> Cut:
    """The text in pieces of at most `limit`: cut between paragraphs, lines, words, in this order."""
    left = normal(text)
    pieces, gaps = [], []
    while units(left) > limit:
        end = _end(left, limit)
        kept, gap, left = _edges(left[:end], left[end:])
        pieces.append(kept)
        gaps.append(gap)
    return Cut((*pieces, left), tuple(gaps))


def join(pieces: Sequence[str], gaps: Sequence[str]) -> Joined:
    """The pieces with what stood between them; one that was emptied takes its gap with it."""
    text, starts = "", []
    for number, piece in enumerate(pieces):
        piece = normal(piece)
        gap = gaps[number - 1] if 0 < number <= len(gaps) else "\n\n"
        text += gap if text and piece else ""
        starts.append(len(text))
        text += piece
    return Joined(text, tuple(starts))


def units(text: str) -> int:
    """Length as Slack counts it."""
    return len(text) + sum(character > "\uffff" for character in text)


def _end(text: str, limit: int) -> int:
    """Where to cut: after at most `limit`, not before half of it unless there is nothing better."""
    most = _within(text, limit)
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, most // 2, most)
        if found > 0 and text[:found].strip():
            return found
    return most


def _within(text: str, limit: int) -> int:
    """How many characters are within so many units."""
    most = min(len(text), limit)
    while units(text[:most]) > limit:
        most -= max(1, (units(text[:most]) - limit) // 2)
    return most


def _edges(head: str, tail: str) -> tuple[str, str, str]:
    """What stays before the cut, the space around it, and what comes after."""
    kept = head.rstrip()
    rest = tail.lstrip()
    return kept, head[len(kept) :] + tail[: len(tail) - len(rest)], rest
