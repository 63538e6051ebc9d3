"""The sentences of errors around questions that a person is asked."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bot.slack.elements import escape, mention

Facts: TypeAlias = Mapping[str, str]


def nothing_to_ask(_facts: Facts) -> str:
    """It has an answer."""
    return "That run has an answer, so there is nothing to hand on. If it is wrong, vote it down and say why."


def not_their_question(facts: Facts) -> str:
    """Asked by somebody else."""
    return (
        f"{mention(facts.get('ask', ''))} asked this, so only they can hand it to a person. "
        "Ask it yourself to hand on your own question."
    )


def nobody_to_ask(facts: Facts) -> str:
    """No owner but oneself."""
    workflow = escape(facts.get("workflow", ""))
    return (
        f"Nobody but you answers for `{workflow}` or a page near your question. "
        "Give the workflow an owner, and the next question finds them."
    )


def replied_already(facts: Facts) -> str:
    """Somebody was quicker."""
    who = facts.get("ask", "")
    by = f" by {mention(who)}" if who else ""
    done = "declined" if facts.get("status") == "declined" else "answered"
    return f"That question is {done} already{by}; the person who asked was told."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NobodyToAsk": nobody_to_ask,
    "NotTheirQuestion": not_their_question,
    "NothingToAsk": nothing_to_ask,
    "RepliedAlready": replied_already,
}
"""Error class to its sentence."""
