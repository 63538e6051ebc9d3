"""What office files and web pages say of themselves: title, owner, day of the last change.

Only an owner who is named as such counts: the author of a file is often a program, or somebody long gone.
"""

import html
import io
import re
import zipfile
from collections.abc import Mapping

PART_BYTES = 1_000_000

_TAG = re.compile(r"<(?:\w+:)?(title|modified|Manager)\b[^<>]*>([^<>]{1,300})</")
_CUSTOM = re.compile(
    r"<property\b[^<>]*\bname=[\"']([^\"'<>]{1,60})[\"'][^<>]*>\s*<\w+:\w+>([^<>]{1,300})</", re.IGNORECASE
)
_META = re.compile(r"<meta\b([^<>]{1,1000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([\w:-]{1,40})\s*=\s*(?:\"([^\"<>]{0,300})\"|'([^'<>]{0,300})')")
_TITLE = re.compile(r"<title[^<>]*>([^<>]{1,300})</title", re.IGNORECASE)

_NAMES = {
    "owner": "owner",
    "manager": "owner",
    "document owner": "owner",
    "modified": "updated",
    "last-modified": "updated",
    "dcterms.modified": "updated",
    "article:modified_time": "updated",
    "updated": "updated",
    "title": "title",
}
"""What such properties are called, and the field of front matter each stands for."""


def of_office(content: bytes) -> dict[str, str]:
    """Fields of a docx, pptx or xlsx; those that it does not name are left out."""
    found: list[tuple[str, str]] = []
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        known = {entry.filename: entry.file_size for entry in archive.infolist()}
        for part in ("docProps/core.xml", "docProps/app.xml", "docProps/custom.xml"):
            if known.get(part, PART_BYTES) < PART_BYTES:
                text = archive.read(part).decode("utf-8", errors="replace")
                found += _CUSTOM.findall(text) if part.endswith("custom.xml") else _TAG.findall(text)
    return _fields(found)


def of_page(content: bytes) -> dict[str, str]:
    """Fields of an HTML page, from its title and its meta elements."""
    head = content[:PART_BYTES].decode("utf-8", errors="replace")
    found = [("title", title) for title in _TITLE.findall(head)[:1]]
    for element in _META.findall(head):
        attributes = {name.lower(): first or second for name, first, second in _ATTRIBUTE.findall(element)}
        found.append(
            (attributes.get("name") or attributes.get("property") or "", attributes.get("content", ""))
        )
    return _fields(found)


def _fields(found: list[tuple[str, str]]) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in found:
        field = _NAMES.get(name.strip().lower())
        said = " ".join(html.unescape(value).split())
        if field and said:
            fields.setdefault(field, said)
    return fields


def merged(said: Mapping[str, str], front_matter: Mapping[str, str]) -> dict[str, str]:
    """Both, the front matter counting more."""
    return {**said, **{name: value for name, value in front_matter.items() if value}}
