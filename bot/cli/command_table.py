"""Every command of the terminal, in one table."""

import typer

from bot.cli import (
    asking,
    audit_trail,
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
