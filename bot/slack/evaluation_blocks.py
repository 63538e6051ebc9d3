"""Evaluations, golden cases and replays as blocks: pure functions of values."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.quality.evaluation import EvaluationReport, ReportRow, Standing
from bot.services.evaluation_requests import EvaluationView
from bot.services.golden_cases import KeptCase
from bot.services.outbox_items import OutboxItem
from bot.services.replaying import Replay
from bot.slack import elements as el
from bot.slack import evaluation_text as words
from bot.slack.blocks import asked_text, notice
from bot.slack.elements import Outgoing
from bot.slack.refusals import sentence
from bot.slack.richtext import Block
from bot.slack.text import dollars, elapsed, quote
from workflows.run import Answer, Failure

STOP, SHOW, RETIRE = "evaluation-stop", "evaluation-show", "case-retire"
"""Action ids, noun-verb."""

PAGE = 20
"""Cases in one list; Slack takes 50 blocks in a message."""
DETAIL_ROWS = 40
"""Cases in the modal; Slack takes 100 blocks in a view."""
ANSWER_CHARACTERS = 1500
"""Slack takes 2000 in one field of a section, escaped."""


def evaluation_message(view: EvaluationView) -> Outgoing:
    """The one message of an evaluation, as it stands."""
    asker = frozenset({view.asked_by})
    if view.status in ("queued", "running"):
        said = words.running(view) if view.status == "running" else words.waiting(view)
        stop = el.button(words.STOP, STOP, view.id, about=f"Stop trying the cases of {view.title}")
        return Outgoing(said, (el.section(said), el.actions(stop), el.context(words.who(view))), asker)
    if view.status == "stopped":
        return Outgoing(words.stopped(view), (el.section(words.stopped(view)),), asker)
    if view.report is None:
        failure = view.failure
        why = sentence(failure.kind, failure.facts) if failure else ""
        said = words.failed(view, why, failure.token if failure else "")
        return Outgoing(said, (el.section(said), el.context(words.who(view))), asker)
    show = el.button(words.SHOW, SHOW, view.id, about=f"Every case of {view.title}")
    blocks = (
        *evaluation_blocks(view.report, title=view.title),
        el.actions(show),
        el.context(words.who(view)),
    )
    return Outgoing(words.heading(view.report, view.title), blocks, asker)


def evaluation_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """As `evaluation_message`, from the outbox."""
    if isinstance(item.about, EvaluationView):
        return evaluation_message(item.about)
    return notice(words.GONE)


def evaluation_blocks(report: EvaluationReport, *, title: str = "", in_modal: bool = False) -> list[Block]:
    """The result: what passes, the table, what got worse or better, and how much that means.

    Tables stand in messages only; in a modal the same figures are lines.
    """
    blocks = [el.section(words.heading(report, title or report.workflow))]
    if report.rows:
        figures = _figures(report)
        blocks += [_lines(figures) if in_modal else _table(figures)]
    still = [row for row in report.failing if not row.is_newly_failing]
    for heading, rows in (
        (words.WORSE, report.newly_failing),
        (words.BETTER, report.newly_passing),
        ("Failing" if not report.has_two_sides else "Failing as before", still),
    ):
        if rows:
            blocks.append(el.section(words.listed(heading, rows)))
    said = [words.voted_down(report), *report.notes, words.spent(report)]
    if report.has_two_sides:
        said.insert(0, report.statement)
    blocks.append(el.context(*(el.escape(each) for each in said if each)))
    return blocks


def _figures(report: EvaluationReport) -> list[tuple[str, str, str]]:
    """Rows of the table; the middle column is empty when there is one side."""
    two = report.has_two_sides
    judged_old = report.passed_old + report.count(Standing.FAILED, "old")
    rows = [
        (
            words.PASSING,
            f"{report.passed_old} of {judged_old}" if two else "",
            f"{report.passed} of {report.judged}",
        )
    ]
    if two:
        rows += [
            (words.WORSE, words.NOTHING, str(len(report.newly_failing))),
            (words.BETTER, words.NOTHING, str(len(report.newly_passing))),
        ]
    cost_old = dollars(report.cost_old) if two else ""
    rows.append((words.COST, cost_old, dollars(report.cost_new)))
    rows.append((words.SLOWEST, _seconds(report.p95_old) if two else "", _seconds(report.p95_new)))
    return rows


def _seconds(value: float | None) -> str:
    return words.NOTHING if value is None else elapsed(value)


def _table(figures: Sequence[tuple[str, str, str]]) -> Block:
    has_two = any(old for _, old, _ in figures)
    heads = ("What", words.BEFORE, words.NOW) if has_two else ("What", words.NOW)
    rows = [row if has_two else (row[0], row[2]) for row in figures]
    cells = [[{"type": "raw_text", "text": cell} for cell in row] for row in (heads, *rows)]
    settings = [{"align": "left"}, *({"align": "right"} for _ in heads[1:])]
    return {"type": "table", "rows": cells, "column_settings": settings}


def _lines(figures: Sequence[tuple[str, str, str]]) -> Block:
    lines = [
        f"{name}: *{new}*" + (f" (before: {old})" if old and old != words.NOTHING else "")
        for name, old, new in figures
    ]
    return el.section("\n".join(lines))


def details_view(report: EvaluationReport, title: str) -> Block:
    """A modal with every case, those that fail first."""
    order = sorted(report.rows, key=_weight)
    shown = order[:DETAIL_ROWS]
    blocks = evaluation_blocks(report, title=title, in_modal=True)
    blocks.append(el.divider())
    for row in shown:
        blocks += _row(row)
    if len(order) > len(shown):
        blocks.append(el.context(words.not_all(len(shown), len(order))))
    return el.modal(words.DETAILS_TITLE, blocks)


def _weight(row: ReportRow) -> int:
    order = (Standing.FAILED, Standing.NOT_RUN, Standing.UNJUDGED, Standing.SKIPPED, Standing.PASSED)
    return 0 if row.is_newly_failing else 1 + order.index(row.new.standing)


def _row(row: ReportRow) -> list[Block]:
    parts = [words.row_line(row), words.reasons(row.new)]
    if row.old is not None and row.old.standing is not row.new.standing:
        parts.append(f"_before_: {words.reasons(row.old)}")
    blocks = [el.section(el.shorten("\n".join(parts), 2900))]
    shown = words.answers(row)
    return [*blocks, el.context(shown)] if shown else blocks


def cases_message(workflow: str, title: str, kept: Sequence[KeptCase], page: int = 1) -> Outgoing:
    """The cases of a workflow, a page at a time, each with Retire."""
    if not kept:
        return notice(words.no_cases(title))
    pages = -(-len(kept) // PAGE)
    page = max(1, min(page, pages))
    heading = words.cases_heading(title, len(kept), page, pages)
    rows = [_case(workflow, each) for each in kept[(page - 1) * PAGE : page * PAGE]]
    more = [el.context(words.next_page(workflow, page + 1))] if page < pages else []
    authors = frozenset(each.author for each in kept if each.author)
    return Outgoing(heading, (el.section(heading), *rows, *more), authors)


def _case(workflow: str, kept: KeptCase) -> Block:
    case = kept.case
    line = words.case_line(
        case.id, asked_text(case.inputs), words.expected(case.expect.as_json()), kept.author, case.why
    )
    value = json.dumps({"w": workflow, "k": case.id})
    retire = el.confirming(
        el.button(words.RETIRE, RETIRE, value, about=f"Retire the case {case.id}"),
        title="Retire this case?",
        text="Changes are no longer tried on it. It stays on record.",
        yes="Retire",
        no="Keep",
    )
    return el.section(line, retire)


def replay_message(replay: Replay, now: datetime) -> Outgoing:
    """The old and the new answer beside each other."""
    old, new = replay.old, replay.new
    fields = [
        f"{words.then(old.version, el.moment(old.created_at))}\n{_said(old.answer, old.failure)}",
        f"{words.today(replay.version)}\n{_said(new.answer, new.result.failure)}",
    ]
    said = words.verdict(same=replay.says_the_same, moved=replay.moved)
    blocks = (
        el.section(f"*{el.escape(old.title)}*\n{quote(asked_text(old.inputs), 300)}"),
        {"type": "section", "fields": [el.mrkdwn(el.shorten(field, 2000)) for field in fields]},
        el.section(said),
        el.context(words.nothing_kept(dollars(new.tally.cost_usd), new.seconds)),
    )
    return Outgoing(f"{old.title}: {said}", blocks)


def _said(answer: Answer | None, failure: Failure | None) -> str:
    if answer is not None:
        return el.escape(el.shorten(answer.text.replace("**", ""), ANSWER_CHARACTERS))
    return words.no_answer(sentence(failure.kind, failure.facts) if failure else "")
