"""The names that exist just now, for reading an admin's sentence; and what a person may say at all."""

from collections.abc import Sequence

from sqlalchemy import Connection

from bot.adapters.profiles import read_profiles
from bot.adapters.store.document_log import list_collections
from bot.adapters.store.document_names import list_names
from bot.governance.command_base import AdminCommand
from bot.governance.roles import EVERYTHING, Permission, permits
from bot.governance.vocabulary import DocumentName, Vocabulary
from bot.services.access import OPERATOR, Access, Outsider
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from bot.services.pinning import MODELS


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
    return Vocabulary(workflows, collections, documents, aliases)


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


def may_say(connection: Connection, access: Access, actor: Actor, command: type[AdminCommand]) -> bool:
    """Whether the command is one that this person may give, of some workflow or collection at least."""
    return not command.permissions or holds_any(connection, access, actor, command.permissions)
