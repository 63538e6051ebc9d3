"""Real processes of the product, started, watched, stopped and killed."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from terminal import Terminal

from tests.forked import Forked, fork_command
from tests.ports import free_port

LONGEST_START_S = 120.0
LONGEST_STOP_S = 20.0


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Ask every 50 ms until it does."""
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, f"{what} did not come about"
        time.sleep(0.05)


@dataclass
class Process:
    """One `python -m bot ...` that runs until it is told to stop."""

    child: "subprocess.Popen[bytes] | Forked"
    log: Path

    def lines(self, event: str) -> list[Mapping[str, Any]]:
        """Its log lines of one event."""
        found = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(ValueError):
                found.append(json.loads(line))
        return [line for line in found if line.get("event") == event]

    def started(self) -> None:
        """Wait until it says so."""
        wait_until(
            lambda: bool(self.lines("started")) or self.child.poll() is not None, LONGEST_START_S, "a start"
        )
        assert self.child.poll() is None, self.log.read_text()[-3000:]

    def kill(self) -> None:
        """Give it no time for anything."""
        os.kill(self.child.pid, signal.SIGKILL)
        assert self.child.wait(10) == -signal.SIGKILL

    def stop(self) -> float:
        """Ask it to end; seconds until it did, cleanly."""
        began = time.monotonic()
        self.child.terminate()
        assert self.child.wait(LONGEST_STOP_S) == 0, self.log.read_text()[-3000:]
        assert "Traceback" not in self.log.read_text()
        return time.monotonic() - began


@dataclass
class Machines:
    """Where processes run; whatever is left at the end is killed."""

    terminal: Terminal
    folder: Path
    running: list["subprocess.Popen[bytes] | Forked"] = field(default_factory=list)

    def start(self, part: str) -> Process:
        """Start one part."""
        log = self.folder / f"{part}-{len(self.running)}.log"
        return Process(self._open(self.terminal.line(part), log), log)

    def fork(self, part: str) -> Process:
        """As `start`, from a process that has imported everything already."""
        log = self.folder / f"{part}-{len(self.running)}.log"
        log.touch()
        child = fork_command([part], self.terminal.environment, self.folder, log)
        self.running.append(child)
        return Process(child, log)

    def start_command(self, command: list[str], name: str) -> Process:
        """Start something that ends up being one of the parts."""
        log = self.folder / f"{name}.log"
        return Process(self._open(command, log), log)

    def start_chroma(self) -> str:
        """A Chroma server of the environment's own; its URL once it answers."""
        port = free_port()
        command = [
            str(Path(self.terminal.line()[0]).with_name("chroma")),
            *("run", "--path", str(self.folder / "chroma"), "--host", "127.0.0.1", "--port", str(port)),
        ]
        self._open(command, self.folder / "chroma.log")
        wait_until(lambda: is_open(port), LONGEST_START_S, "the Chroma server")
        return f"http://127.0.0.1:{port}"

    def _open(self, command: list[str], log: Path) -> "subprocess.Popen[bytes]":
        with log.open("wb") as file:
            child = subprocess.Popen(
                command, env=self.terminal.environment, cwd=self.folder, stdout=file, stderr=file
            )
        self.running.append(child)
        return child


@contextlib.contextmanager
def machines(terminal: Terminal, folder: Path) -> Iterator[Machines]:
    """Somewhere to start processes."""
    desk = Machines(terminal, folder)
    try:
        yield desk
    finally:
        for child in desk.running:
            if child.poll() is None:
                child.kill()
                child.wait()


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
