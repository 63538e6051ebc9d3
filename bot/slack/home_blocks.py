"""The home tab as blocks: one view, always within Slack's hundred. Pure."""

from collections.abc import Iterator, Sequence

from bot.quality.chart_words import is_empty
from bot.services.budgeting import BudgetView
from bot.services.change_views import ChangeView
from bot.services.home_page import HomePage, HomeWorkflow, Operation, SeenRun
from bot.slack import budget_text, change_text, text
from bot.slack import elements as el
from bot.slack import home_text as words
from bot.slack.blocks import CANCEL, EXPLAIN, START, run_line, usage
from bot.slack.change_blocks import decisions
from bot.slack.digest_charts import NO_FILES, Files, chart_blocks
from bot.slack.richtext import Block
from bot.slack.triage_cards import OPEN

APPROVALS, WORKFLOWS, OWNED, BUDGETS, ALSO = 5, 10, 12, 8, 40
"""Lines of each part; what is over is counted, or named in one paragraph."""
EXAMPLES = 1
PARAGRAPH = 2900
"""Characters; Slack takes 3000."""


def home_view(name: str, page: HomePage, files: Files = NO_FILES, *, is_admin: bool = False) -> Block:
    """The home tab of one person."""
    blocks = [
        el.section(f"*{text.greeting(name)}*\n{text.what_i_am()}"),
        el.context(text.how_to_ask()),
        *_waiting(page),
        *_workflows(page.workflows),
        *_recent(page.recent),
        *_owned(page, files),
        *_budgets(page.budgets),
        *(_operation(page.operation) if page.operation is not None else ()),
        *([el.context(text.admin_hints())] if is_admin else []),
    ]
    return {"type": "home", "blocks": blocks}


def _waiting(page: HomePage) -> Iterator[Block]:
    complained = [each for each in page.owned if each.waiting]
    if not page.approvals and not complained:
        return
    yield el.header(words.WAITING)
    for change in page.approvals[:APPROVALS]:
        yield from _approval(change)
    if len(page.approvals) > APPROVALS:
        yield el.context(words.more_approvals(len(page.approvals) - APPROVALS))
    if complained:
        value = complained[0].name if len(complained) == 1 else "*"
        button = el.button("Decide", OPEN, value, style="primary", about="Decide about answers voted down")
        yield el.section(words.voted_down(complained), button)


def _approval(change: ChangeView) -> Iterator[Block]:
    yield el.section(change_text.line(change))
    yield from decisions(change)


def _workflows(workflows: Sequence[HomeWorkflow]) -> Iterator[Block]:
    yield el.header(words.RUN)
    if not workflows:
        yield el.section(text.nothing_to_run(()))
    for each in workflows[:WORKFLOWS]:
        yield from _workflow(each)
    rest = workflows[WORKFLOWS:]
    named = _that_fit(rest)
    if named:
        yield el.section(words.more_to_run(named))
    if len(rest) > len(named):
        yield el.context(words.cut(len(rest) - len(named)))


def _that_fit(rest: Sequence[HomeWorkflow]) -> Sequence[HomeWorkflow]:
    """As many of them as one paragraph can name."""
    count = min(len(rest), ALSO)
    while count and len(words.more_to_run(rest[:count])) > PARAGRAPH:
        count -= 1
    return rest[:count]


def _workflow(workflow: HomeWorkflow) -> Iterator[Block]:
    item = workflow.released
    examples = "".join(f"\n_{el.escape(example)}_" for example in item.examples[:EXAMPLES])
    yield el.section(
        f"*{el.escape(item.title)}* `{el.escape(usage(item))}`\n{el.escape(item.purpose)}{examples}",
        el.button("Run", START, item.name, about=f"Run {item.title}"),
    )
    usual = words.usual(workflow)
    if usual:
        yield el.context(usual)


def _recent(runs: Sequence[SeenRun]) -> Iterator[Block]:
    yield el.header(words.RECENT)
    if not runs:
        yield el.section(text.no_runs())
    for run in runs:
        yield el.section(f"{run_line(run.view)}{words.vote(run)}", _run_button(run))


def _run_button(run: SeenRun) -> Block:
    view = run.view
    if view.finished_at is None:
        return el.button("Cancel", CANCEL, view.id, about=f"Cancel {view.title}")
    return el.button("Explain", EXPLAIN, view.id, about="How this answer came about")


def _owned(page: HomePage, files: Files) -> Iterator[Block]:
    if not page.owned:
        return
    yield el.header(words.OWNED)
    shown, rest = page.owned[:OWNED], page.owned[OWNED:]
    yield from _paragraphs([*map(words.owned, shown), *([words.others_owned(rest)] if rest else [])])
    if page.chart is not None and not is_empty(page.chart):
        yield from chart_blocks([page.chart], files)
    yield el.context(words.about_numbers())


def _paragraphs(lines: Sequence[str]) -> Iterator[Block]:
    """Lines in as few sections as hold them."""
    held = ""
    for line in lines:
        if held and len(held) + len(line) + 1 > PARAGRAPH:
            yield el.section(held)
            held = ""
        held = f"{held}\n{line}" if held else line
    yield el.section(held)


def _budgets(views: Sequence[BudgetView]) -> Iterator[Block]:
    if not views:
        return
    yield el.header(words.BUDGETS)
    ranked = sorted(views, key=lambda view: not view.is_low)
    for view in ranked[:BUDGETS]:
        heading = budget_text.heading(view.budget.scope)
        yield el.section(f"{heading}\n{budget_text.limit_line(view)}")
    if len(ranked) > BUDGETS:
        yield el.context(words.more_budgets(len(ranked) - BUDGETS))


def _operation(operation: Operation) -> Iterator[Block]:
    yield el.header(words.OPERATION)
    if operation.alerts:
        yield el.section(words.alerts(operation.alerts))
    yield el.section(words.health(operation))
    yield el.context(words.backlog(operation))
