"""The sentences of the run log."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from bot.governance.run_filter import RunFilter
from bot.services.complaints import CORRECTION, REASON, VOTE
from bot.services.run_history import RunLine, RunOpened, RunPage
from bot.slack.budget_text import cost
from bot.slack.elements import escape, is_person, moment, one_line
from bot.slack.explain_text import Names, who
from bot.slack.feedback_text import REASONS
from bot.slack.state_text import state_words
from bot.slack.text import elapsed, on_candidate, quote

TITLE = "Run"
OPEN, NEWER, OLDER = "Open", "Newer", "Older"
AS_CSV, AS_JSONL = "Export CSV", "Export JSONL"
ASKED, ANSWERED, SAID = "Asked", "The answer", "What people said"

AT_ONCE = timedelta(seconds=0.1)
"""A wait that nobody notices."""
PEOPLE = 10
"""Whose words on a run are shown."""

_WANTED: Mapping[str, str] = {
    "answered": "answered",
    "abstained": "without an answer",
    "escalated": "handed to a person",
    "failed": "failed",
    "cancelled": "cancelled",
    "queued": "waiting for their turn",
    "running": "running",
    "waiting": "waiting for a person",
    "open": "not yet ended",
}
_SURFACES: Mapping[str, str] = {
    "command": "by slash command",
    "mention": "by mention",
    "dm": "in a direct message",
    "thread": "in a thread",
    "shortcut": "from a message's menu",
    "terminal": "at the terminal",
    "schedule": "by schedule",
    "api": "through the API",
}


def wanted_words(wanted: RunFilter, names: Names) -> str:
    """A filter as the end of a sentence; empty for everything."""
    parts = [
        f"of `/{escape(wanted.workflow)}`" if wanted.workflow else "",
        f"by {who(wanted.person, names)}" if wanted.person else "",
        _WANTED.get(wanted.state, ""),
        f"with a thumbs-{wanted.vote}" if wanted.vote else "",
        f"with “{one_line(wanted.text, 80)}”" if wanted.text else "",
        f"since {moment(wanted.since)}" if wanted.since else "",
        f"until {moment(wanted.until)}" if wanted.until else "",
    ]
    return ", ".join(part for part in parts if part)


def page_head(page: RunPage, names: Names) -> str:
    """Above the runs."""
    whose = "Your runs" if page.only_own else "Runs"
    told = wanted_words(replace(page.wanted, person="") if page.only_own else page.wanted, names)
    head = f"*{whose}{' ' if told else ''}{told}*"
    if page.lines:
        return head
    if page.looked_back_to:
        return f"{head}\nNone so far."
    return (
        f"{head}\nThere are none." if told or not page.only_own else f"{head}\nYou have not run anything yet."
    )


def looked_back(to: datetime) -> str:
    """Looking for a text takes long, so it is done in parts."""
    return f"Looked back to {moment(to)}. *{OLDER}* looks further."


def how_to_filter(*, sees_own_only: bool) -> str:
    """Below the runs."""
    person = "" if sees_own_only else "`@person` · "
    return (
        f"Narrow it down: a workflow's name · {person}`failed`, `answered`, `abstained`, `open` · "
        '`up` or `down` · `"words"` · `since last week`, `since 7 days`, `2026-11-01`'
    )


def run_line(line: RunLine, names: Names) -> str:
    """One run in the list."""
    view = line.view
    votes = " ".join(f"{sign} {count}" for sign, count in (("👍", line.up), ("👎", line.down)) if count)
    parts = (
        f"*{escape(view.title)}*{on_candidate(view.label)}",
        state_words(line.ending, view.status),
        who(view.actor.id, names) if is_person(view.actor.id) else escape(view.actor.name or view.actor.id),
        moment(view.created_at),
        taken(view.started_at or view.created_at, view.finished_at),
        cost(view.usage.cost_usd, is_priced=view.is_priced) if view.finished_at else "",
        votes,
    )
    return " · ".join(part for part in parts if part)


def taken(start: datetime, end: datetime | None) -> str:
    """How long it took."""
    return elapsed((end - start).total_seconds()) if end else ""


def deleted_here() -> str:
    """In the place of what was asked."""
    return "_What was asked and answered has been deleted: its time was over._"


def about_line(title: str, run_id: str) -> str:
    """What a screen reader says of the button that opens a run."""
    return f"Open run {run_id} of {title}"


def run_head(opened: RunOpened, names: Names) -> str:
    """At the top of one run."""
    run = opened.explained.base.run
    asked_by = who(run.actor.id, names)
    where = f" in <#{run.origin.channel_id}>" if run.origin.channel_id.startswith(("C", "G")) else ""
    seen = "answered where others read it" if run.origin.visibility == "channel" or run.shared else "private"
    how = _SURFACES.get(run.origin.surface, run.origin.surface)
    return (
        f"*{escape(run.title)}* v{run.version}{on_candidate(run.label)} · "
        f"{state_words(opened.ending, run.status)}\n"
        f"{asked_by} asked {how}{where}, {seen} · run `{run.id}`"
    )


def run_facts(opened: RunOpened) -> Iterable[str]:
    """Times, money and the rule, a field each."""
    run = opened.explained.base.run
    answer = run.answer
    yield f"*Asked*\n{moment(run.created_at)}"
    if run.finished_at:
        start = run.started_at or run.created_at
        waited = (
            f", after {taken(run.created_at, start)} of waiting" if start - run.created_at > AT_ONCE else ""
        )
        yield f"*Ended*\n{moment(run.finished_at)}"
        yield f"*Took*\n{taken(start, run.finished_at)}{waited}"
    yield f"*Cost*\n{cost(run.usage.cost_usd, is_priced=run.is_priced)}"
    yield f"*Tokens*\n{run.usage.input_tokens} in, {run.usage.output_tokens} out"
    if answer and answer.outcome:
        because = f": {one_line(answer.rule, 200)}" if answer.rule else ""
        yield f"*Rule taken*\n`{escape(answer.outcome)}`{because}"
    if answer and answer.model:
        yield f"*Model*\n{escape(answer.model)}"
    if answer and answer.support is not None:
        yield f"*Support in the documents*\n{answer.support:.0%}"


def answer_cut() -> str:
    """Below an answer that is too long for a modal."""
    return "_Cut here; all of it is under *Explain* and in the exported file._"


def asked_line(name: str, value: str, *, is_only: bool) -> str:
    """One input with what was given."""
    said = quote(value, 2500)
    return said if is_only else f"*{escape(name)}*\n{said}"


def said_lines(opened: RunOpened, names: Names) -> Iterable[str]:
    """Votes with their reasons and corrections, a line a person."""
    by_person: dict[str, dict[str, tuple[float, str]]] = {}
    for score in opened.scores:
        person = score.source.partition(":")[2]
        by_person.setdefault(person, {})[score.name] = (score.value, score.reason)
    for person, said in by_person.items():
        if VOTE not in said:
            continue
        thumb = "👍" if said[VOTE][0] > 0 else "👎"
        reason = said.get(REASON, (0.0, ""))[1]
        why = f" · {REASONS[reason]}" if reason in REASONS else ""
        correction = said.get(CORRECTION, (0.0, ""))[1]
        better = f"\n{quote(correction, 1000)}" if correction else ""
        yield f"{thumb} {who(person, names)}{why}{better}"


def exported(count: int) -> str:
    """With the file."""
    return f"{count:,} {'run' if count == 1 else 'runs'}. That you took them is on record.".replace(",", " ")


def no_upload() -> str:
    """Slack does not let us."""
    return (
        "Slack does not let me send files here: the app lacks the scope `files:write`. An operator can write "
        "the file with `python -m bot runs --format csv --out runs.csv`."
    )
