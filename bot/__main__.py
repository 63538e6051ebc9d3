"""`python -m bot ...`: every command of the terminal, and the one process that must be small."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from bot.settings import Settings

# before numpy is imported: its own threads only wait for each other on vectors as short as ours
os.environ.setdefault("OMP_NUM_THREADS", "1")


SMALL = ["slack"]
"""The command line of the process that acknowledges."""


def main() -> None:
    """Entry point of the `spanwise` script."""
    if sys.argv[1:] == SMALL:
        # the logging library would load it to colour tracebacks of a terminal: 6 MiB
        sys.modules["rich"] = None  # type: ignore[assignment]
        _take_requests()
    else:
        _run_command(sys.argv[1:])


def _take_requests() -> None:
    """As `slack` among the commands, without the libraries of the terminal."""
    import asyncio

    from bot import logs, taking

    settings = _settings_read_apart()
    logs.set_up(settings.log_level)
    try:
        asyncio.run(taking.serve(settings))
    except Exception as error:
        _refuse(error)


def _settings_read_apart() -> "Settings":
    """By a child, which says what is wrong with them: pydantic would stay in memory, 9 MiB."""
    import pickle
    import subprocess

    child = subprocess.run(
        [sys.executable, "-m", "bot.settings_reading"], stdout=subprocess.PIPE, check=False
    )
    if child.returncode:
        raise SystemExit(child.returncode)
    found: Settings = pickle.loads(child.stdout)  # noqa: S301 - our own child wrote it
    return found


def _run_command(words: Sequence[str]) -> None:
    from bot import logs
    from bot.cli.command_table import LOGGED, app
    from bot.settings_reading import InvalidSettings, read_settings

    try:
        level = read_settings().log_level
    except InvalidSettings as error:
        _refuse(error)
    # what a command prints is for whoever typed it: the lines of each run are for what runs on
    is_quiet = level == "INFO" and not LOGGED.intersection(words[:1])
    logs.set_up("WARNING" if is_quiet else level)
    app()


def _refuse(error: Exception) -> NoReturn:
    """Say in a sentence why not, and end with 1."""
    if sys.modules.get("rich", error) is None:
        del sys.modules["rich"]
    from bot.cli import console

    console.refuse_each(error)
    raise SystemExit(1) from None


if __name__ == "__main__":
    main()
