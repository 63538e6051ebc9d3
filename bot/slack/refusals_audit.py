"""The sentences of errors around the audit trail."""

from collections.abc import Callable, Mapping

from bot.slack.audit_text import not_a_date
from bot.slack.elements import escape, one_line

Facts = Mapping[str, str]


def date(facts: Facts) -> str:
    """No date."""
    return not_a_date(facts.get("value", ""))


def unreadable(facts: Facts) -> str:
    """Not a checkpoint."""
    missing = facts.get("missing", "")
    lacks = f" It lacks the line “{escape(missing)}”." if missing else ""
    return f"That is no whole checkpoint.{lacks} Paste the posted text from its first line to the signature."


def unclear(facts: Facts) -> str:
    """Nothing to look for."""
    said = one_line(facts.get("said", ""), 80)
    how = "Ask for example `/spanwise audit who changed ask-policy`; `/spanwise audit` alone says what else."
    return f"I cannot tell which events “{said}” means. {how}"


def no_key(_facts: Facts) -> str:
    """Nothing to sign with."""
    return "Checkpoints are not signed here. An operator sets `SPANWISE_AUDIT_KEY` to a long secret."


def short_key(facts: Facts) -> str:
    """Could be guessed."""
    shortest = escape(facts.get("shortest", "32"))
    return f"`SPANWISE_AUDIT_KEY` is too short to sign with. Set it to {shortest} random characters or more."


def too_many(facts: Facts) -> str:
    """More than a file takes."""
    count, most = escape(facts.get("count", "")), escape(facts.get("most", ""))
    part = "Ask for a part, as in `since 2026-01-01 until 2026-03-31`."
    return f"That is {count} events; one file takes {most}. {part}"


def bad_role(facts: Facts) -> str:
    """Not a name of a PostgreSQL role."""
    name = escape(facts.get("role", ""))
    return f"“{name}” is not a plain name of a PostgreSQL role: small letters, digits and _, 63 at most."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NotADate": date,
    "UnclearSearch": unclear,
    "UnreadableCheckpoint": unreadable,
    "NoAuditKey": no_key,
    "AuditKeyTooShort": short_key,
    "TooManyEvents": too_many,
    "InvalidRoleName": bad_role,
}
"""Error class to its sentence."""
