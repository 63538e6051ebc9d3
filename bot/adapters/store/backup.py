"""A copy of the database of one machine, taken while it is in use."""

import contextlib
import sqlite3
from pathlib import Path

from sqlalchemy.engine import make_url


class NotOneFile(Exception):
    """The database is a server's, which is copied with the server's own tools."""

    def __init__(self) -> None:
        super().__init__("not a SQLite database")
        self.facts: dict[str, str] = {}


class BackupExists(Exception):
    """Something is at the place where the copy should go; fact `path`."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path)}


class NoBackup(Exception):
    """The copy could not be made; facts `path` and `problem`, the system's words."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(problem)
        self.facts = {"path": str(path), "problem": problem}


class DamagedDatabase(Exception):
    """The copy does not hang together, so neither does what it was made from; fact `problem`."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.facts = {"problem": problem}


def back_up(url: str, path: Path) -> int:
    """Write what is committed at this moment to a new file; its bytes. Writers are not held up.

    The file appears only when it is whole. Raises NotOneFile, BackupExists, NoBackup, DamagedDatabase.
    """
    source = make_url(url)
    if source.get_backend_name() != "sqlite":
        raise NotOneFile
    if path.exists():
        raise BackupExists(path)
    part = path.with_name(f"{path.name}.part")
    try:
        part.unlink(missing_ok=True)
        _copy(str(source.database), part)
        part.rename(path)
    except (OSError, sqlite3.Error) as error:
        raise NoBackup(path, str(error)) from error
    finally:
        part.unlink(missing_ok=True)
    return path.stat().st_size


def _copy(database: str, part: Path) -> None:
    with (
        contextlib.closing(sqlite3.connect(f"{Path(database).resolve().as_uri()}?mode=ro", uri=True)) as here,
        contextlib.closing(sqlite3.connect(part)) as there,
    ):
        here.backup(there)
        # the copy is one file: what reads it need not write beside it
        there.execute("PRAGMA journal_mode=DELETE")
        problem = there.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if problem != "ok":
        raise DamagedDatabase(problem)
