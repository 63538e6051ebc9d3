"""What changed between two texts, word by word and quickly, and the part of that worth showing. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from workflows.versions import Piece

MOST_WORDS = 4000
"""Of one changed passage; a longer one is shown as gone and come, not word by word."""

ALIKE = 0.35
"""Below this likeness two passages are two passages, and words they share by chance only confuse."""

SHORT = 900
"""Characters of a text that needs no trimming."""

GAP = " … "
"""Stands for what stayed the same and is left out."""

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


def differences(old: str, new: str) -> tuple[Piece, ...]:
    """The whole of both texts in pieces: by lines first, and by words within lines that were reworded."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found: list[Piece] = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        gone, came = "".join(before[i1:i2]), "".join(after[j1:j2])
        if tag == "equal":
            found.append(Piece("same", gone))
        elif gone and came:
            found += _words(gone, came)
        else:
            found.append(Piece("removed", gone) if gone else Piece("added", came))
    return tuple(_merged(found))


def _words(gone: str, came: str) -> Iterator[Piece]:
    before, after = _TOKEN.findall(gone), _TOKEN.findall(came)
    if max(len(before), len(after)) > MOST_WORDS:
        yield from (Piece("removed", gone), Piece("added", came))
        return
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.ratio() < ALIKE:
        yield from (Piece("removed", gone), Piece("added", came))
        return
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(before[i1:i2]))
            continue
        if i2 > i1:
            yield Piece("removed", "".join(before[i1:i2]))
        if j2 > j1:
            yield Piece("added", "".join(after[j1:j2]))


def _merged(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours of one kind as one."""
    waiting: Piece | None = None
    for piece in pieces:
        if waiting is not None and waiting.change == piece.change:
            waiting = Piece(piece.change, waiting.text + piece.text)
            continue
        if waiting is not None:
            yield waiting
        waiting = piece
    if waiting is not None:
        yield waiting


def changed_parts(pieces: Sequence[Piece], *, around: int = 80, limit: int = 2400) -> tuple[Piece, ...]:
    """The changes with a little of what surrounds them, at most `limit` characters in all.

    A text that is short is shown whole.
    """
    if sum(len(piece.text) for piece in pieces) <= min(SHORT, limit):
        return tuple(pieces)
    kept: list[Piece] = []
    size = 0
    for position, piece in enumerate(pieces):
        part = piece
        if piece.change == "same":
            part = Piece("same", _trimmed(piece.text, around, position == 0, position == len(pieces) - 1))
        room = limit - size
        if room <= 0:
            break
        if len(part.text) > room:
            part = Piece(part.change, part.text[:room].rstrip() + " …")
        kept.append(part)
        size += len(part.text)
    return tuple(kept)


def is_cut(pieces: Sequence[Piece], shown: Sequence[Piece]) -> bool:
    """Whether something that is in `pieces` is not in what is shown."""
    return [piece.text for piece in pieces] != [piece.text for piece in shown]


def _trimmed(text: str, around: int, is_first: bool, is_last: bool) -> str:
    head = "" if is_first else _head(text, around)
    tail = "" if is_last else _tail(text, around)
    return text if len(head) + len(tail) + len(GAP) >= len(text) else f"{head}{GAP}{tail}"


def _head(text: str, around: int) -> str:
    return text[:around].rpartition(" ")[0] or text[:around]


def _tail(text: str, around: int) -> str:
    return text[-around:].partition(" ")[2] or text[-around:]
