"""The child process that turns office files, PDF, HTML and CSV into Markdown, under limits.

Started by loaders as `python -m knowledge.conversion`, one request a line. What a hostile file can exhaust
is this process only.
"""

import io
import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from knowledge.properties import of_office, of_page

MEMORY_BYTES = 3 * 1024**3
"""Address space, libraries included."""
CPU_SECONDS = 60
"""For one file."""
PAGES = 2_000
OUTPUT_CHARACTERS = 20_000_000

_IMAGE = re.compile(r"!\[[^\]]*\]\([^)]*\)")
_SHEET = re.compile(r"^## (.+)$", re.MULTILINE)
_EMPTY_CELL = re.compile(r"(?<=\|)\s*(?:NaN|Unnamed: \d+)\s*(?=\|)")


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
    text = _markitdown("XlsxConverter", ".xlsx")(content)
    return _EMPTY_CELL.sub("  ", _SHEET.sub(r"<!-- sheet \1 -->", text))


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
    "csv": lambda content: _markitdown("CsvConverter", ".csv")(content),
}


def _nothing(_content: bytes) -> dict[str, str]:
    return {}


_PROPERTIES: dict[str, Callable[[bytes], dict[str, str]]] = {
    **dict.fromkeys(("docx", "pptx", "xlsx"), of_office),
    "html": of_page,
}

if __name__ == "__main__":
    serve()
