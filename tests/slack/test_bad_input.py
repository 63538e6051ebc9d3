"""Each bad input has a stated outcome, a clear sentence and a log line."""

import asyncio
from pathlib import Path

import pytest
from slack_scene import Scene, open_scene, words
from structlog.testing import capture_logs

from bot.slack import blocks
from bot.workspace.town_records import User

CHANNEL = "C0PEOPLE"


async def test_an_empty_question_opens_the_form(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/ask-policy")).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "Your question" in words(form)
    assert scene.script.rows == []


async def test_40_000_characters_open_the_form_with_the_beginning_and_a_word_on_the_limit(
    scene: Scene,
) -> None:
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/ask-policy " + "long " * 7990)).ok
    form = await ana.wait_for(lambda: next(iter(ana.views()), None))
    assert "39 949 characters, at most 2 000 fit" in words(form)
    assert (await ana.submit(form, {})).ok
    await scene.answered(ana)


async def test_a_message_that_is_too_long_is_told_so(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.say(ana.dm, "ask-policy: " + "long " * 700)
    said = await ana.wait_for(lambda: next(iter(ana.ephemerals(ana.dm)), None))
    assert "cannot take your message as it stands" in words(said)
    assert "at most 2,000 are read" in words(said)
    assert scene.script.rows == []


@pytest.mark.parametrize(
    "question", ["كم عدد أيام الإجازة؟", "🏖️🏖️🏖️", "<!channel> <@U0DEV> <https://evil.example|x>"]
)
async def test_any_question_runs_word_for_word_and_pings_nobody(scene: Scene, question: str) -> None:
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, f"/ask-policy --public {question}")).ok
    message = await scene.answered(ana, CHANNEL)
    assert scene.script.rows[0].inputs["question"]
    shown = words(message).replace("<@U0ANA>", "")
    assert "<!" not in shown and "<@" not in shown and "<http" not in shown
    if "<" not in question:
        assert scene.script.rows[0].inputs["question"] == question


async def test_a_person_without_a_role_is_told_whom_to_ask(tmp_path: Path) -> None:
    scene, close = await open_scene(tmp_path, open_to_all=False)
    try:
        ana = scene.person("U0ANA")
        with capture_logs() as logs:
            outcome = await ana.command(CHANNEL, "/ask-policy How many days?")
        assert "You may not run" in str(outcome.payload) and "<@U0DEV>" in str(outcome.payload)
        assert [line["error"] for line in logs if line["event"] == "slack.refused"] == ["NotAuthorized"]
        listed = await ana.command(CHANNEL, "/spanwise list")
        assert "You have no workflow you may run yet" in str(listed.payload)
        await ana.say(ana.dm, "how many days of leave?")
        await ana.wait_for(lambda: next(iter(ana.ephemerals(ana.dm)), None))
        assert scene.script.rows == []
    finally:
        await close()


@pytest.mark.parametrize("flag", ["is_bot", "deleted", "is_restricted", "is_ultra_restricted", "is_stranger"])
async def test_outsiders_are_refused_on_every_surface(
    scene: Scene, flag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = User.as_slack

    def flagged(self: User, *args: object, **kwargs: object) -> dict[str, object]:
        return {**plain(self, *args, **kwargs), flag: True}  # type: ignore[arg-type]

    monkeypatch.setattr(User, "as_slack", flagged)
    ben = scene.person("U0BEN")
    outcome = await ben.command(CHANNEL, "/ask-policy How many days?")
    assert "members of this workspace only" in str(outcome.payload)
    await ben.say(CHANNEL, "<@U0SPAN> how many days of leave can I carry over?")
    await ben.wait_for(lambda: next(iter(ben.ephemerals(CHANNEL)), None))
    await scene.quiet()
    assert scene.script.rows == []


async def test_a_person_of_another_workspace_is_an_outsider(scene: Scene) -> None:
    scene.desk.people.home_team = "T0OTHER"
    outcome = await scene.person("U0BEN").command(CHANNEL, "/ask-policy How many days?")
    assert "members of this workspace only" in str(outcome.payload)


async def test_slack_itself_refuses_a_command_in_a_thread(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    root = await ana.say(CHANNEL, "hello")
    outcome = await ana.command(CHANNEL, "/ask-policy How many days?", root.ts)
    assert not outcome.ok and scene.script.rows == []


async def test_a_duplicate_delivery_runs_once_and_answers_once(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    scene.workspace.faults.add("slash_commands", "duplicate")
    assert (await ana.command(CHANNEL, "/ask-policy How many days?")).ok
    scene.workspace.faults.add("events_api", "duplicate")
    asked = await ana.say(CHANNEL, "<@U0SPAN> how many days of leave can I carry over?")
    await scene.answered(ana)
    await scene.answered(ana, CHANNEL, asked.ts)
    await asyncio.sleep(0.2)
    assert len(scene.script.rows) == 2
    assert len(scene.app_messages(ana, ana.dm)) == 1
    assert len(scene.app_messages(ana, CHANNEL, asked.ts)) == 1


async def test_an_expired_trigger_says_how_to_type_it(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    scene.workspace.faults.add("views.open", "error", error="expired_trigger_id")
    assert (await ana.command(CHANNEL, "/plan-trip")).ok
    note = await ana.wait_for(lambda: next(iter(ana.ephemerals(CHANNEL)), None))
    assert "expire before it opened" in words(note) and "/plan-trip &lt;reason" in words(note)


async def test_an_unforeseen_error_shows_a_token_that_is_in_the_log_and_no_message(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_args: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(scene.desk.runs), "accept", broken)
    ana = scene.person("U0ANA")
    with capture_logs() as logs:
        outcome = await ana.command(CHANNEL, "/ask-policy How many days?")
        await ana.say(CHANNEL, "<@U0SPAN> how many days of leave can I carry over?")
        note = await ana.wait_for(
            lambda: next((m for m in ana.ephemerals(CHANNEL)[1:] if "Incident" in words(m)), None)
        )
    tokens = [line["token"] for line in logs if line["event"] == "slack.incident"]
    assert tokens[0] in str(outcome.payload) and tokens[1] in words(note)
    assert "secret detail" not in str(outcome.payload) + words(note)


async def test_a_click_from_an_older_release_is_answered(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    message = await scene.answered(ana)
    votes = next(block for block in message.blocks if block["type"] == "context_actions")
    votes["elements"][0]["positive_button"]["value"] = "good"
    assert (await ana.click(message, blocks.VOTE, "good")).ok
    note = await ana.wait_for(
        lambda: next((m for m in ana.ephemerals(ana.dm) if "older message" in words(m)), None)
    )
    assert "Run the command again" in words(note)


async def test_nobody_cancels_or_explains_what_is_not_theirs(scene: Scene) -> None:
    scene.script.gate = asyncio.Event()
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    await ana.wait_for(lambda: scene.script.rows or None)
    run_id = scene.script.rows[0].id
    for typed in (f"/spanwise cancel {run_id}", f"/spanwise status {run_id}"):
        outcome = await ben.command(CHANNEL, typed)
        assert ":lock:" in str(outcome.payload), typed
    scene.script.gate.set()
    await scene.answered(ana)


async def test_bots_and_edits_are_not_answered(scene: Scene) -> None:
    event = {"type": "message", "channel": "D0X", "channel_type": "im", "ts": "1.2", "text": "how many days?"}
    for extra in (
        {"bot_id": "B1", "user": "U0SPAN"},
        {"subtype": "message_changed"},
        {},
        {"subtype": "bot_message", "user": "U0ANA"},
    ):
        response = await scene.reception.receive("event", {"team_id": "T0SPAN", "event": {**event, **extra}})
        assert response.status == 200
    await scene.quiet()
    assert scene.script.rows == []


@pytest.mark.parametrize("kind", ["command", "action", "view", "shortcut", "event"])
@pytest.mark.parametrize(
    "body", [{}, {"view": {"private_metadata": "not json"}}, {"actions": []}, {"event": {}}]
)
async def test_a_payload_of_no_known_shape_is_acknowledged(
    scene: Scene, kind: str, body: dict[str, object]
) -> None:
    response = await scene.reception.receive(kind, body)  # type: ignore[arg-type]
    assert response.status == 200
    await scene.quiet()
