"""Sentences where a part of the installation is broken: the database, its schema, the index."""

from collections.abc import Callable, Mapping

from bot.slack.elements import escape

WHY_NOT = {
    "full": "the database has no room left",
    "locked": "something else holds the database",
    "read-only": "the database takes nothing new just now",
    "unreachable": "the database cannot be reached",
    "damaged": "the database is damaged",
}
"""Fact `why` to words."""


def store_down(facts: Mapping[str, str]) -> str:
    """Nothing can be kept."""
    why = WHY_NOT.get(facts.get("why", ""), "the database does not answer")
    return (
        f":warning: That was not taken: {why}, so nothing was stored or started. What I took before is safe. "
        "Admins are told; try again in a few minutes."
    )


def not_in_time(_facts: Mapping[str, str]) -> str:
    """Slack waits no longer."""
    return (
        ":warning: That was not taken: it could not be stored in the time that Slack gives me. Nothing was "
        "started. Try again in a minute; if it lasts, an admin can look with `python -m bot doctor`."
    )


def schema_newer(facts: Mapping[str, str]) -> str:
    """Made by a later version."""
    return (
        f"The database is at revision {escape(facts.get('found', '?'))}, and this version knows none after "
        f"{escape(facts.get('known', '?'))}: a newer version has used it. Start that one; the only way back "
        "is the backup made before."
    )


def schema_older(facts: Mapping[str, str]) -> str:
    """Not brought up to date."""
    return (
        f"The database is at revision {escape(facts.get('found', '?'))} and this version needs "
        f"{escape(facts.get('known', '?'))}, but its user may not change tables. Run `python -m bot migrate` "
        "once with a user who may."
    )


def knowledge_rebuilding(facts: Mapping[str, str]) -> str:
    """Not to be searched for a while."""
    named = f" “{escape(facts['collection'])}”" if facts.get("collection") else ""
    return (
        f":hourglass_flowing_sand: The knowledge{named} is being rebuilt, and I answer nothing without it. "
        "Try again in a few minutes; admins are told."
    )


def foreign_index(facts: Mapping[str, str]) -> str:
    """Another installation's."""
    named = escape(facts.get("collection", "of that name"))
    return (
        f"The Chroma server holds a collection {named} of another installation, so I leave it alone. "
        "An admin gives this one a server of its own with `CHROMA_URL`."
    )


def index_damaged(_facts: Mapping[str, str]) -> str:
    """The folder of vectors."""
    return "The knowledge index is damaged and is being made anew. Try again in a few minutes."


def tokens_damaged(_facts: Mapping[str, str]) -> str:
    """The files of vectors."""
    return "The vectors of this knowledge are damaged and are being made anew. Try again in a few minutes."


SENTENCES: Mapping[str, Callable[[Mapping[str, str]], str]] = {
    "ForeignIndex": foreign_index,
    "IndexDamaged": index_damaged,
    "KnowledgeRebuilding": knowledge_rebuilding,
    "NotInTime": not_in_time,
    "SchemaNewer": schema_newer,
    "SchemaOlder": schema_older,
    "StoreDown": store_down,
    "TokensDamaged": tokens_damaged,
}
