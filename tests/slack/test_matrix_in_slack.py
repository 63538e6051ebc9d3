"""The matrix at the front door: each command as every role, refused where the table says so and nowhere else.

A role is held directly by Ana and through a user group by Ben.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from slack_samples import ASK_POLICY
from slack_scene import DEV, Scene, open_scene, words

from bot.governance.act import Act
from bot.governance.matrix import ACTS
from bot.governance.roles import EVERYTHING, Role
from bot.governance.stages import Stage
from bot.services.actors import Actor
from bot.services.catalogue import Content
from bot.workspace.driver import Person

CHANNEL = "C0PEOPLE"
TYPED = {
    "run": "run ask-policy How many days?",
    "explain": "explain ask-policy",
    "edit": "edit ask-policy",
    "history": "history ask-policy",
    "rollback": "rollback ask-policy",
    "evaluate": "evaluate ask-policy",
    "cases": "cases ask-policy",
    "triage": "triage ask-policy",
    "promote": "promote ask-policy",
    "pilot": "pilot ask-policy 20%",
    "retire": "retire ask-policy",
    "reopen": "reopen ask-policy",
    "audit": "audit of @ana",
    "audit export": "audit export csv",
    "digest": "digest here ask-policy",
    "runs export": "runs export csv ask-policy",
    "retention": "retention ask-policy 90 days",
}
"""What is typed for each command that a right decides about; lists show less instead of refusing."""
LISTS = {"changes", "drafts", "stages", "replay", "budget"}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, open_to_all=False)
    draft = ASK_POLICY.replace("title: ", "title: New ")
    await made.desk.stages.draft(DEV, [Content("workflow", "ask-policy", draft)])
    yield made
    await close()


COMMANDS = [
    (act, entry)
    for act in ACTS
    if act.any_of
    for entry in act.entries.get("command", ())
    if entry not in LISTS
]


def test_each_command_that_needs_a_right_is_tried() -> None:
    assert {entry for _, entry in COMMANDS} == set(TYPED)


async def said(scene: Scene, person: Person, typed: str) -> str:
    """Everything that only this person was told, at once and after."""
    told = len(person.ephemerals(CHANNEL))
    outcome = await person.command(CHANNEL, f"/spanwise {typed}")
    await scene.quiet()
    assert not outcome.payload or outcome.payload.get("response_type", "ephemeral") == "ephemeral"
    return str(outcome.payload) + "".join(words(message) for message in person.ephemerals(CHANNEL)[told:])


def is_refused(text: str) -> bool:
    return "You may not" in text or "members of this workspace only" in text


async def reset(scene: Scene) -> None:
    """Undo what a command that was let through has done to the workflow."""
    for standing in await scene.desk.stages.overview(DEV):
        if standing.stage is Stage.RETIRED:
            await scene.desk.stages.reopen(DEV, standing.workflow)
        elif standing.stage is Stage.PILOT:
            await scene.desk.stages.stop(DEV, standing.workflow)


def scope_of(act: Act) -> str:
    return act.scope("ask-policy" if act.reach == "workflow" else "people")


@pytest.mark.parametrize(("act", "entry"), COMMANDS, ids=[entry for _, entry in COMMANDS])
async def test_a_command_is_for_those_roles_and_no_others(scene: Scene, act: Act, entry: str) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    typed = TYPED[entry]
    assert is_refused(await said(scene, ana, typed)), "nobody holds anything yet"
    for role in Role:
        for person, grantee in ((ana, "U0ANA"), (ben, "S0PILOTS")):
            await scene.desk.access.grant(DEV, grantee, role, scope_of(act))
            refused = is_refused(await said(scene, person, typed))
            assert refused is not act.is_permitted_to(role), f"{grantee} as {role}"
            await reset(scene)
            await scene.desk.access.revoke(DEV, grantee, role, scope_of(act))
            if act.reach == "workflow":
                await scene.desk.access.grant(DEV, grantee, role, "workflow:summarise-thread")
                assert is_refused(await said(scene, person, typed)), f"{role} over another workflow"
                await scene.desk.access.revoke(DEV, grantee, role, "workflow:summarise-thread")


@pytest.mark.parametrize("flag", ["is_guest", "is_bot", "is_deactivated", "of another workspace"])
async def test_outsiders_are_refused_everything_whatever_they_hold(scene: Scene, flag: str) -> None:
    for role in Role:
        await scene.desk.access.grant(DEV, "U0ANA", role, EVERYTHING)
    user = scene.workspace.town.users["U0ANA"]
    if flag.startswith("is_"):
        setattr(user, flag, True)
    else:
        user.team_id = "T0OTHER"
    before = await scene.desk.stages.overview(DEV)
    for typed in TYPED.values():
        assert is_refused(await said(scene, scene.person("U0ANA"), typed)), typed
    assert await scene.desk.stages.overview(DEV) == before
    assert not (await scene.desk.catalogue.released(Actor("U0ANA", is_outsider=True)))
