"""Deny by default, scopes, groups, and whom to ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.governance.roles import EVERYONE, EVERYTHING, ROLES, Grant, Permission, Role, permits, who_may

ASK = "workflow:ask-policy"
GRANTS = (
    Grant("U1", Role.RUNNER, ASK),
    Grant("S-editors", Role.EDITOR, EVERYTHING),
    Grant("U9", Role.ADMIN, EVERYTHING),
    Grant("U7", Role.OWNER, ASK),
)


@pytest.mark.parametrize(
    ("actor", "groups", "permission", "scope", "expected"),
    [
        ("U1", (), Permission.RUN, ASK, True),
        ("U1", (), Permission.RUN, "workflow:triage-request", False),
        ("U1", (), Permission.PROPOSE, ASK, False),
        ("U2", (), Permission.RUN, ASK, False),
        ("U2", ("S-editors",), Permission.PROPOSE, "collection:people", True),
        ("U9", (), Permission.GRANT, EVERYTHING, True),
        ("U9", (), Permission.APPROVE, ASK, False),
        ("", (), Permission.RUN, ASK, False),
    ],
)
def test_permits(
    actor: str, groups: tuple[str, ...], permission: Permission, scope: str, expected: bool
) -> None:
    assert permits(GRANTS, actor_id=actor, groups=groups, permission=permission, scope=scope) is expected


@given(actor=st.text(), groups=st.lists(st.text()), permission=st.sampled_from(Permission), scope=st.text())
def test_nothing_is_permitted_without_a_grant(
    actor: str, groups: list[str], permission: Permission, scope: str
) -> None:
    assert not permits((), actor_id=actor, groups=groups, permission=permission, scope=scope)


@given(role=st.sampled_from(Role), permission=st.sampled_from(Permission))
def test_a_grant_to_everyone_gives_exactly_its_role(role: Role, permission: Permission) -> None:
    grants = (Grant(EVERYONE, role, EVERYTHING),)
    allowed = permits(grants, actor_id="U5", groups=(), permission=permission, scope=ASK)
    assert allowed is (permission in ROLES[role])


def test_whom_to_ask_names_the_nearest_first_and_never_everyone() -> None:
    grants = (*GRANTS, Grant(EVERYONE, Role.RUNNER, EVERYTHING))
    assert who_may(grants, permission=Permission.RUN, scope=ASK) == ("U1", "U7", "S-editors", "U9")


def test_no_single_role_both_proposes_and_approves() -> None:
    assert not [role for role in Role if {Permission.PROPOSE, Permission.APPROVE} <= ROLES[role]]
