"""Where documents come from: a folder or a file, and the files in it that may be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 20_000


class SourceMissing(Exception):
    """There is no such file or folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path)}


class TooManyFiles(Exception):
    """The folder holds more files than are read at once."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path), "limit": str(MOST_FILES)}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source."""

    file: Path
    path: str
    """Relative to the source, with forward slashes."""


@dataclass(frozen=True, slots=True)
class Source:
    """What was added: documents of the same source that are no longer in it have been removed."""

    name: str
    files: tuple[SourceFile, ...]
    is_whole: bool
    """False for a single file, which says nothing about its neighbours."""


def open_source(path: Path, *, name: str = "", known: Sequence[str] = ()) -> Source:
    """List a folder or file; a file inside a folder that is known belongs to it.

    Hidden files and links that lead outside are left alone. Raises SourceMissing, TooManyFiles.
    """
    if not path.exists():
        raise SourceMissing(path)
    root = path.resolve()
    if root.is_dir():
        return Source(name or str(root), _files(root), is_whole=True)
    for folder in sorted(known, key=len, reverse=True):
        if root.is_relative_to(folder) and str(root) != folder:
            return Source(folder, (SourceFile(root, root.relative_to(folder).as_posix()),), is_whole=False)
    return Source(name or str(root), (SourceFile(root, root.name),), is_whole=False)


def _files(root: Path) -> tuple[SourceFile, ...]:
    found: list[SourceFile] = []
    for file in sorted(root.rglob("*")):
        relative = file.relative_to(root)
        is_hidden = any(part.startswith(".") for part in relative.parts)
        if is_hidden or not file.is_file() or not file.resolve().is_relative_to(root):
            continue
        found.append(SourceFile(file, relative.as_posix()))
        if len(found) > MOST_FILES:
            raise TooManyFiles(root)
    return tuple(found)
