"""Where documents come from: a folder or a file, and the files in it that may be read."""

import errno
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_FILES = 20_000

_NOTHING = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP})


class SourceMissing(Exception):
    """There is no such file or folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path)}


class SourceUnreadable(Exception):
    """A file or folder that cannot be looked up or listed."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path)}


class SourceEmptied(Exception):
    """The folder holds no file any more, which a mount that failed looks like too."""

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
    unread: tuple[str, ...] = ()
    """What could not be listed or looked up, by path: what it held may be there still."""

    def may_hide(self, path: str) -> bool:
        """Whether that is, or is below, what could not be read."""
        return any(path == closed or path.startswith(f"{closed}/") for closed in self.unread)


def open_source(path: Path, *, name: str = "", known: Sequence[str] = ()) -> Source:
    """List a folder or file; a file inside a folder that is known belongs to it.

    Hidden files and links that lead outside are left alone.
    Raises SourceMissing, SourceUnreadable, SourceEmptied, TooManyFiles.
    """
    if not _is_there(path):
        raise SourceMissing(path)
    root = path.resolve()
    if root.is_dir():
        return _open_folder(root, name or str(root), known)
    for folder in sorted(known, key=len, reverse=True):
        if root.is_relative_to(folder) and str(root) != folder:
            return Source(folder, (SourceFile(root, root.relative_to(folder).as_posix()),), is_whole=False)
    return Source(name or str(root), (SourceFile(root, root.name),), is_whole=False)


def holds_another(name: str, file: SourceFile) -> bool:
    """Whether the source of that name is still there, with a file of its own at this one's path.

    A source that is no place, as `chat`, holds none.
    """
    root = Path(name)
    if not root.is_absolute():
        return False
    try:
        is_there = _mode(root) != 0
    except OSError:
        return True
    own = os.path.realpath(file.file)
    return is_there and own not in (os.path.realpath(root), os.path.realpath(root / file.path))


def _is_there(path: Path) -> bool:
    try:
        return _mode(path) != 0
    except OSError as error:
        raise SourceUnreadable(path) from error


def _mode(path: Path) -> int:
    """What kind of thing stands there, 0 for nothing. Raises OSError where that cannot be told."""
    try:
        return path.stat().st_mode
    except OSError as error:
        if error.errno in _NOTHING:
            return 0
        raise


def _open_folder(root: Path, name: str, known: Sequence[str]) -> Source:
    files, unread = _walk(root)
    if not files and not unread and name in known:
        raise SourceEmptied(root)
    return Source(
        name,
        tuple(SourceFile(file, file.relative_to(root).as_posix()) for file in sorted(files)),
        is_whole=True,
        unread=tuple(path.relative_to(root).as_posix() for path in sorted(unread)),
    )


def _walk(root: Path) -> tuple[list[Path], list[Path]]:
    """The files below a folder, and what could not be read of it."""
    files: list[Path] = []
    unread: list[Path] = []
    for folder, inner, names in os.walk(root, onerror=lambda error: unread.append(Path(error.filename))):
        inner[:] = [each for each in inner if not each.startswith(".")]
        for file in (Path(folder, each) for each in names if not each.startswith(".")):
            try:
                if _is_inside(file, root) and stat.S_ISREG(_mode(file)):
                    files.append(file)
            except OSError:
                unread.append(file)
        if len(files) > MOST_FILES:
            raise TooManyFiles(root)
    if root in unread:
        raise SourceUnreadable(root)
    return files, unread


def _is_inside(file: Path, root: Path) -> bool:
    return Path(os.path.realpath(file)).is_relative_to(root)
