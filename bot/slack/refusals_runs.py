"""The sentences of errors around the run log and its retention."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape, one_line

Facts = Mapping[str, str]

_WHAT = {"state": "states", "person": "people", "vote": "votes", "workflow": "workflows", "text": "texts"}


def unknown_filter(facts: Facts) -> str:
    """A word that filters nothing."""
    near = facts.get("nearest", "")
    guess = f" Did you mean `{escape(near)}`?" if near else ""
    return (
        f"I cannot find runs by “{one_line(facts.get('word', ''), 60)}”.{guess} Name a workflow, mention a "
        "person, or say "
        '`failed`, `abstained`, `open`, `up`, `down`, `"words"`, `since last week`.'
    )


def not_a_period(facts: Facts) -> str:
    """After `since` or `until`."""
    said = one_line(facts.get("value", ""), 60)
    return f"“{said}” is no time. Write `since 2026-11-01`, `since last week` or `since 7 days`."


def filtered_twice(facts: Facts) -> str:
    """Two values for one thing."""
    what = _WHAT.get(facts.get("what", ""), "values")
    first, second = (one_line(facts.get(name, ""), 60) for name in ("first", "second"))
    return f"I can look for one of these at a time, not for two {what}: “{first}” and “{second}”."


def empty_span(facts: Facts) -> str:
    """The end before the beginning."""
    since, until = escape(facts.get("since", "")), escape(facts.get("until", ""))
    return f"That time ends ({until} UTC) before it begins ({since} UTC). Put the earlier one after `since`."


def too_many(facts: Facts) -> str:
    """More than one file in Slack takes."""
    return (
        f"That is more than {escape(facts.get('most', ''))} runs, the most for one file here. Ask for less, "
        "as in `since last month`, or have an operator run `python -m bot runs --format csv --out runs.csv`."
    )


def invalid_keeping(facts: Facts) -> str:
    """Not a time to keep something for."""
    most = escape(facts.get("most", ""))
    return (
        f"“{one_line(facts.get('typed', ''), 60)}” is no time to keep something for. Write `90 days`, "
        f"`3 months`, `for ever` or `default`; the most is {most} days."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "UnknownFilter": unknown_filter,
    "NotAPeriod": not_a_period,
    "FilteredTwice": filtered_twice,
    "EmptySpan": empty_span,
    "TooManyRuns": too_many,
    "InvalidKeeping": invalid_keeping,
}
"""Error class to its sentence."""
