"""Every sentence around triage: what waits, who complained, and what an owner decided."""

from bot.slack.elements import escape

OPEN = "Open triage"


def waiting(title: str, count: int) -> str:
    """To an owner, once a week at most."""
    what = "An answer waits" if count == 1 else f"{count} answers wait"
    return (
        f":inbox_tray: {what} for you: people voted down what *{escape(title)}* said. "
        "Five at a time, each decided with one press."
    )
