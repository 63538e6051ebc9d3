"""Tables as CSV that a spreadsheet shows and never carries out."""

import csv
import io
import re
from collections.abc import Iterable

_RISKY = re.compile(r"[\s\"'`“”„‘’«»]*[=+\-@\t\r\n＝＋－＠]")
"""A cell that a spreadsheet may take for a formula, also behind white space and quotation marks."""
GUARD = "'"
"""Put before such a cell; one that begins with it gets another, so that what was there can be told."""


def safe_cell(text: str) -> str:
    """Text as a cell of a file."""
    return f"{GUARD}{text}" if text.startswith(GUARD) or _RISKY.match(text) else text


def cell_text(cell: str) -> str:
    """Inverse of `safe_cell`."""
    return cell.removeprefix(GUARD)


def csv_lines(rows: Iterable[Iterable[object]]) -> str:
    """Rows as lines of a file."""
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerows([safe_cell("" if value is None else str(value)) for value in row] for row in rows)
    return out.getvalue()
