"""How old a document is, in words, and when that is too old."""

from datetime import datetime, timedelta

STALE_AFTER = timedelta(days=365)
"""Unless the collection's owner says otherwise."""

_STEPS = (("year", 365.25), ("month", 30.44), ("week", 7.0), ("day", 1.0))


def age_in_words(updated_at: datetime, now: datetime) -> str:
    """`today`, `yesterday`, `3 weeks ago`; both aware. A time to come counts as today."""
    days = (now - updated_at) / timedelta(days=1)
    if days < 1:
        return "today"
    if days < 2:
        return "yesterday"
    for word, length in _STEPS:
        count = int(days / length)
        if count >= 1 and not (word == "week" and days < 14):
            return f"{count} {word}{'s' if count > 1 else ''} ago"
    return "today"


def is_stale(updated_at: datetime, now: datetime, after: timedelta = STALE_AFTER) -> bool:
    """Whether nobody has touched it for longer than it may be trusted."""
    return now - updated_at > after
