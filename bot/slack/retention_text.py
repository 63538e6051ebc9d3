"""The sentences of retention: how long what was asked and answered is kept."""

from collections.abc import Mapping

from bot.governance.retention_words import FOR_EVER
from bot.services.retention import Keeping, KeepingChange
from bot.slack.elements import escape, moment

HEAD = "*How long what was asked and answered is kept*"
SET, STAYS = "Set it", "Leave it"
WHAT_GOES = (
    "Deleted are what was asked and answered, what the steps read and wrote, and people's corrections. "
    "Who ran what and when, how it ended, versions, votes, times and costs stay, as do cases and documents "
    "made from it, files that were exported and messages in Slack."
)


def days_words(days: int) -> str:
    """So many days, or no end."""
    return "for ever" if days == FOR_EVER else "1 day" if days == 1 else f"{days} days"


def keeping_line(keeping: Keeping) -> str:
    """One workflow."""
    why = "" if keeping.is_own else ", as everywhere here"
    gone = f" · older than {moment(keeping.emptied_until)} is deleted" if keeping.emptied_until else ""
    return f"• `{escape(keeping.workflow)}` {days_words(keeping.days)}{why}{gone}"


def how_to() -> str:
    """Below the list."""
    return (
        "`/spanwise retention ask-policy 90 days`, `… for ever` or `… default`. It is deleted at night. "
        + WHAT_GOES
    )


def preview(change: KeepingChange) -> str:
    """What would happen."""
    name = f"`{escape(change.workflow)}`"
    if change.now.days == change.then.days and change.now.is_own == change.then.is_own:
        return f"What is asked of {name} is kept {days_words(change.now.days)} already; nothing would change."
    then, now = days_words(change.then.days), days_words(change.now.days)
    head = f"Keep what is asked of {name} *{then}* instead of {now}?"
    return f"{head}\n{_loses(change)}"


def _loses(change: KeepingChange) -> str:
    if change.loses:
        runs = "1 run" if change.loses == 1 else f"{change.loses} runs"
        return f"The content of *{runs}* is older and goes tonight; nobody can bring it back. {WHAT_GOES}"
    if change.now.emptied_until:
        return "Nothing goes tonight. What was deleted before does not come back."
    return "Nothing goes tonight."


def sure(change: KeepingChange) -> str:
    """In the question before it is set; plain text."""
    return f"The content of {change.loses} runs is deleted tonight and cannot be brought back."


def emptied(found: Mapping[str, int]) -> str:
    """What was deleted just now."""
    if not found:
        return "Nothing is due."
    return "\n".join(
        f"`{escape(name)}`: the content of {count} runs is deleted." for name, count in found.items()
    )


def was_set(change: KeepingChange) -> str:
    """Done."""
    until_tonight = " Until tonight you can still change it." if change.loses else ""
    return (
        f"What is asked of `{escape(change.workflow)}` is kept {days_words(change.then.days)} from now on."
        f"{until_tonight}"
    )
