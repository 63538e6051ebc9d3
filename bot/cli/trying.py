"""`python -m bot evaluate` and `replay`: cases on live or proposed versions, a run beside its answer."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from bot.adapters.store.database import Connection
from bot.adapters.store.versions_log import CANDIDATE, PRODUCTION
from bot.bootstrap import Product, build
from bot.cli import console
from bot.cli.asking import prepare
from bot.cli.out_files import see_writable
from bot.governance.changes import Target
from bot.quality.evaluation import EvaluationReport, ReportRow, Standing, Trial
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.candidates import differences
from bot.services.content_checks import checked
from bot.services.contents import PINNED_KINDS, Content
from bot.services.replaying import Replay
from bot.services.staging import NoCandidate
from bot.services.targets import Targets
from bot.settings_reading import read_settings
from bot.slack import evaluation_text as words
from bot.slack.blocks import asked_text
from bot.slack.refusals_terminal import sentence
from bot.slack.text import dollars, elapsed

T = TypeVar("T")

FAILING, UNUSABLE = 1, 2
"""Exit codes: a case fails; the evaluation could not be carried out as asked."""

SAID: dict[Standing, str] = {
    Standing.PASSED: "pass",
    Standing.FAILED: "FAIL",
    Standing.UNJUDGED: "not judged",
    Standing.SKIPPED: "skipped",
    Standing.NOT_RUN: "NOT RUN",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to evaluate, as it was typed."""

    workflow: str
    label: str
    """Empty for production, or the candidate of a workflow that is not in production yet."""
    contents: tuple[Content, ...]
    target: Path | None


def evaluate(
    workflow: Annotated[str, typer.Argument(help="Name of the workflow, e.g. ask-policy.")],
    label: Annotated[
        str, typer.Option(help="`candidate` compares what a pilot tries out with production.")
    ] = "",
    with_: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="KIND:NAME=FILE",
            help="Compare with a content nobody released, e.g. prompt:ask-policy.answer=FILE. Repeatable.",
        ),
    ] = None,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the report there too; `-` for here.")
    ] = None,
) -> None:
    """Try the golden cases of a workflow: 0 when all pass, 1 when some fail, 2 when it cannot be done."""
    wanted = Wanted(workflow, _label(label), tuple(map(_content, with_ or [])), json_)
    report = _carried_out(lambda product: _evaluate(product, wanted))
    if wanted.target is not None:
        _write(wanted.target, report)
    if str(wanted.target) != "-":
        show(report)
    if is_bad(report):
        raise typer.Exit(FAILING)


def replay(run: Annotated[str, typer.Argument(help="Id of the run, `r_…`.")]) -> None:
    """Ask a run's question again with today's versions and show both answers; nothing is kept."""
    show_replay(_carried_out(lambda product: product.replays.replay(Actor(OPERATOR), run.strip())))


def _carried_out(work: Callable[[Product], Awaitable[T]]) -> T:
    """What the work gives; anything that goes wrong is said, and ends the command with 2."""

    async def whole() -> T:
        product = build(read_settings())
        try:
            return await work(product)
        finally:
            await product.close()

    try:
        return asyncio.run(whole())
    except typer.Exit:
        raise
    except Exception as error:
        console.refuse(error)
        raise typer.Exit(UNUSABLE) from None


async def _evaluate(product: Product, wanted: Wanted) -> EvaluationReport:
    see_writable(wanted.target if str(wanted.target) != "-" else None)
    await prepare(product)
    label = wanted.label or (await product.catalogue.find(wanted.workflow)).label
    contents = await product.store.read(lambda connection: _checked(connection, product, wanted, label))
    with console.progress_bar(f"Trying the cases of {wanted.workflow}") as follow:
        return await product.evaluations.compare(
            wanted.workflow,
            contents,
            by=OPERATOR,
            subject="terminal",
            label=label,
            on_progress=lambda done, total: follow(done, total, ""),
        )


def _checked(connection: Connection, product: Product, wanted: Wanted, label: str) -> list[Content]:
    """The contents as they would be kept.

    Raises InvalidContent, UnknownTarget, UnknownWorkflow, and NoCandidate where one is to be compared.
    """
    targets = Targets(product.catalogue, product.access, product.holdings, product.clock)
    if wanted.label == CANDIDATE and not differences(connection, product.catalogue, wanted.workflow):
        raise NoCandidate(wanted.workflow)
    kept = [
        Content(
            each.kind,
            each.name,
            checked(connection, targets, Target(each.kind, each.name), each.text, label),  # type: ignore[arg-type]  # one of PINNED_KINDS
        )
        for each in wanted.contents
    ]
    pinned = product.catalogue.resolve_with(connection, wanted.workflow, kept, label=label)
    for each in kept:
        targets.find(connection, Target(each.kind, each.name), pinned, label)  # type: ignore[arg-type]  # as above
    return kept


def _label(value: str) -> str:
    if value not in ("", PRODUCTION, CANDIDATE):
        _misused(f"--label should be {PRODUCTION} or {CANDIDATE}, not {value}")
    return value


def _content(said: str) -> Content:
    """`KIND:NAME=FILE` as a content."""
    what, equals, path = said.partition("=")
    kind, colon, name = what.partition(":")
    if not (equals and colon and name and path and kind in PINNED_KINDS):
        _misused(f"--with should be KIND:NAME=FILE with one of {', '.join(PINNED_KINDS)}, not {said}")
    try:
        return Content(kind, name, Path(path).read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        _misused(f"{path}: this is no text; save it as UTF-8")
    except OSError:
        _misused(f"{path}: there is no file that can be read; check the path")


def _misused(why: str) -> NoReturn:
    console.err.print(why, style="red", markup=False)
    raise typer.Exit(UNUSABLE)


def _write(target: Path, report: EvaluationReport) -> None:
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False)
    if str(target) == "-":
        sys.stdout.write(text + "\n")
        return
    try:
        target.write_text(text + "\n", encoding="utf-8")
    except OSError:
        _misused(f"{target}: cannot be written")


def is_bad(report: EvaluationReport) -> bool:
    """Whether CI should stop: something fails that passed before, or at all when there is one side only."""
    failing = report.newly_failing if report.has_two_sides else report.failing
    return bool(failing) or not report.is_complete


def show(report: EvaluationReport) -> None:
    """The report as a table and what follows from it."""
    two = report.has_two_sides
    console.table(
        ("Case", *(("Before", "Now") if two else ("Result",)), "Seconds", "Cost", "Why"),
        [_row(row, two=two) for row in report.rows],
    )
    console.out.print("")
    for sentence_ in _summary(report):
        console.out.print(console.plain(sentence_), markup=False)


def _row(row: ReportRow, *, two: bool) -> tuple[str, ...]:
    name = row.id if row.is_golden else f"voted down: {row.id}"
    before = (SAID[row.old.standing] if row.old else "",) if two else ()
    seconds = f"{row.new.seconds:.1f}" if row.new.was_run else ""
    cost = dollars(row.new.cost_usd) if row.new.was_run else ""
    return (name, *before, SAID[row.new.standing], seconds, cost, _why(row.new))


def _why(trial: Trial) -> str:
    if trial.failure:
        return f"{trial.note} {console.plain(sentence(trial.failure, trial.failed_at))}"
    return console.plain(words.why(trial)) if trial.standing is not Standing.PASSED else ""


def _summary(report: EvaluationReport) -> list[str]:
    slowest = f"{words.SLOWEST} {_seconds(report.p95_new)}"
    before = f" (before: {_seconds(report.p95_old)})" if report.has_two_sides else ""
    said = [report.statement]
    if report.has_two_sides:
        judged = report.passed_old + report.count(Standing.FAILED, "old")
        said.append(f"{report.passed} of {report.judged} pass; before, {report.passed_old} of {judged}.")
    took = f"{slowest}{before}. " if report.p95_new is not None else ""
    said += [words.voted_down(report), *report.notes, f"{took}{words.spent(report)}"]
    return [each for each in said if each]


def _seconds(value: float | None) -> str:
    return words.NOTHING if value is None else elapsed(value)


def show_replay(found: Replay) -> None:
    """Both answers, one below the other, and what has moved."""
    console.out.print(f"{found.old.title}: {asked_text(found.old.inputs)}", style="bold", markup=False)
    for head, answer, failure in (
        (f"Then, v{found.old.version}, {found.old.created_at:%Y-%m-%d}", found.old.answer, found.old.failure),
        (f"Now, v{found.version}", found.new.answer, found.new.result.failure),
    ):
        console.out.print(f"\n{head}", style="bold", markup=False)
        if answer is not None:
            console.out.print(answer.text, markup=False)
        else:
            console.out.print(console.plain(sentence(failure.kind, failure.facts) if failure else ""))
    verdict = words.verdict(same=found.says_the_same, moved=found.moved)
    console.out.print("\n" + console.plain(verdict), markup=False)
