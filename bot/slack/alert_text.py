"""Every sentence of an alert: what is wrong, against which limit, and what to do next."""

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeAlias

from bot.quality.alerts import AlertRule, Standing
from bot.slack.budget_text import spent_money
from bot.slack.elements import escape, mention, moment
from bot.slack.refusals import is_known, sentence

Facts: TypeAlias = Mapping[str, Any]

TAKE = "I am on it"


def heading(alert: Standing) -> str:
    """What is wrong, in a few words."""
    if alert.rule is AlertRule.DOWN:
        return _PARTS.get(alert.scope, f"A part does not answer: {escape(alert.scope)}")
    whose = f"`/{escape(alert.scope)}`" if alert.scope else ""
    return {
        AlertRule.ERRORS: f"{whose} fails too often" if whose else "Runs fail too often",
        AlertRule.LATENCY: f"{whose} is slow",
        AlertRule.COST: "Spending is high",
        AlertRule.QUEUE: "Runs wait too long for a worker",
        AlertRule.ABSTAINED: f"{whose} often finds no answer",
    }[alert.rule]


def opening(alert: Standing) -> str:
    """The first line of a new alert."""
    return f":warning: *{heading(alert)}*"


def reminder(alert: Standing, at: datetime) -> str:
    """The first line when it still stands."""
    return f":warning: *Still: {heading(alert)}*, for {lasted(alert.raised_at, at)} now"


def figures(alert: Standing, facts: Facts) -> str:
    """The numbers, with the limit beside them."""
    return _FIGURES[alert.rule](facts)


def _errors(facts: Facts) -> str:
    return (
        f"{facts.get('failed', 0)} of {_runs(facts.get('runs', 0))} failed in the last {_window(facts)} "
        f"({facts['value']:.0f} %; the limit is {facts['limit']:g} %)."
    )


def _latency(facts: Facts) -> str:
    return (
        f"One answer in twenty took longer than {seconds(facts['value'])}, half of them longer than "
        f"{seconds(facts.get('median') or 0)}: {facts.get('runs', 0)} answers in the last {_window(facts)} "
        f"(the limit is {seconds(facts['limit'])})."
    )


def _cost(facts: Facts) -> str:
    calls = facts.get("calls", 0)
    return (
        f"{_dollars(facts['value'])} in the last hour, in {calls} call{'' if calls == 1 else 's'} to models "
        f"(the limit is {_dollars(facts['limit'])})."
    )


def _queue(facts: Facts) -> str:
    queued = facts.get("queued", 0)
    return (
        f"{_runs(queued)} {'waits' if queued == 1 else 'wait'}, the oldest for {seconds(facts['value'])} "
        f"(the limit is {seconds(facts['limit'])})."
    )


def _abstained(facts: Facts) -> str:
    return (
        f"It said that it does not know in {facts.get('unknown', 0)} of {facts.get('runs', 0)} answers "
        f"of the last {_window(facts)} ({facts['value']:.0f} %; the limit is {facts['limit']:g} %)."
    )


_PARTS = {"index": "The document index is down", "slack": "Slack could not be reached"}


def _down(facts: Facts) -> str:
    said = str(facts.get("said", "") or "it does not answer")
    return f"{escape(said[0].upper() + said[1:])}, for {seconds(facts['value'])} now."


_FIGURES: Mapping[AlertRule, Callable[[Facts], str]] = {
    AlertRule.ERRORS: _errors,
    AlertRule.LATENCY: _latency,
    AlertRule.COST: _cost,
    AlertRule.QUEUE: _queue,
    AlertRule.ABSTAINED: _abstained,
    AlertRule.DOWN: _down,
}


def details(alert: Standing, facts: Facts) -> tuple[str, ...]:
    """Where it comes from, as far as that is known."""
    if alert.rule is AlertRule.ERRORS:
        worst = [
            f"`/{escape(str(name))}` {failed} of {runs}" for name, failed, runs in facts.get("worst", ())
        ]
        named = (f"Most of them: {', '.join(worst)}.",) if worst else ()
        return (*named, *(_kind(str(kind), count) for kind, count in facts.get("kinds", ())))
    if alert.rule is AlertRule.COST and facts.get("dearest"):
        bills = [f"`/{escape(str(name))}` {_dollars(dollars)}" for name, dollars in facts["dearest"]]
        return (f"Most of it: {', '.join(bills)}.",)
    if alert.rule is AlertRule.QUEUE:
        return (_workers(int(facts.get("workers", 0)), int(facts.get("running", 0))),)
    return ()


def _kind(kind: str, count: int) -> str:
    times = "once" if count == 1 else f"{count} times"
    if not is_known(kind):
        return f"{times[0].upper()}{times[1:]} with an error that the log names with its incident token."
    return f"{times[0].upper()}{times[1:]} people were told: “{sentence(kind, {})}”"


def _workers(workers: int, running: int) -> str:
    if not workers:
        return "No worker was heard lately."
    heard = "One worker is" if workers == 1 else f"{workers} workers are"
    return f"{heard} there, with {_runs(running)} in hand."


def what_next(alert: Standing, facts: Facts) -> str:
    """What whoever reads it can do."""
    if alert.rule is AlertRule.DOWN:
        return escape(str(facts.get("next", "") or "`python -m bot doctor` checks every part."))
    scope = escape(alert.scope)
    filters = f"{scope} failed" if scope else "failed"
    queue = (
        "Have a look at the workers; another one, or a higher `SPANWISE_CONCURRENCY`, takes more at a time."
        if facts.get("workers")
        else "Start one: `python -m bot worker`. What was asked is kept and will be answered."
    )
    return {
        AlertRule.ERRORS: f"`/spanwise runs {filters}` lists them; `python -m bot doctor` checks every part.",
        AlertRule.LATENCY: f"`/spanwise runs {scope}` lists them, each with the time of its steps.",
        AlertRule.COST: "`/spanwise budget` shows what is spent and sets limits.",
        AlertRule.QUEUE: queue,
        AlertRule.ABSTAINED: f"`/spanwise runs {scope} abstained` lists what was asked. "
        "Its documents may lack something; `/spanwise digest now` shows what.",
    }[alert.rule]


def taken(person: str) -> str:
    """Under an alert that somebody sees to."""
    return f"{mention(person)} is on it; nobody is reminded any more."


def over(alert: Standing, facts: Facts, at: datetime) -> str:
    """All-clear."""
    how_long = f"It lasted {lasted(alert.raised_at, at)}."
    if facts.get("move") == "close":
        return (
            f":grey_question: *Closed: {heading(alert)}*\nThere was too little to judge by for a day, "
            "or it is watched no more. Whether it is over I cannot say."
        )
    now = f" {_now(alert, facts)}" if "value" in facts else ""
    return f":white_check_mark: *Over: {heading(alert)}*\n{how_long}{now}"


def _now(alert: Standing, facts: Facts) -> str:
    if alert.rule is AlertRule.QUEUE and not facts.get("queued"):
        return "Nothing waits any more."
    if alert.rule is AlertRule.DOWN:
        return "It answers again."
    said = figures(alert, facts)
    return f"Now: {said[0].lower()}{said[1:]}"


def closed(cleared_at: datetime) -> str:
    """In place of the button, once it is over."""
    return f":white_check_mark: Over since {moment(cleared_at)}."


def moved(channel: str) -> str:
    """To an admin, where the channel takes nothing."""
    return (
        f"You get this because I cannot post in <#{channel}>: it is archived, or I am not in it. "
        "Invite me, or set `SPANWISE_ALERT_CHANNEL` to another channel."
    )


def you_took(alert: Standing) -> str:
    """To whoever pressed the button."""
    return f"Noted: you are on it ({heading(alert)}). I say so in the message, and when it is over."


def lasted(since: datetime, until: datetime) -> str:
    """A stretch of time in words."""
    return seconds((until - since).total_seconds())


def seconds(count: float) -> str:
    """Seconds, minutes or hours, whichever reads best."""
    if count < 90:
        return f"{count:.3g} s" if count < 10 else f"{count:.0f} s"
    if count < 90 * 60:
        return f"{count / 60:.0f} min"
    return f"{count / 3600:.0f} hours" if count < 48 * 3600 else f"{count / 86400:.0f} days"


def _runs(count: int) -> str:
    return f"{count} run{'' if count == 1 else 's'}"


def _window(facts: Facts) -> str:
    minutes = facts.get("minutes", 60)
    return f"{minutes:g} minutes" if minutes < 120 else f"{minutes / 60:g} hours"


def _dollars(amount: float | str) -> str:
    return spent_money(Decimal(str(amount)))


def database_down(said: str, what_to_do: str) -> str:
    """To admins, past the outbox."""
    return (
        f":rotating_light: *The database takes nothing new: {escape(said)}*\n"
        "I refuse new requests until it does; what I took before is kept and will be answered.\n"
        f"{escape(what_to_do)}"
    )


def database_back(since: datetime, at: datetime) -> str:
    """All-clear, past the outbox."""
    return (
        ":white_check_mark: *Over: the database takes requests again*\n"
        f"It lasted {lasted(since, at)}. What was taken before goes on by itself."
    )
