"""`/spanwise audit` through the real app."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.store import audit_log
from bot.governance.roles import Role
from bot.workspace.driver import Person
from bot.workspace.town_records import Message

CHANNEL = "C0PEOPLE"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
    await made.desk.access.grant(DEV, "U0EVA", Role.AUDITOR)
    await made.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


async def asked(person: Person, typed: str) -> str:
    return str((await person.command(CHANNEL, f"/spanwise audit {typed}")).payload)


async def whispered(scene: Scene, person: Person, typed: str) -> str:
    told = len(person.ephemerals(CHANNEL))
    await person.command(CHANNEL, f"/spanwise audit {typed}")
    await scene.quiet()
    return "\n".join(words(message) for message in person.ephemerals(CHANNEL)[told:])


async def test_the_trail_answers_in_chat(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    assert "The newest" in await asked(eva, "")
    assert "cannot tell which events “gibberish here” means" in await asked(eva, "gibberish here")
    changed = await asked(eva, "who changed ask-policy")
    assert "workflow.released" in changed and "grant.given" in changed and "U0CHLOE:owner" in changed
    by_dev = await asked(eva, "of @dev")
    assert "<@U0DEV>" in by_dev and "workflow.released" not in by_dev
    assert "There is no event" in await asked(eva, "of @ana")
    assert "is no date" in await asked(eva, "since yesterday")
    assert "There is no event" in await asked(eva, "until 2001-01-01")


@pytest.mark.parametrize("name", ["ANA", "CHLOE"])
async def test_others_are_refused_where_only_they_see_it(scene: Scene, name: str) -> None:
    person = scene.person(f"U0{name}")
    assert "You may not read the audit events" in await asked(person, "")
    assert "You may not read the audit events" in await asked(person, "who changed ask-policy")
    assert "You may not read the audit events" in await whispered(scene, person, "verify")
    assert "You may not take the audit events away" in await whispered(scene, person, "export")
    assert scene.app_messages(person, CHANNEL) == [] and scene.app_messages(person, person.dm) == []


async def test_the_chain_and_a_posted_checkpoint_are_verified(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    assert "none missing between them" in await whispered(scene, eva, "verify")
    assert await scene.desk.auditing.post_checkpoint()

    scene.workspace.town.channels["C0LEADS"].members.append("U0SPAN")

    def look() -> Message | None:
        return next((m for m in scene.app_messages(eva, "C0LEADS") if "Audit checkpoint" in words(m)), None)

    posted = await eva.wait_for(look)
    block = re.search(r"```(.*)```", words(posted), re.DOTALL)
    assert block is not None
    said = await whispered(scene, eva, f"verify {block.group(1)}")
    assert re.search(r"Checkpoint \d{4}-W\d\d holds", said)
    assert "The newest checkpoint is" in await whispered(scene, eva, "verify")
    changed = re.sub(r"events: \d+", "events: 1", block.group(1))
    assert "The signature does not fit" in await whispered(scene, eva, f"verify {changed}")
    assert "no whole checkpoint" in await whispered(scene, eva, "verify it all")


async def test_the_file_comes_by_direct_message_and_is_on_record(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    assert "The file comes in your direct messages" in await whispered(
        scene, eva, "export jsonl who changed ask-policy"
    )
    files: list[Any] = [f for m in scene.app_messages(eva, eva.dm) for f in m.files]
    assert files[0]["name"].endswith(".jsonl")
    assert scene.app_messages(eva, CHANNEL) == []
    event = scene.store.write_now(lambda c: audit_log.read_events(c, action="audit.exported"))[0]
    assert (event.actor, event.context["format"], event.context["about"]) == ("U0EVA", "jsonl", "ask-policy")
