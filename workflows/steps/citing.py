"""Citation marks: which passages a text relies on, as [1] upwards without gaps."""

import re
from collections.abc import Callable, Mapping, Sequence

MARK = re.compile(r"[\[【]\s*((?:[a-z][a-z0-9_]*\.)?\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
"""[2], [1, 3], and [answer.2] where several steps of one workflow cite."""
_OPEN = re.compile(r"[\[【][^\]】]*\Z")
_LONGEST = 41
"""Characters at the end of a text in which an open bracket may still become a mark."""
_BRACKETS = re.compile(r"[\[【\]】]")
_NESTED = 3
"""How often marks may stand within marks before their brackets go: more is no text of people."""


class Numbering:
    """Drops the marks of passages that were not given and numbers the rest by first appearance."""

    def __init__(self, chunk_ids: Sequence[str], prefix: str = "") -> None:
        self._chunk_ids = chunk_ids
        self._prefix = prefix
        self._numbers: dict[str, int] = {}
        self._held = ""

    @property
    def cited(self) -> list[str]:
        """The chunk ids cited so far, in the order of their numbers."""
        return list(self._numbers)

    def apply(self, text: str) -> str:
        """The text with its marks numbered; later texts go on counting."""
        return _replace(text, lambda numbers: not self._positions(numbers), self._marks)

    def take(self, piece: str) -> str:
        """As `apply` for a piece of a text; what may be the beginning of a mark is held back."""
        text = self._held + piece
        tail = text[-_LONGEST:]
        begun = _OPEN.search(tail)
        cut = len(text[: len(text) - len(tail) + begun.start()].rstrip() if begun else text.rstrip())
        self._held = text[cut:]
        return self.apply(text[:cut])

    def rest(self) -> str:
        """What is still held back, once the text is whole."""
        held, self._held = self._held, ""
        return self.apply(held)

    def _positions(self, numbers: str) -> list[int]:
        found = (int(number) - 1 for number in re.findall(r"\d+", numbers))
        return [position for position in dict.fromkeys(found) if 0 <= position < len(self._chunk_ids)]

    def _marks(self, numbers: str) -> str:
        chunks = (self._chunk_ids[position] for position in self._positions(numbers))
        new = (self._numbers.setdefault(chunk, len(self._numbers) + 1) for chunk in chunks)
        return "".join(f"[{self._prefix}{number}]" for number in new)


def merge(text: str, cited_by: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """Number the marks of several steps as one list.

    Plain marks belong to the only step there is; of several, nobody could say whose they are, so they go.
    """
    merged: dict[str, int] = {}
    only = next(iter(cited_by)) if len(cited_by) == 1 else ""

    def chunk(mark: str) -> str | None:
        step, _, number = mark.rpartition(".")
        chunks = cited_by.get(step or only, ())
        position = int(number) - 1 if number.isdigit() else -1
        return chunks[position] if 0 <= position < len(chunks) else None

    def one(mark: str) -> str:
        found = chunk(mark)
        return f"[{mark}]" if found is None else f"[{merged.setdefault(found, len(merged) + 1)}]"

    return _replace(text, lambda mark: ("." in mark or not only) and chunk(mark) is None, one), list(merged)


def _replace(text: str, goes: Callable[[str], bool], one: Callable[[str], str]) -> str:
    """Put the new mark for each; a mark that goes takes the space before it along."""
    return _each(_cleared(text, goes), lambda space, mark, _: f"{space}{one(mark)}")


def _cleared(text: str, goes: Callable[[str], bool]) -> str:
    # what stood around a mark that went may be a mark itself
    for _ in range(_NESTED):
        kept = _each(text, lambda space, mark, whole: "" if goes(mark) else f"{space}{whole}")
        if kept == text:
            return text
        text = kept
    return _BRACKETS.sub("", text)


def _each(text: str, new: Callable[[str, str, str], str]) -> str:
    """The text with something new for each mark: from the space before, what it says, and all of it."""
    parts, end = list[str](), 0
    # the space is looked up backwards: a pattern that began with it would try every blank of a text
    for mark in MARK.finditer(text):
        before = text[end : mark.start()]
        words = before.rstrip(" \t")
        parts += (words, new(before[len(words) :], mark[1], mark[0]))
        end = mark.end()
    return "".join((*parts, text[end:]))


def without_marks(text: str) -> str:
    """The text as if nothing were cited."""
    return MARK.sub("", text)
