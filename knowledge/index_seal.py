"""Whether a folder of the vector store can be opened: a damaged one takes down the process that opens it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

SEAL = "sealed.json"
"""Written when the folder is closed in order, removed when it is opened."""
UNSEALED = frozenset({SEAL, "owner.lock"})
DATABASE = "chroma.sqlite3"
LONGEST_S = 120.0
"""For trying a folder; one that takes longer is made anew."""


def seal(folder: Path) -> None:
    """Note what every file holds."""
    (folder / SEAL).write_text(json.dumps(_digests(folder)), encoding="utf-8")


def open_seal(folder: Path) -> bool:
    """Whether the folder may be opened here; from now on it counts as open.

    One that was closed in order must be as it was then. One that was not is opened in a process of its own
    first, which may die of it.
    """
    if not (folder / DATABASE).exists():
        return not folder.exists() or all(each.name in UNSEALED for each in folder.iterdir())
    sealed = folder / SEAL
    if not sealed.exists():
        return _survives(folder)
    try:
        is_same = bool(json.loads(sealed.read_text(encoding="utf-8")) == _digests(folder))
    except ValueError:
        is_same = False
    sealed.unlink()
    return is_same


def _digests(folder: Path) -> dict[str, str]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in UNSEALED:
            with path.open("rb") as file:
                found[str(path.relative_to(folder))] = hashlib.file_digest(file, "sha256").hexdigest()
    return found


def _survives(folder: Path) -> bool:
    command = [sys.executable, "-m", "knowledge.index_trial", str(folder.absolute())]
    try:
        ended = subprocess.run(  # noqa: S603
            command, capture_output=True, timeout=LONGEST_S, check=False, cwd=Path(__file__).parents[1]
        )
    except subprocess.TimeoutExpired:
        return False
    return ended.returncode == 0
