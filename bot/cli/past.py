"""`python -m bot runs`: looking through the run log at the terminal, and writing it to a file."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.bootstrap import Product
from bot.cli import console
from bot.cli.keeping import act
from bot.cli.out_files import appearing
from bot.governance.retention_words import read_keeping
from bot.governance.run_filter import RunFilter
from bot.governance.run_words import read_filter, span_of
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.audit_files import FORMATS, Format
from bot.services.run_history import RunLine
from bot.slack import retention_text as keeping_words
from bot.slack import run_log_text as words
from bot.slack.blocks import asked_text
from bot.slack.budget_text import cost
from bot.slack.state_text import state_words

ACTOR = Actor(OPERATOR)
WHAT = 'As after `/spanwise runs`: ask-policy failed since last week, U0ANA down, "carry over". Days are UTC.'
SHOWN = 60
"""Characters of a question in the table."""


def runs(
    what: Annotated[list[str] | None, typer.Argument(help=WHAT)] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format", help="csv or jsonl writes every run; left out, as --out ends, else a table."
        ),
    ] = "",
    out: Annotated[Path | None, typer.Option(help="The file to write; none means standard output.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows of the table.")] = 20,
) -> None:
    """List runs with filters, or write them to a file; that they were written is an audit event."""
    # a file that is named is written, whether or not it says how
    wished = form or (out and (out.suffix.removeprefix(".") if out.suffix[1:] in FORMATS else "csv"))
    chosen = next((each for each in FORMATS if each == wished), None)
    if form and chosen is None:
        raise typer.BadParameter("should be csv or jsonl", param_hint="--format")

    async def work(product: Product) -> bool:
        now = product.clock.now()
        wanted = read_filter(" ".join(_quoted(each, now) for each in what or ()), now)
        if chosen is None:
            await _table(product, wanted, limit)
        else:
            count = await _write(product, wanted, chosen, out)
            console.err.print(console.plain(words.exported(count)))
        return True

    act(work)


def retention(
    what: Annotated[
        list[str] | None, typer.Argument(help="A workflow, and `90 days`, `for ever` or `default` to set it.")
    ] = None,
    now: Annotated[bool, typer.Option("--now", help="Delete what is due now, not at night.")] = False,
) -> None:
    """Show or set how long what was asked and answered is kept; numbers, versions and costs stay for ever."""

    async def work(product: Product) -> bool:
        service, asked = product.past_runs.retention, read_keeping(" ".join(what or ()))
        if asked.is_change:
            _say(keeping_words.was_set(await service.keep(ACTOR, asked.workflow, asked.days)))
        elif not now:
            for keeping in await service.overview(ACTOR):
                if asked.workflow in ("", keeping.workflow):
                    _say(keeping_words.keeping_line(keeping))
        if now:
            _say(keeping_words.emptied(await service.empty_due()))
        return True

    act(work)


def _say(said: str) -> None:
    console.out.print(console.plain(said), markup=False)


def _quoted(word: str, now: datetime) -> str:
    """A shell takes quotation marks away: an argument with blanks in it had them, or is a time."""
    is_time = word.startswith(("since ", "until ")) or span_of(word.lower(), now)
    return word if " " not in word or is_time else f'"{word}"'


async def _table(product: Product, wanted: RunFilter, limit: int) -> None:
    lines: list[RunLine] = []
    start, more = None, True
    while more and len(lines) < limit:
        page = await product.past_runs.history.page(ACTOR, wanted, start=start)
        lines += page.lines
        start, more = page.older, page.older is not None
    if not lines:
        console.out.print("There are none.")
        return
    columns = ("Asked (UTC)", "Run", "Workflow", "Who", "Ended", "Took", "Cost", "Votes", "What")
    console.table(columns, [_row(line) for line in lines[:limit]])


def _row(line: RunLine) -> tuple[str, ...]:
    view = line.view
    asked = " ".join(asked_text(view.inputs).split())
    return (
        f"{view.created_at:%Y-%m-%d %H:%M}",
        view.id,
        view.workflow,
        view.actor.name or view.actor.id,
        state_words(line.ending, view.status),
        words.taken(view.started_at or view.created_at, view.finished_at),
        cost(view.usage.cost_usd, is_priced=view.is_priced),
        f"+{line.up} -{line.down}" if line.up or line.down else "",
        asked if len(asked) <= SHOWN else f"{asked[: SHOWN - 1]}…",
    )


async def _write(product: Product, wanted: RunFilter, form: Format, out: Path | None) -> int:
    with appearing(out) as write:
        return await product.past_runs.exports.export(ACTOR, wanted, form, write, surface="terminal")
