"""Citation marks: which passages a text relies on, as [1] upwards without gaps."""

import re
from collections.abc import Callable, Mapping, Sequence

MARK = re.compile(r"[\[【]\s*((?:[a-z][a-z0-9_]*\.)?\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\s*[\]】]")
"""[2], [1, 3], and [answer.2] where several steps of one workflow cite."""
_GAP = re.compile(r"[ \t]+([.,;:!?)])")


def renumber(text: str, chunk_ids: Sequence[str], prefix: str = "") -> tuple[str, list[str]]:
    """Drop the marks of passages that were not given and number the rest by first appearance.

    Returns the text and the chunk ids cited, in the order of their numbers. A prefix stands before each
    number.
    """
    cited: dict[str, int] = {}

    def one(number: str) -> str:
        position = int(number) - 1
        if not 0 <= position < len(chunk_ids):
            return ""
        new = cited.setdefault(chunk_ids[position], len(cited) + 1)
        return f"[{prefix}{new}]"

    return _replace(
        text, lambda numbers: "".join(dict.fromkeys(map(one, re.findall(r"\d+", numbers))))
    ), list(cited)


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
    changed = MARK.sub(lambda match: one(match[1]), text)
    return _GAP.sub(r"\1", changed).strip() if changed != text else text


def without_marks(text: str) -> str:
    """The text as if nothing were cited."""
    return MARK.sub("", text)
