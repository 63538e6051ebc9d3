"""What the terminal shows: answers with their sources, progress bars, tables, refusals as sentences."""

import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.services.opaque_ids import incident_token
from bot.services.run_views import RunView
from bot.slack import text
from bot.slack.blocks import receipt_words
from bot.slack.refusals_terminal import is_known, sentence
from knowledge.document import by_place

log = structlog.get_logger(__name__)
WIDE = 400
"""Columns for a table that goes to a file or another program."""

NARROW = 7
"""Columns that a cell may be squeezed into so that a name beside it stays on a line."""

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

OnProgress = Callable[[int, int, str], None]


@contextmanager
def progress_bar(title: str) -> Iterator[OnProgress]:
    """A bar that follows (done, total, what); one line at the end when stderr is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, TextColumn("{task.fields[what]}"), console=err, transient=True) as bars:
        task = bars.add_task(title, total=None, what="")

        def follow(done: int, total: int, what: str) -> None:
            bars.update(task, completed=done, total=total, what=escape(what[-48:]))

        yield follow


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows under headings; text is shown as it is, a row on a line where no window bounds it.

    In a window nothing is cut off: names and ids, which are typed again, stay on a line where there is room,
    and what is longer goes on in the next line of its column.
    """
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    whole = _kept_whole(columns, rows, out.width)
    for position, column in enumerate(columns):
        drawn.add_column(column, overflow="fold", no_wrap=position in whole)
    for row in rows:
        drawn.add_row(*(escape(cell) for cell in row))
    (out if out.is_terminal else Console(width=WIDE, highlight=False)).print(drawn, soft_wrap=False)


def _kept_whole(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> dict[int, int]:
    """Columns of single words to the width that keeps each on a line: the widest first, while all fit."""
    cells = {at: [row[at] for row in rows] for at in range(len(columns) - 1)}
    names = {at: max(map(len, found)) for at, found in cells.items() if found and not _has_blanks(found)}
    kept: dict[int, int] = {}
    for at, widest in sorted(names.items(), key=lambda item: -item[1]):
        rest = len(columns) - len(kept) - 1
        if sum(kept.values()) + 2 * len(kept) + widest + rest * NARROW <= width:
            kept[at] = widest
    return kept


def _has_blanks(cells: Sequence[str]) -> bool:
    return any(" " in cell for cell in cells)


def plain(mrkdwn: str) -> str:
    """A sentence written for Slack, without Slack's markup."""
    words = re.sub(r"<([^|>]+)\|([^>]+)>", r"\2", mrkdwn)
    words = re.sub(r":[a-z_]+: ?", "", words).replace("`", "")
    words = re.sub(r"\*([^*\n]+)\*", r"\1", words)
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def refuse(error: BaseException) -> None:
    """Say what is wrong and what to do; an unknown error shows a token that the log line carries too."""
    kind = type(error).__name__
    token = "" if is_known(kind) else incident_token()
    if token:
        log.error("command.failed", token=token, exc_info=error)
    refuse_kind(kind, getattr(error, "facts", {}), token)


def refuse_each(error: Exception) -> None:
    """As `refuse`, for each of those that came together."""
    for each in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
        refuse(each)


def refuse_kind(kind: str, facts: Mapping[str, str], token: str = "") -> None:
    """As `refuse`, for an error known by its class name."""
    err.print(plain(text.failed(sentence(kind, facts), token)), style="red", markup=False)


@contextmanager
def refusing() -> Iterator[None]:
    """Say what went wrong as a sentence, and end the command with 1."""
    try:
        yield
    except typer.Exit:
        raise
    except Exception as error:
        refuse_each(error)
        raise typer.Exit(1) from None


def show_run(view: RunView, now: datetime, *, streamed: str) -> None:
    """The answer, unless it was streamed word for word, then sources and receipt."""
    answer = view.answer
    if answer is None:
        if view.failure is not None:
            refuse_kind(view.failure.kind, view.failure.facts, view.failure.token)
        return
    if streamed.strip() != answer.text.strip():
        out.print(answer.text, markup=False)
    if answer.citations:
        out.print("\nSources", style="bold")
    for marks, passage in by_place(answer.citations):
        place = " › ".join(dict.fromkeys((passage.title, *passage.headings)))
        owner = f"{passage.owner}, " if passage.owner else ""
        out.print(
            f"{marks} {place} — {owner}{text.age(passage.updated_at, now)}, v{passage.version}",
            markup=False,
        )
    for note in answer.notes:
        out.print(f"\n{note}", style="dim", markup=False)
    out.print("\n" + plain(receipt_words(view, answer, now)), style="dim", markup=False)


def piece(words: str) -> None:
    """A piece of an answer as it is written."""
    sys.stdout.write(words)
    sys.stdout.flush()
