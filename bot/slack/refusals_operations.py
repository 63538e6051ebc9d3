"""Sentences of errors around running the product."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape


def port_taken(facts: Mapping[str, str]) -> str:
    """Somebody else listens there."""
    port, setting = escape(facts.get("port", "")), escape(facts.get("setting", ""))
    return (
        f"The port {port} of {setting} is in use by another process, or this user may not open it. "
        f"Set {setting} to a free port, one for each process of this machine."
    )


SENTENCES: Mapping[str, Callable[[Mapping[str, str]], str]] = {"PortTaken": port_taken}
