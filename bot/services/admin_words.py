"""The names that exist just now, for reading an admin's sentence; and what a person may say at all."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from bot.adapters.profiles import read_profiles
from bot.adapters.store.document_log import find_collection, list_collections
from bot.adapters.store.document_names import list_names
from bot.adapters.store.stages_log import read_standings
from bot.adapters.store.versions_log import CANDIDATE
from bot.governance.admin_commands import COMMANDS
from bot.governance.command_base import AdminCommand
from bot.governance.roles import EVERYTHING, Permission, permits
from bot.governance.stages import Stage
from bot.governance.understanding import Missing
from bot.governance.vocabulary import DocumentName, Vocabulary
from bot.services.access import OPERATOR, Access, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.contents import MODELS, WORKFLOW
from bot.services.readers import EVERYONE


def read_vocabulary(connection: Connection, catalogue: Catalogue) -> Vocabulary:
    """Workflows, collections, documents and model aliases as they are."""
    live = catalogue.versions(connection)
    workflows = {each.name: each.workflow for each in catalogue.released_in(connection)}
    collections = tuple(row.name for row in list_collections(connection))
    documents = tuple(
        DocumentName(collection, path, title, str(changed.year))
        for collection, path, title, changed in list_names(connection)
    )
    models = live.get((MODELS, MODELS))
    aliases = read_profiles(models.content).aliases if models else ()
    standings = read_standings(connection).values()
    retired = tuple(each.workflow for each in standings if each.stage is Stage.RETIRED)
    unreleased = [
        name for kind, name in catalogue.versions(connection, CANDIDATE).keys() - live if kind == WORKFLOW
    ]
    drafts = {
        name: catalogue.find_in(connection, name).workflow for name in unreleased if name not in retired
    }
    return Vocabulary(workflows, collections, documents, aliases, drafts, retired)


def authorise_any(
    connection: Connection, access: Access, actor: Actor, permissions: Sequence[Permission], scope: str
) -> None:
    """Raise Outsider or NotAuthorized unless the actor holds one of them; an empty scope is any scope."""
    if actor.is_outsider:
        raise Outsider(actor.id)
    if not permissions or holds_any(connection, access, actor, permissions, scope):
        return
    access.authorise(connection, actor, permissions[0], scope or EVERYTHING)


def holds_any(
    connection: Connection, access: Access, actor: Actor, permissions: Sequence[Permission], scope: str = ""
) -> bool:
    """Whether the actor holds one of them over the scope, or with an empty scope over anything."""
    if scope:
        return any(access.may(connection, actor, each, scope) for each in permissions)
    if actor.id == OPERATOR:
        return True
    grants = [] if actor.is_outsider else access.grants(connection)
    return any(
        permits([grant], actor_id=actor.id, groups=actor.groups, permission=each, scope=grant.scope)
        for grant in grants
        for each in permissions
    )


def permitted(
    connection: Connection, access: Access, actor: Actor, missing: Missing, *, is_public: bool
) -> Missing:
    """The question with only such choices as this person may make, and as the others there may read.

    Raises Outsider, NotAuthorized.
    """
    rights = COMMANDS[missing.kind].permissions
    workflow = missing.slots.get("workflow", "") if missing.field != "workflow" else ""
    authorise_any(connection, access, actor, rights, f"workflow:{workflow}" if workflow else "")
    choices = [
        each
        for each in missing.choices
        if not each.scope or holds_any(connection, access, actor, rights, each.scope)
    ]
    if missing.choices and not choices:
        authorise_any(connection, access, actor, rights, missing.choices[0].scope)
    if is_public:
        choices = [each for each in choices if not is_restricted(connection, each.scope)]
    return replace(missing, choices=tuple(choices))


def is_restricted(connection: Connection, scope: str) -> bool:
    """Whether a scope is a collection that not everyone may read."""
    kind, _, name = scope.partition(":")
    found = find_collection(connection, name) if kind == "collection" else None
    return found is not None and EVERYONE not in found.audience


def may_say(connection: Connection, access: Access, actor: Actor, command: type[AdminCommand]) -> bool:
    """Whether the command is one that this person may give, of some workflow or collection at least."""
    return not command.permissions or holds_any(connection, access, actor, command.permissions)
