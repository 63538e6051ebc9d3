"""`python -m bot drill ...`: rehearsals of what may go wrong, on nobody's data."""

import asyncio
from typing import Annotated

import typer

from bot.adapters.profiles import SHIPPED, read_profiles
from bot.adapters.system_clock import SystemClock
from bot.cli import console
from bot.drill import Outcome, Plan, rehearse
from bot.groundwork import models_text
from bot.settings_reading import read_settings
from bot.slack.text import dollars, elapsed

LOST = 1
"""Exit code when a run was lost."""

drill = typer.Typer(help="Rehearse what may go wrong, on nobody's data.", no_args_is_help=True)


@drill.command("outage")
def outage(
    provider: Annotated[str, typer.Option(help="As models.yaml names it before the slash, e.g. openai.")],
    runs: Annotated[int, typer.Option(min=1, max=5000, help="How many runs are asked for meanwhile.")] = 40,
    seconds: Annotated[float, typer.Option(min=0.1, max=3600, help="How long the outage lasts.")] = 20,
) -> None:
    """Have a provider fail for a while: 0 when every run was answered all the same, 1 when one was lost."""
    with console.refusing():
        settings = read_settings()
        profiles = read_profiles(models_text(settings), source=str(settings.models or SHIPPED))
        plan = Plan(provider, runs, seconds)
        with console.err.status(f"{runs} runs while {provider} is down for {seconds:g} s"):
            found = asyncio.run(rehearse(plan, profiles, SystemClock().now()))
    show(found)
    if found.lost:
        raise typer.Exit(LOST)


def show(found: Outcome) -> None:
    """What it came to, as a table."""
    down = f"{found.plan.provider} was down for {elapsed(found.plan.seconds)}"
    console.out.print(f"{down}: a rehearsal on a database of its own, nobody was written to")
    console.table(("", ""), _rows(found))


def _rows(found: Outcome) -> list[tuple[str, str]]:
    fallback = "no fallback answered" if found.fallback_s is None else f"{found.fallback_s:.1f} s"
    unpriced = "" if found.is_priced else ", without calls whose price nobody knows"
    extra = f"{dollars(found.extra_usd)}{unpriced}"
    return [
        ("Time to the first fallback", fallback),
        ("Runs lost", str(found.lost)),
        ("Runs answered", f"{found.answered} of {found.plan.runs}"),
        ("… by a fallback", str(found.by_fallback)),
        ("… after waiting for the provider", str(found.put_off)),
        ("Longest run", f"{found.longest_s:.1f} s"),
        ("Extra spend", extra),
        ("Calls to the provider", f"{found.calls}, of which {found.failed_calls} failed"),
        ("Calls refused by the breaker", str(found.refused)),
    ]
