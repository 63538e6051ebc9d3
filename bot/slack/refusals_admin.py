"""The sentences of conversational admin's errors."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape, mention

Facts = Mapping[str, str]

_OVER: Mapping[str, str] = {
    "confirmed": "That was confirmed already; it is done once.",
    "cancelled": "That was cancelled. Say it again to go on.",
    "expired": "Nobody answered that for a day, so it is void. Say it again to go on.",
}


def not_yours(facts: Facts) -> str:
    """Somebody else's preview."""
    who = mention(facts.get("person", ""))
    return f":lock: Only {who} can go on with this. Say it to me yourself to begin your own."


def over(facts: Facts) -> str:
    """Too late."""
    return _OVER.get(facts.get("state", ""), "That moved on meanwhile. Look at the message as it is now.")


def moved(_facts: Facts) -> str:
    """A click on a preview that is drawn anew."""
    return "The preview has changed since. Look at it as it is now, then confirm."


def unknown(_facts: Facts) -> str:
    """No such conversation."""
    return "I do not find that any more. Say it again to go on."


def nothing_to_undo(_facts: Facts) -> str:
    """No applied change."""
    return (
        "I find no change of yours that is in force. “show the changes” lists them with their ids; "
        "“undo c_…” takes back a certain one."
    )


def no_alias(facts: Facts) -> str:
    """An alias that is not set up."""
    return f"There is no model alias “{escape(facts.get('alias', ''))}”. “show the models” lists them."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "ConversationOver": over,
    "NoSuchAlias": no_alias,
    "NotYourConversation": not_yours,
    "NothingToUndo": nothing_to_undo,
    "PreviewMoved": moved,
    "UnknownConversation": unknown,
}
"""Error class to its sentence."""
