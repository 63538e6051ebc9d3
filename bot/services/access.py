"""Who may do what: every service asks here first, inside the transaction of its effect."""

from collections.abc import Collection

from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.grants import delete_grant, insert_grant, read_grants
from bot.governance.roles import EVERYTHING, Grant, Permission, Role, permits, who_may
from bot.services.actors import Actor
from workflows.ports import Clock

OPERATOR = "terminal"
"""The actor of commands typed on the machine: whoever can type them can read the database anyway.

Slack's ids never take this form, so no payload can claim it.
"""


WORKFLOW_SCOPE = "workflow:"
"""Beginning of the scope of one workflow."""


class NotAuthorized(Exception):
    """The actor lacks the permission over the scope; fact `ask` lists who holds it."""

    def __init__(self, permission: Permission, scope: str, ask: tuple[str, ...] = ()) -> None:
        super().__init__(f"{permission} {scope}")
        self.facts = {"permission": permission.value, "scope": scope, "ask": ",".join(ask)}


class Outsider(Exception):
    """A guest, a bot, a deactivated account or somebody of another workspace."""

    def __init__(self, actor_id: str) -> None:
        super().__init__(actor_id)
        self.facts = {"actor": actor_id}


class Access:
    """Answers from the grants in the store and the first admins of the settings."""

    def __init__(self, store: Store, clock: Clock, admins: Collection[str] = ()) -> None:
        self._store = store
        self._clock = clock
        self._admins = tuple(Grant(admin, Role.ADMIN, EVERYTHING, "settings") for admin in admins)

    def grants(self, connection: Connection) -> tuple[Grant, ...]:
        """Grants in force, those of the settings first."""
        return self._admins + read_grants(connection)

    def may(self, connection: Connection, actor: Actor, permission: Permission, scope: str) -> bool:
        """Whether the actor holds the permission over the scope."""
        if actor.id == OPERATOR:
            return True
        return not actor.is_outsider and permits(
            self.grants(connection),
            actor_id=actor.id,
            groups=actor.groups,
            permission=permission,
            scope=scope,
        )

    def workflows(
        self, connection: Connection, actor: Actor, permission: Permission
    ) -> frozenset[str] | None:
        """The workflows over which the actor holds the permission; None when over everything."""
        if self.may(connection, actor, permission, EVERYTHING):
            return None
        scopes = {grant.scope for grant in self.grants(connection) if grant.scope.startswith(WORKFLOW_SCOPE)}
        held = (scope for scope in scopes if self.may(connection, actor, permission, scope))
        return frozenset(scope.removeprefix(WORKFLOW_SCOPE) for scope in held)

    async def holds(self, actor: Actor, permission: Permission, scope: str = EVERYTHING) -> bool:
        """As `may`, outside a transaction: for what a person is shown, never for what they do."""
        return await self._store.read(lambda connection: self.may(connection, actor, permission, scope))

    def authorise(self, connection: Connection, actor: Actor, permission: Permission, scope: str) -> None:
        """Raise Outsider or NotAuthorized unless the actor may."""
        if actor.is_outsider:
            raise Outsider(actor.id)
        if not self.may(connection, actor, permission, scope):
            raise NotAuthorized(
                permission, scope, who_may(self.grants(connection), permission=Permission.GRANT, scope=scope)
            )

    async def grant(self, actor: Actor, grantee: str, role: Role, scope: str = EVERYTHING) -> bool:
        """Give a role; False when it was held already. Raises NotAuthorized."""
        return await self._store.write(
            lambda connection: self.grant_in(connection, actor, grantee, role, scope)
        )

    def grant_in(
        self, connection: Connection, actor: Actor, grantee: str, role: Role, scope: str = EVERYTHING
    ) -> bool:
        """As `grant`, within the caller's transaction."""
        self.authorise(connection, actor, Permission.GRANT, scope)
        now = self._clock.now()
        given = insert_grant(connection, Grant(grantee, role, scope, actor.id), now)
        if given:
            self._record(connection, actor, "grant.given", grantee, role, scope)
        return given

    async def revoke(self, actor: Actor, grantee: str, role: Role, scope: str = EVERYTHING) -> bool:
        """Take a role away; False when it was not held. Raises NotAuthorized."""
        return await self._store.write(
            lambda connection: self.revoke_in(connection, actor, grantee, role, scope)
        )

    def revoke_in(
        self, connection: Connection, actor: Actor, grantee: str, role: Role, scope: str = EVERYTHING
    ) -> bool:
        """As `revoke`, within the caller's transaction."""
        self.authorise(connection, actor, Permission.GRANT, scope)
        taken = delete_grant(connection, Grant(grantee, role, scope))
        if taken:
            self._record(connection, actor, "grant.revoked", grantee, role, scope)
        return taken

    def _record(
        self, connection: Connection, actor: Actor, action: str, grantee: str, role: Role, scope: str
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"{grantee}:{role.value}:{scope}",
            at=self._clock.now(),
        )
