"""`python -m bot ...`: every command of the terminal, and the one process that must be small."""

import os
import sys
from collections.abc import Sequence

# before numpy is imported: its own threads only wait for each other on vectors as short as ours
os.environ.setdefault("OMP_NUM_THREADS", "1")


SMALL = ["slack"]
"""The command line of the process that acknowledges."""


def main() -> None:
    """Entry point of the `spanwise` script."""
    is_small = sys.argv[1:] == SMALL
    if is_small:
        # the logging library would load it to colour tracebacks of a terminal: 6 MiB
        sys.modules["rich"] = None  # type: ignore[assignment]
    from bot.settings import InvalidSettings

    try:
        if is_small:
            _take_requests()
        else:
            _run_command(sys.argv[1:])
    except InvalidSettings as error:
        _refuse(error)


def _take_requests() -> None:
    """As `slack` among the commands, without the libraries of the terminal."""
    import asyncio

    from bot import logs, taking
    from bot.settings import read_settings

    settings = read_settings()
    logs.set_up(settings.log_level)
    try:
        asyncio.run(taking.serve(settings))
    except Exception as error:
        _refuse(error)


def _run_command(words: Sequence[str]) -> None:
    from bot import logs
    from bot.cli.command_table import LOGGED, app
    from bot.settings import read_settings

    level = read_settings().log_level
    # what a command prints is for whoever typed it: the lines of each run are for what runs on
    is_quiet = level == "INFO" and not LOGGED.intersection(words[:1])
    logs.set_up("WARNING" if is_quiet else level)
    app()


def _refuse(error: Exception) -> None:
    """Say in a sentence why not, and end with 1."""
    if sys.modules.get("rich", error) is None:
        del sys.modules["rich"]
    from bot.cli import console

    console.refuse_each(error)
    raise SystemExit(1) from None


if __name__ == "__main__":
    main()
