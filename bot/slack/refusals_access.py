"""The sentences of refused rights: what was refused, and whom to ask for which role."""

from collections.abc import Callable, Mapping

from bot.governance.roles import Permission, role_for
from bot.slack.elements import escape
from bot.slack.text import ask_for_role

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


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "NotAuthorized": not_authorized,
    "Outsider": outsider,
}
"""Error class to its sentence."""
