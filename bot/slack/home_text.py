"""Every sentence of the home tab."""

from collections.abc import Iterable, Sequence

from bot.quality.alerts import Standing
from bot.quality.figures import counted, dollars, elapsed, fine_dollars, fine_elapsed, percent, short_count
from bot.quality.tallies import Tally
from bot.services.health_checks import Health
from bot.services.home_page import WEEKS, HomeWorkflow, Operation, OwnedWorkflow, SeenRun
from bot.slack.elements import escape

WAITING, RUN, RECENT = "Waiting for you", "What you can run", "Your recent runs"
OWNED, BUDGETS, OPERATION = "Workflows you answer for", "Budgets", "How Spanwise is doing"
LATELY = f"in the last {WEEKS} weeks"
FEW = 10
"""Runs of which a share says little."""
_VOTES = {"up": "Your vote :thumbsup:", "down": "Your vote :thumbsdown:"}
_PARTS = {
    "database": "database",
    "schema": "schema of the database",
    "index": "document index",
    "model": "models",
    "slack": "Slack",
    "worker": "worker",
    "clock": "clock",
}


def usual(workflow: HomeWorkflow) -> str:
    """What a run costs and how long it takes, from what runs came to lately; empty where none ended."""
    tally = workflow.lately
    parts = [f"You ran it {_times(workflow.mine)}"] if workflow.mine else []
    if tally.cost_per_run is not None:
        parts.append(
            "costs nothing" if not tally.cost_usd else f"about {fine_dollars(tally.cost_per_run)} a run"
        )
    half = tally.durations.percentile(0.5)
    if half is not None:
        parts.append(f"answers in about {fine_elapsed(half)}")
    said = " · ".join(parts)
    return f"{said[:1].upper()}{said[1:]}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def more_to_run(workflows: Iterable[HomeWorkflow]) -> str:
    """Those without a line of their own."""
    names = (f"`/{escape(each.released.name)}` {escape(each.released.title)}" for each in workflows)
    return "*And also* " + " · ".join(names)


def cut(count: int) -> str:
    """More than there is room for."""
    return f"and {counted(count, 'more', 'more')}: `/spanwise list` shows all."


def vote(run: SeenRun) -> str:
    """What the person said of a run, on a line below it."""
    return f"\n{_VOTES[run.vote]}" if run.vote else ""


def voted_down(workflows: Sequence[OwnedWorkflow]) -> str:
    """Bad answers that wait for this owner."""
    count = sum(each.waiting for each in workflows)
    where = ", ".join(f"*{escape(each.title)}* {each.waiting}" for each in workflows[:5])
    many = f" and {len(workflows) - 5} other workflows" if len(workflows) > 5 else ""
    return (
        f":thumbsdown: {counted(count, 'answer')} voted down {'waits' if count == 1 else 'wait'} "
        f"for a decision: {where}{many}."
    )


def more_approvals(count: int) -> str:
    """Changes without a line of their own."""
    return f"{counted(count, 'more change', 'more changes')} to approve: `/spanwise changes`"


def owned(workflow: OwnedWorkflow) -> str:
    """A workflow in one line for whoever answers for it."""
    now, title = workflow.now, f"*{escape(workflow.title)}*"
    if not now.runs:
        return f"{title} did not run {LATELY}"
    parts = [f"{counted(now.runs, 'run')}{_moved(now.runs, workflow.before.runs)}"]
    parts.append(f"{percent(now.answered / now.runs) if now.runs >= FEW else now.answered} answered")
    if now.failed:
        parts.append(f"{now.failed:,} failed")
    parts += _quality(now)
    parts.append(f"{dollars(now.cost_usd)}{_moved(float(now.cost_usd), float(workflow.before.cost_usd))}")
    return f"{title}\n{' · '.join(parts)}"


def _quality(tally: Tally) -> Iterable[str]:
    satisfaction = tally.satisfaction
    if satisfaction is not None:
        votes = counted(tally.votes_up + tally.votes_down, "vote")
        yield f"{percent(satisfaction.share)} of {votes} up"
    half = tally.durations.percentile(0.5)
    if half is not None:
        yield f"half within {fine_elapsed(half)}"


def _moved(now: float, before: float) -> str:
    """How much more or less than in the weeks before, in brackets; empty where that says nothing."""
    if not before or abs(now - before) / before < 0.005:
        return ""
    if now > 10 * before:
        return " (over 10 times as much)"
    sign = "+" if now > before else "−"
    return f" ({sign}{abs(now - before) / before * 100:.0f} %)"


def others_owned(workflows: Sequence[OwnedWorkflow]) -> str:
    """Those without a line of their own, as one."""
    runs = sum(each.now.runs for each in workflows)
    spent = sum((each.now.cost_usd for each in workflows), start=workflows[0].now.cost_usd * 0)
    return f"{counted(len(workflows), 'more workflow')}: {counted(runs, 'run')}, {dollars(spent)}"


def about_numbers() -> str:
    """Below the numbers."""
    return (
        f"The last {WEEKS} weeks, beside the {WEEKS} weeks before. "
        "`/spanwise digest` brings each week to you, `/spanwise runs` shows each run."
    )


def health(operation: Operation) -> str:
    """Whether everything answers."""
    down = {name: part for name, part in operation.health.parts.items() if part.state == "down"}
    if not down:
        return f":white_check_mark: All parts answer: {_named(operation.health)}."
    rows = [
        f":rotating_light: The {_PARTS.get(name, escape(name))} does not answer"
        f"{f': {escape(part.detail)}' if part.detail else ''}."
        for name, part in down.items()
    ]
    return "\n".join(rows)


def _named(found: Health) -> str:
    return ", ".join(_PARTS.get(name, name) for name, part in found.parts.items() if part.state == "up")


def backlog(operation: Operation) -> str:
    """What waits."""
    waits = operation.backlog
    queue = f"{short_count(waits.queued)} waiting{_oldest(waits.queued, waits.queue_age_s)}"
    unsent = f"{short_count(waits.unsent)} to send{_oldest(waits.unsent, waits.unsent_age_s)}"
    workers = counted(waits.workers, "worker")
    return f"*Runs* {queue}, {short_count(waits.running)} under way · *Messages* {unsent} · {workers} heard"


def _oldest(count: int, age_s: float) -> str:
    return f" (the oldest for {elapsed(age_s)})" if count else ""


def alerts(standing: Sequence[Standing]) -> str:
    """Alerts that are not over."""
    named = ", ".join(dict.fromkeys(escape(each.rule.value) for each in standing))
    return f":warning: {counted(len(standing), 'alert')} not over yet: {named}."


def more_budgets(count: int) -> str:
    """Limits without a line of their own."""
    return f"{counted(count, 'more limit')}: `/spanwise budget`"
