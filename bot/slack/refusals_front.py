"""Sentences of what a workflow's command meets: found without loading those of every room.

A process that cannot keep up says them most, and loading the rooms then would hold it up more.
"""

from collections.abc import Callable, Mapping

from bot.slack import refusals_access, refusals_broken, refusals_operations
from bot.slack.elements import escape

Facts = Mapping[str, str]


def unknown_workflow(facts: Facts, lister: str = "/spanwise list") -> str:
    """No such workflow; `lister` shows those there are."""
    near = facts.get("nearest", "")
    named = f"“{escape(facts['name'])}”" if facts.get("name") else "of that name"
    guess = f" Did you mean `{escape(near)}`?" if near else ""
    return f"There is no workflow {named}.{guess} `{lister}` shows them."


def slack_busy(facts: Facts) -> str:
    """Slack's limits."""
    return f"Slack asks me to slow down. Try again in {escape(facts.get('after_s', 'a few'))} seconds."


def slack_uncertain(_facts: Facts) -> str:
    """No clear answer from Slack."""
    return "Slack did not answer clearly. Look whether it happened; if not, try again."


def person_unknown(_facts: Facts) -> str:
    """users.info did not come."""
    return "Slack did not tell me in time who you are, and I do nothing for strangers. Try again in a moment."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "PersonUnknown": person_unknown,
    "SlackBusy": slack_busy,
    "SlackUncertain": slack_uncertain,
    "UnknownWorkflow": unknown_workflow,
    **refusals_access.SENTENCES,
    **refusals_broken.SENTENCES,
    **refusals_operations.SENTENCES,
}
"""Error class to its sentence."""
