"""The child process that turns office files, PDF, HTML and CSV into Markdown, under limits.

Started by loaders as `python -m knowledge.conversion`, one request a line. What a hostile file can exhaust
is this process only.
"""

import csv
import io
import json
import math
import os
import re
import resource
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from knowledge.loaders import decode
from knowledge.properties import of_office, of_page

MEMORY_BYTES = 3 * 1024**3
"""Address space, libraries included."""
CPU_SECONDS = 60
"""For one file."""
PAGES = 2_000
OUTPUT_CHARACTERS = 20_000_000

_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_BAR = "\\|"
"""A bar within a cell."""


class _Told(Exception):
    """A refusal with the word the parent knows it by."""


def serve() -> None:
    """Answer requests on standard input until it closes."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    # libraries that print must not garble the answers
    sys.stdout = sys.stderr
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    for line in sys.stdin:
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime) + CPU_SECONDS
        resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
        request = json.loads(line)
        answers.write(json.dumps(_answer(Path(request["path"]), request["kind"])) + "\n")
        answers.flush()


def _answer(path: Path, kind: str) -> dict[str, str]:
    try:
        content = path.read_bytes()
        text, said = _CONVERTERS[kind](content), _PROPERTIES.get(kind, _nothing)(content)
    except _Told as told:
        return {"refused": str(told)}
    except MemoryError:
        return {"refused": "too_large", "reason": "memory"}
    except Exception as error:
        return {"refused": "corrupt", "reason": type(error).__name__}
    if len(text) > OUTPUT_CHARACTERS:
        return {"refused": "too_large", "reason": "text"}
    return {"text": _IMAGE.sub("", text), **said}


def _pdf(content: bytes) -> str:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        raise _Told("encrypted" if "password" in str(error).lower() else "corrupt") from error
    if len(pdf) > PAGES:
        raise _Told("too_large")
    texts = [_page_text(pdf, number) for number in range(len(pdf))]
    if not any(texts):
        return ""
    return "\n".join(f"<!-- page {number} -->\n\n{text}\n" for number, text in enumerate(texts, start=1))


def _page_text(pdf: Any, number: int) -> str:
    """One page by itself, so that its number is not lost."""
    import pypdfium2

    single = pypdfium2.PdfDocument.new()
    single.import_pages(pdf, [number])
    buffer = io.BytesIO()
    single.save(buffer)
    single.close()
    return _markitdown("PdfConverter", ".pdf")(buffer.getvalue()).replace("\f", "").strip()


def _sheets(content: bytes) -> str:
    import openpyxl

    # by itself: what reads tables as data takes `N/A` for nothing and 220 for 220.0
    book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    parts: list[str] = []
    for sheet in book.worksheets:
        # some programs write a wrong size into the file
        sheet.reset_dimensions()
        rows = [[_cell(value) for value in row] for row in sheet.iter_rows(values_only=True)]
        parts.append(f"<!-- sheet {sheet.title} -->\n{_table(rows)}" if any(map(any, rows)) else "")
    return "\n\n".join(filter(None, parts))


def _cell(value: Any) -> str:
    """What a cell shows: no time of day where a date has none, no more digits than a figure has."""
    if value is None:
        return ""
    if isinstance(value, datetime) and value.time() == time():
        return value.date().isoformat()
    if isinstance(value, float) and math.isfinite(value):
        return format(Decimal(f"{value:.15g}"), "f")
    return str(value)


def _table(rows: list[list[str]]) -> str:
    """Rows as a Markdown table, the first as its header, without what is blank at the end."""
    while rows and not any(rows[-1]):
        rows.pop()
    width = max((at for row in rows for at, cell in enumerate(row, 1) if cell), default=0)
    even = ([*row[:width], *[""] * (width - len(row))] for row in rows)
    lines = [f"| {' | '.join(' '.join(cell.split()).replace('|', _BAR) for cell in row)} |" for row in even]
    return "\n".join((*lines[:1], f"|{' --- |' * width}", *lines[1:])) if lines else ""


def _csv(content: bytes) -> str:
    csv.field_size_limit(OUTPUT_CHARACTERS)
    text = decode(content)
    by_separator = {each: next(csv.reader(io.StringIO(text), delimiter=each), []) for each in ",;\t"}
    separator = max(by_separator, key=lambda each: len(by_separator[each]))
    return _table(list(csv.reader(io.StringIO(text), delimiter=separator)))


def _office(content: bytes, converter: str, extension: str) -> str:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if archive.testzip() is not None:
            raise _Told("corrupt")
    return _markitdown(converter, extension)(content)


def _markitdown(converter: str, extension: str) -> Callable[[bytes], str]:
    # converters by name: the library's front door loads a model to guess the type, which is known here
    from markitdown import StreamInfo, converters

    def convert(content: bytes) -> str:
        result: Any = getattr(converters, converter)().convert(
            io.BytesIO(content), StreamInfo(extension=extension, charset="utf-8")
        )
        return str(result.markdown)

    return convert


_CONVERTERS: dict[str, Callable[[bytes], str]] = {
    "pdf": _pdf,
    "docx": lambda content: _office(content, "DocxConverter", ".docx"),
    "pptx": lambda content: _office(content, "PptxConverter", ".pptx"),
    "xlsx": _sheets,
    "html": lambda content: _markitdown("HtmlConverter", ".html")(content),
    "csv": _csv,
}


def _nothing(_content: bytes) -> dict[str, str]:
    return {}


_PROPERTIES: dict[str, Callable[[bytes], dict[str, str]]] = {
    **dict.fromkeys(("docx", "pptx", "xlsx"), of_office),
    "html": of_page,
}

if __name__ == "__main__":
    serve()
