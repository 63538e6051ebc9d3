"""Processes forked from one that has imported the product: importing it takes each process seconds."""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CONTEXT = multiprocessing.get_context("forkserver")
# one server and one list for all tests of a process; the first says how many threads numpy may have
CONTEXT.set_forkserver_preload(["bot.__main__", "tests.warm_product"])


@dataclass(frozen=True)
class Forked:
    """One of them, used as if it had been started by its command line."""

    process: Any

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return int(self.process.pid)

    def poll(self) -> int | None:
        """How it ended, None while it lives; minus the signal that ended it."""
        found: int | None = self.process.exitcode
        return found

    def wait(self, timeout: float | None = None) -> int | None:
        """As `poll`, after its end or so many seconds."""
        self.process.join(timeout)
        return self.poll()

    def terminate(self) -> None:
        """Ask it to end."""
        self.process.terminate()

    def kill(self) -> None:
        """Give it no time for anything."""
        self.process.kill()


def fork_command(words: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> Forked:
    """`python -m bot <words>`, without the start of Python."""
    process = CONTEXT.Process(target=_live, args=(words, dict(environment), folder, log), daemon=True)
    process.start()
    return Forked(process)


def _live(words: Sequence[str], environment: Mapping[str, str], folder: Path, log: Path) -> None:
    from bot.__main__ import main

    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(file, sys.stdout.fileno())
    os.dup2(file, sys.stderr.fileno())
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["bot", *words]
    main()
