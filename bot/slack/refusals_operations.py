"""Sentences of errors around running the product."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape
from bot.slack.text import about


def port_taken(facts: Mapping[str, str]) -> str:
    """Somebody else listens there."""
    port, setting = escape(facts.get("port", "")), escape(facts.get("setting", ""))
    return (
        f"The port {port} of {setting} is in use by another process, or this user may not open it. "
        f"Set {setting} to a free port, one for each process of this machine."
    )


def invalid_thresholds(facts: Mapping[str, str]) -> str:
    """A setting that cannot be read."""
    return (
        f"“{escape(facts.get('value', ''))}” sets no limit for alerts. Write names with numbers, such as "
        f"`errors=10,cost=0`; the names are {escape(facts.get('known', ''))}."
    )


def unknown_alert(_facts: Mapping[str, str]) -> str:
    """No such alert."""
    return "I do not know that alert any more. If something is still wrong, a new one comes within a minute."


def alert_over(_facts: Mapping[str, str]) -> str:
    """Nothing to see to."""
    return "That alert is over, so nobody has to see to it."


def telemetry_missing(facts: Mapping[str, str]) -> str:
    """A setting without what it needs."""
    return (
        f"{escape(facts.get('setting', 'A setting'))} is set, but what sends traces is not installed. "
        f"Install `{escape(facts.get('extra', ''))}`, or leave the setting empty."
    )


def not_one_file(_facts: Mapping[str, str]) -> str:
    """A database server."""
    return "That database is a server's. Copy it with its own tool: `pg_dump --format=custom --file=FILE`."


_FULL = {
    "person": "{count} of your requests {verb} already, which is the most one person may have",
    "queue": "{count} {requests} of everybody {verb} already, which is the most I take",
    "wait": "{count} {requests} {verb}, so that yours would start only in {wait}",
}


def _number(facts: Mapping[str, str], name: str) -> float:
    try:
        return float(facts.get(name, ""))
    except ValueError:
        return 0.0


def queue_full(facts: Mapping[str, str]) -> str:
    """Too much waits."""
    count, after_s = int(_number(facts, "waiting")), _number(facts, "after_s")
    why = _FULL.get(facts.get("why", ""), _FULL["queue"]).format(
        count=f"{count:,}",
        requests="request" if count == 1 else "requests",
        verb="waits" if count == 1 else "wait",
        wait=about(_number(facts, "wait_s")),
    )
    when = f"in {about(after_s)}" if after_s else "in a few minutes"
    stop = ", or stop one with `/spanwise cancel`" if facts.get("why") == "person" else ""
    return f":hourglass: That was not taken: {why}. Try again {when}{stop}."


def backup_exists(facts: Mapping[str, str]) -> str:
    """A file in the way."""
    return f"{escape(facts.get('path', 'The file'))} is there already. Give the copy another name."


def no_backup(facts: Mapping[str, str]) -> str:
    """A file that could not be written, or a database that could not be read."""
    return (
        f"{escape(facts.get('path', 'The copy'))} could not be made: {escape(facts.get('problem', ''))}. "
        "Check that its folder exists and has room, and that DATABASE_URL or SPANWISE_DATA_DIR is right."
    )


def damaged_database(facts: Mapping[str, str]) -> str:
    """A copy that does not hang together."""
    return (
        f"The database is damaged, so no copy was kept: {escape(facts.get('problem', ''))}. "
        "Stop the processes and put the newest good copy in its place."
    )


SENTENCES: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "AlertOver": alert_over,
    "BackupExists": backup_exists,
    "DamagedDatabase": damaged_database,
    "InvalidThresholds": invalid_thresholds,
    "NoBackup": no_backup,
    "NotOneFile": not_one_file,
    "PortTaken": port_taken,
    "QueueFull": queue_full,
    "TelemetryMissing": telemetry_missing,
    "UnknownAlert": unknown_alert,
}
