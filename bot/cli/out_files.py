"""Files that a command writes: looked at before the work, there only once all of it went well."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


class CannotWrite(Exception):
    """A file that cannot be written; facts `path` and `problem`."""

    def __init__(self, path: Path, problem: str) -> None:
        super().__init__(str(path))
        self.facts = {"path": str(path), "problem": problem}


def see_writable(path: Path | None) -> None:
    """Look whether a file can be written there, before anything is done for it. Raises CannotWrite."""
    if path is None:
        return
    if path.is_dir():
        raise CannotWrite(path, "it is a folder")
    if not path.parent.is_dir():
        raise CannotWrite(path, f"there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise CannotWrite(path, "this user may not write there")


@contextmanager
def appearing(out: Path | None) -> Iterator[Callable[[str], object]]:
    """Writes beside the file that is wanted, which is there once everything went well, for its owner only.

    No file means standard output. Raises CannotWrite.
    """
    see_writable(out)
    # a device or a pipe cannot be put in place of another
    is_replaced = out is not None and (out.is_file() or not out.exists())
    folder = out.parent if out is not None and is_replaced else None
    with tempfile.NamedTemporaryFile(
        "w+", encoding="utf-8", newline="", dir=folder, prefix=".spanwise-", delete=False
    ) as part:
        path = Path(part.name)
        try:
            yield part.write
            part.flush()
            if out is not None and is_replaced:
                path.replace(out)
                return
            part.seek(0)
            if out is None:
                shutil.copyfileobj(part, sys.stdout)
                return
            with out.open("w", encoding="utf-8", newline="") as end:
                shutil.copyfileobj(part, end)
        finally:
            path.unlink(missing_ok=True)
