"""Tables of passages: their rows as they are quoted, and which of them a question is about."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from knowledge.words import content_words

_RULE_ROW = re.compile(r"\|[\s:|-]*-[\s:|-]*")
"""The row of dashes under a header."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row below a header, or the header itself, which has no cells."""

    heads: tuple[str, ...]
    cells: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The cells with their headings; nothing of a header."""
        pairs = zip(self.heads, self.cells, strict=False)
        return "; ".join(f"{head}: {cell}" if head else cell for head, cell in pairs if cell)

    @property
    def label(self) -> frozenset[str]:
        """The words of the first cell, which says what the row is about."""
        return frozenset(content_words(self.cells[0])) if self.cells else frozenset()


def table_rows(text: str) -> dict[str, TableRow]:
    """The rows of all tables of a text, by their line."""
    rows: dict[str, TableRow] = {}
    heads: tuple[str, ...] = ()
    lines = [line.strip() for line in text.splitlines()]
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if not line.startswith("|"):
            heads = ()
        elif _RULE_ROW.fullmatch(following):
            heads = _cells(line)
            rows[line] = TableRow(heads)
        elif heads and not _RULE_ROW.fullmatch(line):
            rows[line] = TableRow(heads, _cells(line))
    return rows


def beside_the_point(question: str, tables: Iterable[Mapping[str, TableRow]]) -> set[str]:
    """Lines that answer nothing: headers, and rows about another thing where one is about what is asked.

    Asked for Porto, Lisbon's row of the same table is none, however near the two places are in meaning.
    """
    asked = frozenset(content_words(question))
    by_heads = defaultdict[tuple[str, ...], dict[str, TableRow]](dict)
    for table in tables:
        for line, row in table.items():
            by_heads[row.heads][line] = row
    found: set[str] = set()
    for rows in by_heads.values():
        shared = {line: row.label & asked for line, row in rows.items() if row.cells}
        common = frozenset.intersection(*shared.values()) if shared else frozenset()
        telling = frozenset().union(*shared.values()) - common
        found |= rows.keys() - shared.keys()
        found |= {line for line, words in shared.items() if telling and not words & telling}
    return found


def _cells(row: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in row.strip("|").split("|"))
