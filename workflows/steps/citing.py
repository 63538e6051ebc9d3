"""Citation marks: which passages a text relies on, as [1] upwards without gaps."""

import re
from collections.abc import Callable, Mapping, Sequence

MARK = re.compile(r"[\[【]\s*((?:[a-z][a-z0-9_]*\.)?\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
"""[2], [1, 3], and [answer.2] where several steps of one workflow cite."""
_OPEN = re.compile(r"\s*[\[【][^\]】]{0,40}$|\s+$")
"""The end of a text that may go on as a mark, with the space before it."""
_SPACED = re.compile(rf"([ \t]*){MARK.pattern}")


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
        return _replace(
            text, lambda numbers: "".join(dict.fromkeys(map(self._one, re.findall(r"\d+", numbers))))
        )

    def take(self, piece: str) -> str:
        """As `apply` for a piece of a text; what may be the beginning of a mark is held back."""
        text = self._held + piece
        whole = _OPEN.search(text)
        cut = whole.start() if whole else len(text)
        self._held = text[cut:]
        return self.apply(text[:cut])

    def rest(self) -> str:
        """What is still held back, once the text is whole."""
        held, self._held = self._held, ""
        return self.apply(held)

    def _one(self, number: str) -> str:
        position = int(number) - 1
        if not 0 <= position < len(self._chunk_ids):
            return ""
        new = self._numbers.setdefault(self._chunk_ids[position], len(self._numbers) + 1)
        return f"[{self._prefix}{new}]"


def merge(text: str, cited_by: Mapping[str, Sequence[str]]) -> tuple[str, list[str]]:
    """Number the marks of several steps as one list. Plain marks belong to the only step there is."""
    merged: dict[str, int] = {}
    only = next(iter(cited_by)) if len(cited_by) == 1 else ""

    def one(mark: str) -> str:
        step, _, number = mark.rpartition(".")
        chunks = cited_by.get(step or only, ())
        position = int(number) - 1 if number.isdigit() else -1
        if not 0 <= position < len(chunks):
            return f"[{mark}]" if not step else ""
        return f"[{merged.setdefault(chunks[position], len(merged) + 1)}]"

    return _replace(text, one), list(merged)


def _replace(text: str, one: Callable[[str], str]) -> str:
    """Put the new mark for each; a mark that goes takes the space before it along."""

    def put(match: re.Match[str]) -> str:
        new = one(match[2])
        return f"{match[1]}{new}" if new else ""

    return _SPACED.sub(put, text)


def without_marks(text: str) -> str:
    """The text as if nothing were cited."""
    return MARK.sub("", text)
