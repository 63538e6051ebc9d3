"""Roles given to user groups, through the real app: groups are read from Slack, never from what is typed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_scene import DEV, Scene, open_scene

from bot.governance.roles import Role

CHANNEL = "C0PEOPLE"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, open_to_all=False)
    yield made
    await close()


async def test_members_of_a_group_hold_its_role_and_others_are_refused(scene: Scene) -> None:
    await scene.desk.access.grant(DEV, "S0PILOTS", Role.RUNNER, "workflow:ask-policy")
    ben, ana = scene.person("U0BEN"), scene.person("U0ANA")
    assert "Working on" in str((await ben.command(CHANNEL, "/ask-policy How many days?")).payload)
    await scene.answered(ben)
    assert "You may not run `/ask-policy`" in str(
        (await ana.command(CHANNEL, "/ask-policy How many?")).payload
    )
    assert "You may not run" in str((await ben.command(CHANNEL, "/summarise-thread")).payload)


async def test_without_the_scope_roles_of_groups_give_nothing(tmp_path: Path) -> None:
    scene, close = await open_scene(tmp_path, open_to_all=False)
    try:
        scene.workspace.site.installation = type(scene.workspace.site.installation).of(
            {"oauth_config": {"scopes": {"bot": ["users:read", "im:write", "chat:write", "commands"]}}}
        )
        await scene.desk.access.grant(DEV, "S0PILOTS", Role.RUNNER)
        actor = await scene.desk.people.actor("U0BEN")
        assert actor.groups == frozenset() and not actor.is_outsider
    finally:
        await close()


@pytest.mark.parametrize("flag", ["is_guest", "is_bot", "is_deactivated"])
async def test_outsiders_in_the_group_stay_outside(scene: Scene, flag: str) -> None:
    await scene.desk.access.grant(DEV, "S0PILOTS", Role.ADMIN)
    setattr(scene.workspace.town.users["U0BEN"], flag, True)
    said = str((await scene.person("U0BEN").command(CHANNEL, "/ask-policy How many days?")).payload)
    assert "members of this workspace only" in said


async def test_people_of_other_workspaces_stay_outside(scene: Scene) -> None:
    await scene.desk.access.grant(DEV, "everyone", Role.ADMIN)
    scene.workspace.town.users["U0BEN"].team_id = "T0OTHER"
    said = str((await scene.person("U0BEN").command(CHANNEL, "/ask-policy How many days?")).payload)
    assert "members of this workspace only" in said
