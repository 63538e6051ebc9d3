"""The commands of the terminal, typed in this process, or as a child where that is the point."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from pytest import MonkeyPatch
from structlog.testing import capture_logs
from typer.testing import CliRunner

from bot.cli.command_table import app
from bot.settings import Settings

ROOT = Path(__file__).parents[2]
SETTINGS = tuple(each.metadata["alias"] for each in fields(Settings))


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command ended and what it showed."""

    code: int
    out: str
    err: str
    log: Sequence[Mapping[str, Any]] = ()
    """Log lines, where the command ran in this process."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """Somebody at the machine, with a data folder and settings of their own."""

    data_dir: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a child is started with."""
        kept = {name: value for name, value in os.environ.items() if name not in SETTINGS}
        given = {"SPANWISE_DATA_DIR": str(self.data_dir), "PYTHONPATH": str(ROOT)}
        return {**kept, **given, **self.settings}

    def __call__(self, *words: str | Path, **settings: str) -> Ran:
        """Type a command, in this process."""
        with MonkeyPatch.context() as patch, capture_logs() as log:
            for name in SETTINGS:
                patch.delenv(name, raising=False)
            for name, value in {**self.environment, **settings}.items():
                patch.setenv(name, value)
            patch.chdir(self.data_dir.parent)
            found = CliRunner().invoke(app, list(map(str, words)))
        unexpected = found.exception
        if unexpected is not None and not isinstance(unexpected, SystemExit):
            raise unexpected
        return Ran(found.exit_code, found.stdout, found.stderr, log)

    def child(self, *words: str, seconds: float = 300) -> Ran:
        """Type a command, in a process of its own, and wait for its end."""
        done = subprocess.run(
            self.line(*words),
            env=self.environment,
            cwd=self.data_dir.parent,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def line(self, *words: str) -> list[str]:
        """The command line of a child."""
        return [sys.executable, "-m", "bot", *words]

    def with_settings(self, settings: Mapping[str, str]) -> "Terminal":
        """The same folder, more settings."""
        return Terminal(self.data_dir, {**self.settings, **settings})
