"""`python -m bot ...`: every command of the terminal."""

import os
import sys
from collections.abc import Sequence

# before numpy is imported: its own threads only wait for each other on vectors as short as ours
os.environ.setdefault("OMP_NUM_THREADS", "1")


import typer

from bot import logs
from bot.cli import (
    asking,
    audit_trail,
    console,
    drilling,
    explain_print,
    inspecting,
    keeping,
    making_up,
    money,
    past,
    serving,
    trying,
)
from bot.settings import InvalidSettings, read_settings

app = typer.Typer(
    help="Spanwise runs an organisation's AI workflows in production, from Slack.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)

PROCESSES = (serving.demo, serving.serve, serving.slack, serving.worker, serving.clock, serving.migrate)
INSPECTION = (serving.backup, inspecting.doctor, inspecting.settings, inspecting.manifest, inspecting.docs)
KEEPING = (keeping.grant, keeping.revoke, keeping.grants, money.budget)
PAST = (past.runs, past.retention, making_up.seed)

RUNNING = (asking.run, explain_print.explain, trying.evaluate, trying.replay)

for command in (*PROCESSES, *RUNNING, *INSPECTION, *KEEPING, *PAST):
    app.command(command.__name__)(command)
app.add_typer(keeping.knowledge, name="knowledge")
app.add_typer(keeping.workflow, name="workflow")
app.add_typer(audit_trail.audit, name="audit")
app.add_typer(drilling.drill, name="drill")


LOGGED = frozenset(command.__name__ for command in PROCESSES)


def main() -> None:
    """Entry point of the `spanwise` script."""
    try:
        logs.set_up(_log_level(read_settings().log_level, sys.argv[1:2]))
    except InvalidSettings as error:
        console.refuse(error)
        raise SystemExit(1) from None
    app()


def _log_level(level: str, command: Sequence[str]) -> str:
    """What a command prints is for whoever typed it: the lines of each run are for what runs on."""
    return "WARNING" if level == "INFO" and not LOGGED.intersection(command) else level


if __name__ == "__main__":
    main()
