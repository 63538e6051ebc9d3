"""Files to documents: what a file is, whether it is safe, its text as Markdown, its front matter."""

import json
import os
import re
import select
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from knowledge.chunking import without_closing
from knowledge.properties import merged

FILE_BYTES = 50 * 1024 * 1024
UNPACKED_BYTES = 400 * 1024 * 1024
RATIO = 100
"""Most that a part of an office file may grow when unpacked; a bomb grows a thousandfold."""
SMALL_PART = 1024 * 1024
"""Bytes up to which a part may be packed as tightly as it likes."""
ENTRIES = 2_000
WALL_SECONDS = 90
"""For one file, the start of the child process included."""

OFFICE = {"word/": "docx", "ppt/": "pptx", "xl/": "xlsx"}
_PLAIN = {".md": "text", ".markdown": "text", ".txt": "text", ".rst": "text", ".csv": "csv"}
_HTML = (".html", ".htm")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_LINE = re.compile(r"\s|\Z|#|-\s|[\w.-]+\s*:(?:\s|\Z)")
"""What front matter is made of; between two rules there may as well be text."""
_HEADING = re.compile(r"^#[^\S\n]+(\S.*)$", re.MULTILINE)


class DocumentRefused(Exception):
    """A file that is not taken; the class says why, the facts say the rest."""

    def __init__(self, path: Path, **facts: str) -> None:
        super().__init__(path.name)
        self.facts = {"file": path.name, **facts}


class TooLarge(DocumentRefused):
    """Bigger than is read; facts `limit_mb`, or `reason`: pages, memory or text."""


class ZipBomb(DocumentRefused):
    """Unpacks to far more than an honest file would; facts `unpacked_mb`, `entries`."""


class EncryptedDocument(DocumentRefused):
    """Needs a password."""


class CorruptDocument(DocumentRefused):
    """Damaged, or not what its name says."""


class EmptyDocument(DocumentRefused):
    """Holds no text, such as a scan without text recognition."""


class UnknownFileType(DocumentRefused):
    """Not a format that can be read; fact `suffix`."""


class ConversionTimeout(DocumentRefused):
    """Took longer than a file may."""


class UnreadableDocument(DocumentRefused):
    """The system does not let it be read."""


_REFUSALS: Mapping[str, type[DocumentRefused]] = {
    "encrypted": EncryptedDocument,
    "corrupt": CorruptDocument,
    "too_large": TooLarge,
}


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises UnreadableDocument where the system does not let a file be read."""
    try:
        yield
    except OSError as error:
        raise UnreadableDocument(path) from error


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as text."""

    title: str
    text: str
    """Markdown."""
    owner: str
    """As its front matter or its properties say, or ""."""
    updated_at: datetime | None
    """As its front matter or its properties say (aware UTC)."""


class Loader:
    """Reads files; keeps one child process for those that need converting. Close it when done."""

    def __init__(self, wall_seconds: float = WALL_SECONDS) -> None:
        self._wall_seconds = wall_seconds
        self._child: _Child | None = None

    def load(self, path: Path) -> Loaded:
        """Read one file. Raises DocumentRefused."""
        with reading(path):
            kind = sniff(path)
            plain = decode(path.read_bytes()) if kind == "text" else ""
        if kind == "text":
            return _with_front_matter(path, plain, {})
        answer = self._convert(path, kind)
        return _with_front_matter(path, answer.pop("text"), answer)

    def close(self) -> None:
        """End the child process."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _convert(self, path: Path, kind: str) -> dict[str, str]:
        if self._child is None or not self._child.is_alive:
            self._child = _Child()
        line = self._child.ask({"path": str(path.resolve()), "kind": kind}, self._wall_seconds)
        if line is None:
            self.close()
            raise ConversionTimeout(path, seconds=f"{self._wall_seconds:g}")
        if not line.endswith(b"\n"):
            self.close()
            raise TooLarge(path, reason="resources")
        answer = json.loads(line)
        if "refused" in answer:
            facts = {"reason": answer["reason"]} if "reason" in answer else {}
            raise _REFUSALS[answer["refused"]](path, **facts)
        return {name: str(value) for name, value in answer.items()}


class _Child:
    """The process of knowledge.conversion, over two pipes."""

    def __init__(self) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "knowledge.conversion"],
            stdin=requests,
            stdout=answers,
            stderr=subprocess.DEVNULL,
            cwd=Path(__file__).parents[1],
            # Ctrl-C is for the parent, which ends with the file at hand; the file would count as refused
            process_group=0,
        )
        os.close(requests)
        os.close(answers)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Mapping[str, str], wall_seconds: float) -> bytes | None:
        """One answer line; cut short when the child died, None when it took too long."""
        deadline = time.monotonic() + wall_seconds
        answer = bytearray()
        try:
            os.write(self._requests, json.dumps(request).encode() + b"\n")
            while not answer.endswith(b"\n"):
                left = max(0.0, deadline - time.monotonic())
                if not _has_bytes(self._answers, left):
                    return None
                piece = os.read(self._answers, 1 << 20)
                if not piece:
                    break
                answer += piece
        except BrokenPipeError:
            return b""
        return bytes(answer)

    def kill(self) -> None:
        """End it and let go of its pipes."""
        self._process.kill()
        self._process.wait()
        os.close(self._requests)
        os.close(self._answers)


def _has_bytes(descriptor: int, seconds: float) -> bool:
    """Whether something can be read in time; unlike select(), for a process with any number of open files."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def sniff(path: Path) -> str:
    """What a file is by its first bytes: text, csv, html, pdf, docx, pptx or xlsx. Raises DocumentRefused."""
    size = path.stat().st_size
    if size > FILE_BYTES:
        raise TooLarge(path, limit_mb=str(FILE_BYTES // 1024**2), size_mb=str(size // 1024**2))
    if size == 0:
        raise EmptyDocument(path)
    with path.open("rb") as file:
        head = file.read(4096)
    suffix = path.suffix.lower()
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith(b"PK\x03\x04"):
        return _sniff_zip(path)
    if head.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in path.read_bytes():
            raise EncryptedDocument(path)
        raise UnknownFileType(path, suffix=suffix)
    return _sniff_text(path, head, suffix)


def _sniff_text(path: Path, head: bytes, suffix: str) -> str:
    if suffix in {".pdf", ".docx", ".pptx", ".xlsx"}:
        raise CorruptDocument(path, reason="not what its name says")
    is_wide = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if suffix in _HTML or head.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html")):
        return "html"
    if suffix in _PLAIN and (is_wide or b"\x00" not in head):
        return _PLAIN[suffix]
    raise UnknownFileType(path, suffix=suffix)


def _sniff_zip(path: Path) -> str:
    """Judge an office file by its directory, before anything is unpacked."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError) as error:
        raise CorruptDocument(path, reason=type(error).__name__) from error
    unpacked = sum(entry.file_size for entry in entries)
    grown = any(
        entry.file_size > SMALL_PART and entry.file_size > RATIO * max(1, entry.compress_size)
        for entry in entries
    )
    if grown or unpacked > UNPACKED_BYTES or len(entries) > ENTRIES:
        raise ZipBomb(path, unpacked_mb=str(unpacked // 1024**2), entries=str(len(entries)))
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise EncryptedDocument(path)
    names = {entry.filename for entry in entries}
    for folder, kind in OFFICE.items():
        if "[Content_Types].xml" in names and any(name.startswith(folder) for name in names):
            return kind
    raise UnknownFileType(path, suffix=path.suffix.lower())


def decode(content: bytes) -> str:
    """Text of a plain file: UTF-8, UTF-16 with its mark, or Windows Western. Line ends become plain."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", errors="replace")
    else:
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = content.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def _with_front_matter(path: Path, text: str, said: Mapping[str, str]) -> Loaded:
    front_matter, body = split_front_matter(text)
    fields = merged(said, front_matter)
    if not body.strip():
        raise EmptyDocument(path)
    heading = _HEADING.search(body)
    # what a program filled in as the title ("Document1") counts less than the first heading
    title = (
        front_matter.get("title") or (without_closing(heading[1]) if heading else "") or said.get("title", "")
    )
    return Loaded(
        title=title or path.stem.replace("-", " ").replace("_", " ").strip().capitalize(),
        text=body.strip() + "\n",
        owner=fields.get("owner", ""),
        updated_at=_date(fields.get("updated", "")),
    )


def split_front_matter(text: str) -> tuple[Mapping[str, str], str]:
    """The `key: value` lines between two `---` at the top, and the rest."""
    match = _FRONT_MATTER.match(text)
    if match is None or not all(map(_FRONT_LINE.match, match[1].split("\n"))):
        return {}, text
    fields: dict[str, str] = {}
    for line in match[1].splitlines():
        key, colon, value = line.partition(":")
        if colon and re.fullmatch(r"\w+", key.strip()):
            fields[key.strip().lower()] = value.strip().strip("\"'")
    return fields, text[match.end() :]


def _date(value: str) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(value)
    except ValueError:
        return None
    return parsed.astimezone(UTC) if parsed.tzinfo else parsed.replace(tzinfo=UTC)
