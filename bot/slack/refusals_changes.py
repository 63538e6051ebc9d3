"""The sentences of errors around change requests."""

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.slack.change_text import holders
from bot.slack.elements import escape, mention, moment, shorten, who

Facts = Mapping[str, str]

_STATES: Mapping[str, str] = {
    "open": "it waits to be tested",
    "testing": "its cases are still running; try again in a moment",
    "in_review": "it waits for approval",
    "revising": "it was sent back to its author",
    "approved": "it is approved",
    "applied": "it is in force",
    "rejected": "it was rejected",
    "withdrawn": "it was withdrawn",
    "stale": "what it stands on has moved; its author can propose it on today's version",
    "expired": "it expired",
    "undone": "it was undone",
}


def _named(facts: Facts) -> str:
    return f"“{escape(facts.get('name', ''))}”"


def _people(facts: Facts, key: str = "holders") -> str:
    return holders(name for name in facts.get(key, "").split(",") if name)


def nothing_changed(facts: Facts) -> str:
    """The same as what is there."""
    return f"Nothing would change: {_named(facts)} says exactly that already."


def already_proposed(facts: Facts) -> str:
    """Somebody was first."""
    return (
        f"{mention(facts.get('author', ''))} has proposed the same in `{escape(facts.get('change', ''))}`; "
        "`/spanwise changes` shows it."
    )


def too_late(facts: Facts) -> str:
    """Not in the state for that."""
    state = _STATES.get(facts.get("status", ""), "it has moved on")
    return f"That is not possible now: of `{escape(facts.get('change', ''))}`, {state}."


def revised_meanwhile(_facts: Facts) -> str:
    """Another round."""
    return "Other content was proposed since the message you pressed on. Look at it again, then decide."


def author_decides(facts: Facts) -> str:
    """Four eyes."""
    able = _people(facts)
    allowed = f"{able} may." if able else "An admin gives somebody the role “approver”."
    return f":lock: You wrote this, so somebody else decides about it. {allowed} You can withdraw it."


def not_an_approver(facts: Facts) -> str:
    """The right is missing."""
    acts = {
        "approve": "decide about this change",
        "roll-back": "take this change back",
        "propose": "write this change",
        "edit-knowledge": "write this change",
        "grant": "change who may do what",
    }
    able = _people(facts)
    allowed = f"{able} may." if able else "Nobody may yet: an admin gives the role."
    return f":lock: You may not {acts.get(facts.get('permission', ''), 'do that here')}. {allowed}"


def not_its_author(facts: Facts) -> str:
    """Only authors withdraw."""
    return (
        f":lock: Only {mention(facts.get('author', ''))} withdraws or revises this. "
        "If you may approve, you can reject it or request changes."
    )


def needs_override(facts: Facts) -> str:
    """A failing case."""
    cases = facts.get("cases", "")
    return f"A case that passes today fails with this ({escape(cases)}): approving it needs a reason."


def reason_missing(_facts: Facts) -> str:
    """An empty note."""
    return "Say in a sentence why; the author reads it. Nothing was changed."


def moved_since(facts: Facts) -> str:
    """Undo would take back more than was meant."""
    by, at = facts.get("by", ""), facts.get("at", "")
    when = f" on {moment(datetime.fromisoformat(at))}" if at else ""
    return (
        f"Not undone: {who(by)} has moved {_named(facts)} on from version {escape(facts.get('from', ''))} to "
        f"{escape(facts.get('to', ''))}{when}, and that would be lost. Undo the later change first, or "
        "propose a new change with what you want it to say."
    )


def nothing_to_roll_back(facts: Facts) -> str:
    """The first version."""
    return f"There is no earlier version of {_named(facts)} to go back to."


def would_break(facts: Facts) -> str:
    """Others need it."""
    return (
        f"Not taken back: {escape(facts.get('workflows', ''))} could not run with what stood before. "
        "Change that first, or propose a new change."
    )


def unknown_change(facts: Facts) -> str:
    """No such id."""
    name = escape(facts.get("change", ""))
    return f"I find no change request `{name}`. `/spanwise changes` lists the open ones."


def unknown_target(facts: Facts) -> str:
    """Nothing of that name."""
    near = facts.get("nearest", "")
    guess = f"Did you mean `{escape(near)}`?" if near else "Check how it is written."
    kinds = {
        "rules": "decision table",
        "parameters": "workflow",
        "grant": "role",
        "models": "set of model profiles",
    }
    kind = kinds.get(facts.get("kind", ""), facts.get("kind", ""))
    return f"There is no {escape(kind) or 'such thing'} {_named(facts)}. {guess}"


def no_such_version(facts: Facts) -> str:
    """A number that no version has."""
    number, newest = escape(facts.get("number", "")), escape(facts.get("newest", ""))
    has = f"the newest is {newest}" if newest != "0" else "it has none"
    return f"{_named(facts)} has no version {number}; {has}. Nothing was changed."


def unknown_table(facts: Facts) -> str:
    """No decision table of that name."""
    known = facts.get("known", "")
    has = f"it has: {escape(known)}" if known else "it has none"
    step, workflow = escape(facts.get("step", "")), escape(facts.get("workflow", ""))
    return f"`{workflow}` has no decision table `{step}`; {has}."


def invalid_content(facts: Facts) -> str:
    """Everything wrong with it."""
    lines = [f"• {escape(line)}" for line in facts.get("problems", "").split("\n") if line]
    listed = shorten("\n".join(lines[:12]), 1800)
    opening = f"{_named(facts)} cannot be changed to that; nothing was changed."
    return f"{opening} Correct this and send it again:\n{listed}" if listed else opening


def invalid_policy(facts: Facts) -> str:
    """The setting of approvals cannot be read."""
    return (
        f"SPANWISE_APPROVALS says `{escape(facts.get('value', ''))}`, which is no `kind=number`. "
        f"The kinds are: {escape(facts.get('known', ''))}."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NothingChanged": nothing_changed,
    "UnknownTable": unknown_table,
    "InvalidPolicy": invalid_policy,
    "AlreadyProposed": already_proposed,
    "TooLate": too_late,
    "RevisedMeanwhile": revised_meanwhile,
    "AuthorDecides": author_decides,
    "NotAnApprover": not_an_approver,
    "NotItsAuthor": not_its_author,
    "NeedsOverride": needs_override,
    "ReasonMissing": reason_missing,
    "MovedSince": moved_since,
    "NothingToRollBack": nothing_to_roll_back,
    "WouldBreak": would_break,
    "UnknownChange": unknown_change,
    "UnknownTarget": unknown_target,
    "NoSuchVersion": no_such_version,
    "InvalidContent": invalid_content,
}
"""Error class to its sentence."""
