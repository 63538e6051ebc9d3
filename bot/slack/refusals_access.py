"""The sentences of refused rights: what was refused, and whom to ask for which role."""

from collections.abc import Callable, Mapping

from bot.governance.roles import Permission, role_for
from bot.slack.elements import escape
from bot.slack.text import ask_for_role, one_of

Facts = Mapping[str, str]

ACTS: Mapping[str, str] = {
    "run": "run {over}",
    "cancel-runs": "cancel other people's runs of {over}",
    "see-runs": "see other people's runs of {over}",
    "propose": "propose changes to {over}",
    "approve": "approve changes to {over}",
    "roll-back": "roll back {over}",
    "promote": "decide who gets {over}",
    "triage": "decide about bad answers of {over}",
    "evaluate": "run or keep the cases of {over}",
    "edit-knowledge": "change the documents of {over}",
    "retain": "say how long what is asked of {over} is kept",
    "grant": "give or take roles over {over}",
    "see-audit": "read the audit events",
    "export": "take the audit events away as a file",
    "operate": "see how the system is set up",
}
"""Permission to what was refused, in words."""


def not_authorized(facts: Facts) -> str:
    """The role is missing."""
    kind, _, name = facts.get("scope", "").partition(":")
    over = _over(kind, name)
    permission = facts.get("permission", "")
    role = role_for(Permission(permission)).value if permission in set(Permission) else "runner"
    may = ACTS.get(permission, "do that with {over}").format(over=over)
    may = may.removesuffix(" of this").removesuffix(" of everything")
    return f":lock: You may not {may}. {ask_for_role(facts.get('ask', '').split(','), role)}"


def _over(kind: str, name: str) -> str:
    if kind == "workflow" and name:
        return f"`/{escape(name)}`"
    if kind == "collection" and name:
        return f"the collection “{escape(name)}”"
    return "everything" if kind == "*" else "this"


def outsider(_facts: Facts) -> str:
    """Guests, bots and people of other workspaces."""
    return (
        ":lock: I answer members of this workspace only: not guests, bots or people of other organisations."
    )


def unknown_collection(facts: Facts) -> str:
    """Missing, or not for all who would read the answer: which it is, is for those who may read it."""
    named = facts.get("collection", "")
    collection = f"“{escape(named)}”" if named else "of this workflow"
    owners = one_of(facts.get("ask", "").split(","), "the owner of the workflow")
    if facts.get("visibility") == "private":
        return (
            f"You may not read the collection {collection}, or it does not exist. "
            f"Ask {owners} who may read it."
        )
    elsewhere = "me in a direct message, or ask " if facts.get("visibility") == "channel" else ""
    return (
        f"The collection {collection} does not exist, or not everyone who would read the answer may read "
        f"it. Ask {elsewhere}{owners} who may read it."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NotAuthorized": not_authorized,
    "Outsider": outsider,
    "UnknownCollection": unknown_collection,
}
"""Error class to its sentence."""
