"""When the database cannot do what is asked just now: one error with the reason, whatever the engine says."""

import errno
import sys
from typing import Literal

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from workflows.ports import Interrupted

Why = Literal["full", "locked", "read-only", "unreachable", "damaged"]

_SQLITE: dict[int, Why] = {
    5: "locked",
    6: "locked",
    8: "read-only",
    10: "unreachable",
    11: "damaged",
    13: "full",
    14: "unreachable",
    26: "damaged",
}
"""SQLite's primary result codes: BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB."""
_POSTGRES: dict[str, Why] = {
    "08": "unreachable",
    "28": "unreachable",
    "3D000": "unreachable",
    "53100": "full",
    "53": "unreachable",
    "25006": "read-only",
    "55P03": "locked",
    "57014": "locked",
    "57P": "unreachable",
    "58": "unreachable",
    "XX001": "damaged",
    "XX002": "damaged",
}
"""The beginnings of SQLSTATE codes; the longest that fits says why."""
_FILES: dict[int, Why] = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read-only",
    errno.EACCES: "read-only",
    errno.EPERM: "read-only",
}


class StoreDown(Interrupted):
    """The database refused for a reason that is not ours; fact `why` says which. It may pass by itself."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why
        self.facts = {"why": why}


def down_of(error: BaseException) -> StoreDown | None:
    """The error as the state of the database that it comes from; None when it says nothing of that."""
    if isinstance(error, StoreDown):
        return error
    why = _why(error)
    return StoreDown(why) if why else None


def down_of_file(error: OSError) -> StoreDown:
    """As `down_of`, of an attempt to write beside a database that is a file."""
    return StoreDown(_FILES.get(error.errno or 0, "unreachable"))


def _why(error: BaseException) -> Why | None:
    if isinstance(error, NoConnectionFree):
        return "unreachable"
    # what begins a transaction on SQLite goes past SQLAlchemy
    raw = error.orig if isinstance(error, DBAPIError) else error
    # on PostgreSQL it was never loaded, and none of its errors comes
    sqlite = sys.modules.get("sqlite3")
    if sqlite is not None and isinstance(raw, sqlite.Error):
        # the extended codes keep the primary one in their lowest byte
        return _SQLITE.get(getattr(raw, "sqlite_errorcode", 0) & 0xFF)
    if not isinstance(error, DBAPIError):
        return None
    state = getattr(error.orig, "sqlstate", None) or ""
    known = next((state[:end] for end in (5, 3, 2) if state[:end] in _POSTGRES), "")
    if known:
        return _POSTGRES[known]
    # a connection that takes too long has a class of its own
    kinds = {kind.__name__ for kind in type(error.orig).__mro__}
    is_lost = error.connection_invalidated or (not state and "OperationalError" in kinds)
    return "unreachable" if is_lost else None
