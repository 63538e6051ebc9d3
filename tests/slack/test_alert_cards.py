"""Alerts in Slack: what is posted, the button, the all-clear, and a channel that is closed to us."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from slack_checks import assert_golden, assert_message, shown
from slack_scene import DEV, Scene, succeeded, words

from bot.adapters.observing import RunEnded
from bot.adapters.store.alerts_log import AlertRecord
from bot.governance.roles import Role
from bot.quality.alerts import AlertRule, Standing
from bot.services.outbox_items import OutboxItem
from bot.slack.alert_blocks import TAKE
from bot.slack.letters import letter
from bot.slack.refusals import sentence
from bot.slack.seal import seal_message
from bot.workspace.default_town import BOT_USER_ID
from bot.workspace.town_records import Message
from workflows.run import Answer, Failure, RunResult, RunStatus

CHANNEL = "C0PEOPLE"
NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
FAILED = RunResult(RunStatus.FAILED, None, (), Failure("ModelUnavailable", {}, "i_ab12cd34"))


async def ran(scene: Scene, count: int, result: RunResult) -> None:
    """So many runs that end like that."""
    scene.script.ending = lambda row: result
    ana = scene.person("U0ANA")
    before = len(await scene.told(RunEnded, 0))
    for _ in range(count):
        await ana.command(CHANNEL, "/ask-policy How many days?")
    await scene.told(RunEnded, before + count)


async def posted(scene: Scene, said: str, channel: str = CHANNEL, person: str = "U0DEV") -> Message:
    """The message that says so, once it is there."""
    dev = scene.person(person)
    place = channel or dev.dm

    def look() -> Message | None:
        return next((m for m in scene.app_messages(dev, place) if said in words(m)), None)

    return await dev.wait_for(look)


async def test_an_alert_is_raised_taken_and_over(scene: Scene) -> None:
    await ran(scene, 3, FAILED)
    await scene.desk.alerting.look()
    message = await posted(scene, "fails too often")
    assert "3 of 3 runs failed in the last 24 hours (100 %; the limit is 20 %)." in words(message)
    assert "3 times people were told: “No model could be reached" in words(message)
    assert "`/spanwise runs ask-policy failed` lists them" in words(message)
    dev = scene.person("U0DEV")
    assert (await dev.click(message, TAKE)).ok
    taken = await posted(scene, "<@U0DEV> is on it")
    assert taken.ts == message.ts and "I am on it" not in words(taken), "the same message, without its button"
    await scene.quiet()
    assert any("Noted: you are on it" in words(each) for each in dev.ephemerals(CHANNEL))
    await ran(scene, 20, succeeded(Answer("Five days.", "covered")))
    await scene.desk.alerting.look()
    clear = await posted(scene, "Over: `/ask-policy` fails too often")
    assert clear.ts != message.ts and "Now: 3 of 23 runs failed" in words(clear)
    again = await posted(scene, "Over since")
    assert again.ts == message.ts, "who reads the old message sees that it is over"


async def test_only_who_answers_for_it_may_take_it(scene: Scene) -> None:
    await ran(scene, 3, FAILED)
    await scene.desk.alerting.look()
    message = await posted(scene, "fails too often")
    chloe = scene.person("U0CHLOE")
    await chloe.click(message, TAKE)
    await scene.quiet()
    assert any("You may not" in words(each) for each in chloe.ephemerals(CHANNEL))
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    await chloe.click(message, TAKE)
    await posted(scene, "<@U0CHLOE> is on it")


async def test_a_channel_that_is_closed_to_us_tells_an_admin(scene: Scene) -> None:
    channels = scene.workspace.town.channels
    others = [each for each in channels[CHANNEL].members if each != BOT_USER_ID]
    channels[CHANNEL] = replace(channels[CHANNEL], members=others)
    await ran(scene, 3, FAILED)
    await scene.desk.alerting.look()
    message = await posted(scene, "fails too often", channel="")
    assert f"I cannot post in <#{CHANNEL}>" in words(message)


FACTS: dict[AlertRule, dict[str, Any]] = {
    AlertRule.ERRORS: {
        "failed": 24,
        "runs": 60,
        "value": 40.0,
        "limit": 20,
        "minutes": 60,
        "worst": [["ask-policy", 12, 20], ["draft-reply", 7, 9]],
        "kinds": [["ModelUnavailable", 21], ["SomethingNew", 1]],
    },
    AlertRule.LATENCY: {"value": 312.4, "median": 8.2, "runs": 40, "limit": 120, "minutes": 60},
    AlertRule.COST: {"value": 31.2, "limit": 25, "calls": 812, "dearest": [["ask-policy", "22.5"]]},
    AlertRule.QUEUE: {"value": 725.0, "limit": 120, "queued": 14, "running": 0, "workers": 0},
    AlertRule.ABSTAINED: {"unknown": 15, "runs": 20, "value": 75.0, "limit": 60, "minutes": 60},
    AlertRule.DOWN: {
        "value": 130.0,
        "limit": 60,
        "said": "it does not answer",
        "next": "Start the Chroma server or mend CHROMA_URL; answers go on without it.",
    },
}
SCOPES = {AlertRule.LATENCY: "ask-policy", AlertRule.ABSTAINED: "ask-policy", AlertRule.DOWN: "index"}


def item(kind: str, rule: AlertRule, cleared: bool = False, **changes: Any) -> OutboxItem:
    raised = NOW - timedelta(minutes=42)
    standing = Standing("a_1", rule, SCOPES.get(rule, ""), raised, NOW, NOW, changes.pop("taken_by", ""))
    record = AlertRecord(standing, FACTS[rule], NOW if cleared else None)
    body = {"person": "U0DEV", "at": NOW.isoformat(), **FACTS[rule], **changes}
    return OutboxItem("m1", "", kind, CHANNEL, "", NOW, "", "", body, "alert:a_1", None, record)


CARDS = [
    *(pytest.param(item("alert", rule), id=rule.value) for rule in AlertRule),
    pytest.param(item("alert", AlertRule.ERRORS, taken_by="U0EVA"), id="taken"),
    pytest.param(item("alert", AlertRule.ERRORS, cleared=True), id="cleared"),
    pytest.param(item("alert-reminder", AlertRule.ERRORS), id="reminder"),
    pytest.param(item("alert-over", AlertRule.LATENCY, cleared=True), id="over"),
    pytest.param(item("alert-over", AlertRule.QUEUE, cleared=True, queued=0), id="over-queue"),
    pytest.param(item("alert-over", AlertRule.ERRORS, cleared=True, move="close"), id="closed"),
]


@pytest.mark.parametrize("made", CARDS)
def test_cards(made: OutboxItem, request: pytest.FixtureRequest) -> None:
    sealed = seal_message(letter(made, NOW, {}))
    assert_message(sealed)
    assert_golden(f"message-alert-{request.node.callspec.id}", sealed)


def test_names_and_kinds_are_text() -> None:
    hostile = item("alert", AlertRule.ERRORS, worst=[["<!channel>*x*", 1, 1]], kinds=[["<!here>", 1]])
    said = shown(seal_message(letter(hostile, NOW, {}))["blocks"])
    assert "<!channel>" not in said and "<!here>" not in said


def test_refusals_say_what_next() -> None:
    assert "errors=10" in sentence("InvalidThresholds", {"value": "error", "known": "errors, cost"})
    assert "over" in sentence("AlertOver", {}) and "new one" in sentence("UnknownAlert", {})
