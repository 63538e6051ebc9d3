"""The sentences of errors around votes, triage and fixes."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from bot.quality.complaint import TriageState
from bot.slack.elements import escape, mention

Facts: TypeAlias = Mapping[str, str]

_DECISIONS = {
    TriageState.CASE: "a golden case was added",
    TriageState.PROMPT: "the prompt is being changed",
    TriageState.KNOWLEDGE: "a document was proposed",
    TriageState.DISMISSED: "it is not a problem",
    TriageState.WITHDRAWN: "nobody's vote stands against it any more",
    TriageState.WAITING: "it waits",
}


def unknown_reason(_facts: Facts) -> str:
    """A form of another release."""
    return "That reason is not one I know. Vote once more and choose from the form as it is now."


def already_decided(facts: Facts) -> str:
    """Another owner was quicker."""
    decision = facts.get("decision", "")
    known = TriageState(decision) if decision in set(TriageState) else TriageState.WAITING
    who = facts.get("ask", "")
    by = f" by {mention(who)}" if who else ""
    return f"That answer is decided already{by}: {_DECISIONS[known]}. `/spanwise triage` shows what waits."


def no_prompt(facts: Facts) -> str:
    """Nothing to edit."""
    workflow = escape(facts.get("workflow", ""))
    return (
        f"No step of `{workflow}` asks a model by a prompt, so there is none to fix. "
        f"`/spanwise edit {workflow}` shows what can be changed; the answer still waits."
    )


def nowhere_to_write(facts: Facts) -> str:
    """No collection that this person may edit."""
    read = escape(facts.get("collections", ""))
    which = f"You may edit none of the collections it reads: {read}. An admin can let you" if read else ""
    return f"{which or 'This workflow reads no collection, so a document would not help'}; the answer waits."


def nothing_to_write(facts: Facts) -> str:
    """A document without title or text."""
    return f"The document needs a {escape(facts.get('field', 'text'))}. Write it and propose once more."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "AlreadyDecided": already_decided,
    "NoPrompt": no_prompt,
    "NothingToWrite": nothing_to_write,
    "NowhereToWrite": nowhere_to_write,
    "UnknownReason": unknown_reason,
}
"""Error class to its sentence."""
