"""Roles and what each permits, as one table. Deny by default: what is not listed is refused."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Permission(StrEnum):
    """One permitted act."""

    RUN = "run"
    """Run a workflow."""
    SEE_RUNS = "see-runs"
    """See other people's runs and their answers."""
    CANCEL_RUNS = "cancel-runs"
    """Cancel other people's runs."""
    PROPOSE = "propose"
    """Propose a change."""
    APPROVE = "approve"
    """Approve or reject somebody else's change."""
    ROLL_BACK = "roll-back"
    """Point production at an earlier version."""
    PROMOTE = "promote"
    """Move a workflow between draft, pilot, production and retired."""
    TRIAGE = "triage"
    """Decide what becomes of a bad answer."""
    EVALUATE = "evaluate"
    """Run the cases of a workflow, which spends money, and keep them."""
    EDIT_KNOWLEDGE = "edit-knowledge"
    """Add, replace and remove documents."""
    BUDGET = "budget"
    """Set limits on spending, lift them and add to them."""
    RETAIN = "retain"
    """Say how long what was asked and answered is kept."""
    GRANT = "grant"
    """Give and take roles."""
    SEE_AUDIT = "see-audit"
    """Read the audit events."""
    EXPORT = "export"
    """Take audit events and runs away as files."""
    OPERATE = "operate"
    """Read settings and the health of the system."""


class Role(StrEnum):
    """A named set of permissions."""

    RUNNER = "runner"
    EDITOR = "editor"
    APPROVER = "approver"
    OWNER = "owner"
    ADMIN = "admin"
    AUDITOR = "auditor"


_P = Permission
_EDITOR = frozenset({_P.RUN, _P.PROPOSE, _P.EDIT_KNOWLEDGE, _P.EVALUATE})
_OWNS = {_P.SEE_RUNS, _P.CANCEL_RUNS, _P.ROLL_BACK, _P.PROMOTE, _P.TRIAGE, _P.BUDGET, _P.RETAIN}

ROLES: dict[Role, frozenset[Permission]] = {
    Role.RUNNER: frozenset({_P.RUN}),
    Role.EDITOR: _EDITOR,
    Role.APPROVER: frozenset({_P.RUN, _P.APPROVE, _P.ROLL_BACK, _P.EVALUATE}),
    Role.OWNER: _EDITOR | _OWNS,
    # who hands out roles must hand the approver's to somebody, which leaves an audit event
    Role.ADMIN: frozenset(_P) - {_P.APPROVE},
    Role.AUDITOR: frozenset({_P.SEE_RUNS, _P.SEE_AUDIT, _P.EXPORT}),
}


def role_for(permission: Permission) -> Role:
    """The narrowest role that gives a permission: what a refused person asks for."""
    return min((role for role in Role if permission in ROLES[role]), key=lambda role: len(ROLES[role]))


EVERYONE = "everyone"
"""The grantee that stands for each member of the workspace, outsiders excepted."""

EVERYTHING = "*"
"""The scope that covers each workflow and collection."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A role given to an actor, a user group or everyone, over a scope."""

    grantee: str
    """A Slack user id, a user group id, or `everyone`."""
    role: Role
    scope: str
    """`*`, `workflow:<name>` or `collection:<name>`."""
    granted_by: str = ""


def permits(
    grants: Iterable[Grant], *, actor_id: str, groups: Iterable[str], permission: Permission, scope: str
) -> bool:
    """Whether any grant gives this person the permission over the scope."""
    names = {actor_id, EVERYONE, *groups}
    return any(
        grant.grantee in names and grant.scope in (EVERYTHING, scope) and permission in ROLES[grant.role]
        for grant in grants
    )


def who_may(grants: Iterable[Grant], *, permission: Permission, scope: str) -> tuple[str, ...]:
    """Grantees that hold the permission over the scope, narrowest scope first: whom a refused person asks."""
    holders = [
        grant
        for grant in grants
        if grant.scope in (EVERYTHING, scope)
        and permission in ROLES[grant.role]
        and grant.grantee != EVERYONE
    ]
    holders.sort(key=lambda grant: (grant.scope == EVERYTHING, grant.grantee))
    return tuple(dict.fromkeys(grant.grantee for grant in holders))
