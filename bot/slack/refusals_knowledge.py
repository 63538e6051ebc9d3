"""The sentences of folders and files that are not taken into a collection."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape

Facts = Mapping[str, str]


def unreadable(facts: Facts) -> str:
    """A folder that nobody may list."""
    return (
        f"“{escape(facts.get('path', 'That'))}” cannot be read, so nothing of it was added or removed. "
        "Check its permissions and add it again."
    )


def emptied(facts: Facts) -> str:
    """Where documents came from."""
    return (
        f"“{escape(facts.get('path', 'That folder'))}” holds no file now, though documents came from it. "
        "Nothing was removed: check that it is the right folder and that it is mounted. "
        "To remove them all the same, use `python -m bot knowledge remove --all --collection …`."
    )


def path_taken(facts: Facts) -> str:
    """Two files with one name."""
    file, source = escape(facts.get("file", "given")), escape(facts.get("source", "another source"))
    return (
        f"The document “{file}” was left out: the collection has another one of that path from “{source}”. "
        f"Rename it or use another collection; if it has moved here, add “{source}” again first."
    )


def stopped(_facts: Facts) -> str:
    """By Ctrl-C, mostly."""
    return "Stopped before the end. What was added stays; the same command goes on from there."


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "AddingStopped": stopped,
    "PathTaken": path_taken,
    "SourceEmptied": emptied,
    "SourceUnreadable": unreadable,
}
"""Error class to its sentence."""
