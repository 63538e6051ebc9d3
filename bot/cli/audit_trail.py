"""`python -m bot audit ...`: the trail checked, taken away and signed from the terminal."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bot.adapters.store.audit_search import Search
from bot.adapters.store.database_rights import rights as rights_of
from bot.bootstrap import Product
from bot.cli import console
from bot.cli.keeping import act
from bot.cli.out_files import appearing
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.audit_files import Format
from bot.slack import audit_text as words

audit = typer.Typer(help="The audit trail: verify, export, checkpoint, rights.", no_args_is_help=True)

DATES = ["%Y-%m-%d"]
Since = Annotated[datetime | None, typer.Option(formats=DATES, help="From this day on (UTC).")]
Until = Annotated[datetime | None, typer.Option(formats=DATES, help="Up to the end of this day (UTC).")]


class NoCheckpointFile(Exception):
    """A name that no readable file has; fact `path`."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.facts = {"path": path}


@audit.command("verify")
def verify(
    checkpoint: Annotated[
        str, typer.Option(help="A file with a posted checkpoint, its text, or - for standard input.")
    ] = "",
) -> None:
    """Walk the chain of audit events and name the first row that was changed."""

    async def work(product: Product) -> bool:
        if checkpoint:
            found = await product.auditing.check(Actor(OPERATOR), _text(checkpoint))
            _show(words.checked(found), is_good=found.is_good)
            return found.is_good
        chain, last = await product.auditing.verify(Actor(OPERATOR))
        is_good = chain.bad_seq is None
        _show(words.verified(chain, last, product.auditing.public_key), is_good=is_good)
        return is_good

    act(work)


@audit.command("export")
def export(
    form: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    out: Annotated[Path | None, typer.Option(help="The file to write; none means standard output.")] = None,
    about: Annotated[str, typer.Option(help="A workflow, prompt, document, collection or run.")] = "",
    actor: Annotated[str, typer.Option(help="The Slack id of a person, or `terminal`.")] = "",
    action: Annotated[str, typer.Option(help="An action or its beginning, e.g. `stage`.")] = "",
    since: Since = None,
    until: Until = None,
) -> None:
    """Write audit events to a file; that they were taken is an audit event too."""
    chosen: Format = "jsonl" if form == "jsonl" else "csv"
    if form not in ("csv", "jsonl"):
        raise typer.BadParameter("should be csv or jsonl", param_hint="--format")
    search = Search(about, actor, action, _day(since), _day(until, after=1))

    async def work(product: Product) -> bool:
        # opened first: an export that reaches nobody is not on record as taken
        with appearing(out) as write:
            made = await product.auditing.export(Actor(OPERATOR), search, chosen, surface="terminal")
            write(made.content)
        console.err.print(console.plain(words.exported(made)))
        return True

    act(work)


@audit.command("checkpoint")
def checkpoint() -> None:
    """Sign the end of the chain as of now and print it, to be kept elsewhere."""

    async def work(product: Product) -> bool:
        signed = await product.auditing.checkpoint(Actor(OPERATOR))
        sys.stdout.write(f"{signed.text()}\n")
        return True

    act(work)


@audit.command("rights")
def rights(role: Annotated[str, typer.Argument(help="A PostgreSQL role that owns no table.")]) -> None:
    """Print what the owner of the database runs so that the role can add audit events and change none."""
    with console.refusing():
        sys.stdout.write("".join(f"{statement};\n" for statement in rights_of(role)))


def _text(given: str) -> str:
    if given == "-":
        return sys.stdin.read()
    if "\n" in given:
        return given
    try:
        return Path(given).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        # no checkpoint is one line
        raise NoCheckpointFile(given) from None


def _day(at: datetime | None, *, after: int = 0) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC) + timedelta(days=after)


def _show(said: str, *, is_good: bool) -> None:
    """Good news to standard output, bad to standard error."""
    place = console.out if is_good else console.err
    place.print(console.plain(said), style=None if is_good else "red", markup=False)
