"""What people and admins read in Slack when a part is down, and that all goes on when it is back."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from slack_scene import Scene, words

from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import beat
from bot.services.alert_places import AlertPlaces
from bot.services.health_checks import HealthChecks
from bot.services.heartbeats import Heartbeats
from bot.slack.line_probe import LineProbe
from bot.slack.store_watch import PATIENCE, TURN, StoreWatch
from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from tests.fakes import FakeClock
from tests.faults.broken_store import FAULTS
from workflows.run import Failure, RunResult, RunStatus

CHANNEL = "C0PEOPLE"
"""Where alerts of the scene go, too."""


async def said(scene: Scene, person: Person, piece: str) -> Message:
    """The app's message in the channel that says this."""
    found = lambda: [m for m in scene.app_messages(person, CHANNEL) if piece in words(m)]  # noqa: E731
    return (await person.wait_for(found))[-1]


NAMES = ("host-a:1", "host-b:1")


async def beating(scene: Scene) -> tuple[StoreWatch, StoreWatch]:
    """Two processes that take Slack's requests, as they know each other, on a clock of the test's own."""
    clock, desk = FakeClock(datetime.now(UTC)), scene.desk
    for name in NAMES:
        await scene.store.write(lambda c, name=name: beat(c, name, ("slack",)))
    first, second = (
        StoreWatch(scene.store, desk.alerting, desk.gateway, clock, name, patience=timedelta(0))
        for name in NAMES
    )
    await first.look()
    await second.look()
    return first, second


def told(scene: Scene) -> list[str]:
    """What admins were told, oldest first."""
    return [words(m) for m in scene.app_messages(scene.person("U0DEV"), CHANNEL)]


async def works_again(scene: Scene, *watches: StoreWatch) -> None:
    """Until each has seen that the database takes writes."""
    scene.store._writer.full_at = float("-inf")  # 20 s later
    async with asyncio.timeout(10):
        for watch in watches:
            while watch._since is not None and watch._back_since is None:
                await watch.look()


@pytest.mark.parametrize("fault", FAULTS)
async def test_admins_are_told_once_that_the_database_takes_nothing(
    scene: Scene, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.adapters.store.database.PROBE_S", 0.3)
    first, second = await beating(scene)
    with FAULTS[fault](scene.store):
        for watch in (first, second, first):
            await watch.look()
        assert len(told(scene)) == 1 and "kept and will be answered" in told(scene)[0]
        first.clock.at += TURN  # type: ignore[attr-defined]
        await second.look()
        assert len(told(scene)) == 1 and second._told, "it saw that the first has said it"
    await works_again(scene, first, second)
    first.clock.at += TURN  # type: ignore[attr-defined]
    await second.look()
    assert len(told(scene)) == 2 and "Over: the database takes requests again" in told(scene)[1]


async def test_who_is_left_speaks_for_the_one_that_is_gone(scene: Scene) -> None:
    first, second = await beating(scene)
    with FAULTS["read-only"](scene.store):
        await second.look()
        assert told(scene) == []
        second.clock.at += TURN  # type: ignore[attr-defined]
        await second.look()
        assert len(told(scene)) == 1
    await works_again(scene, second)
    assert len(told(scene)) == 1
    second.clock.at += TURN  # type: ignore[attr-defined]
    await second.look()
    await first.look()
    assert len(told(scene)) == 2


async def test_the_end_is_told_by_processes_that_began_after_it(scene: Scene) -> None:
    first, _ = await beating(scene)
    with FAULTS["read-only"](scene.store):
        await first.look()
    new = replace(first, process="host-a:2", _since=None, _told=(), _has_begun=False)
    await new.look()
    assert len(told(scene)) == 1, "the older ones may be there yet"
    new.clock.at += TURN * 2  # type: ignore[attr-defined]
    await new.look()
    assert len(told(scene)) == 2
    await replace(new, _has_begun=False).look()
    assert len(told(scene)) == 2


async def test_the_next_trouble_is_told_again(scene: Scene) -> None:
    first, _ = await beating(scene)
    for count in (1, 2):
        with FAULTS["read-only"](scene.store):
            await first.look()
        await first.look()
        assert len(told(scene)) == 2 * count


async def test_where_slack_shows_no_history_it_is_said(scene: Scene) -> None:
    first, _ = await beating(scene)
    scene.workspace.faults.add("conversations.history", "error", error="missing_scope")
    with FAULTS["read-only"](scene.store):
        await first.look()
    assert len(told(scene)) == 1


async def test_each_admin_is_told_once_where_alerts_have_no_channel(scene: Scene) -> None:
    first, second = await beating(scene)
    first.alerting = second.alerting = AlertPlaces(scene.store, scene.desk.access, "")
    dev = scene.person("U0DEV")
    with FAULTS["read-only"](scene.store):
        await first.look()
        for _ in range(2):
            await second.look()
            second.clock.at += TURN  # type: ignore[attr-defined]
    assert len(scene.app_messages(dev, dev.dm)) == 1 and second._told == ("U0DEV",)


async def test_what_is_over_soon_is_not_told(scene: Scene) -> None:
    first, _ = await beating(scene)
    first.patience = PATIENCE
    with FAULTS["read-only"](scene.store):
        await first.look()
    await first.look()
    assert told(scene) == []


async def test_an_index_that_is_down_is_an_alert_with_its_all_clear(scene: Scene) -> None:
    dev = scene.person("U0DEV")
    since = (datetime.now(UTC) - timedelta(minutes=2)).isoformat()
    trouble = {"since": since, "said": "it does not answer", "next": "Start the Chroma server."}
    await scene.store.write(lambda c: beat(c, "one", ("worker",), 8, {"index": trouble}))
    await scene.store.write(lambda c: beat(c, "two", ("worker",), 8, {"index": {}}))
    await scene.desk.alerting.look()
    await scene.desk.alerting.look()
    scene.courier.outgoing.ring()
    raised = await said(scene, dev, "The document index is down")
    assert "It does not answer, for 2 min" in words(raised) and "Start the Chroma server." in words(raised)
    await scene.store.write(lambda c: beat(c, "one", ("worker",), 8, {"index": {}}))
    await scene.desk.alerting.look()
    scene.courier.outgoing.ring()
    assert "It answers again." in words(await said(scene, dev, "Over: The document index is down"))


async def test_beats_carry_what_a_process_finds_down(store: Store) -> None:
    down = True

    async def look() -> str:
        return "it does not answer" if down else ""

    checks = HealthChecks({"index": look, "model": look}, frozenset(), fresh_s=0)
    beats = Heartbeats(store, ("worker",), checks=checks)
    first = await beats._troubles()
    assert set(first) == {"index"}, "of models, errors are the alert"
    assert first["index"]["said"] == "it does not answer" and first["index"]["next"]
    assert (await beats._troubles())["index"]["since"] == first["index"]["since"]
    down = False
    assert await beats._troubles() == {"index": {}}


async def test_who_asks_reads_that_knowledge_is_being_rebuilt(scene: Scene) -> None:
    failure = Failure("KnowledgeRebuilding", {"collection": "people"})
    scene.script.ending = lambda row: RunResult(RunStatus.FAILED, None, (), failure)
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    said_to_her = await ana.wait_for(
        lambda: next((m for m in scene.app_messages(ana, ana.dm) if "being rebuilt" in words(m)), None)
    )
    assert "“people”" in words(said_to_her) and "answer nothing without it" in words(said_to_her)


async def test_slack_goes_away_and_comes_back(scene: Scene) -> None:
    """What was taken is carried out meanwhile, and its answer comes when Slack does, once."""
    ana, workspace = scene.person("U0ANA"), scene.workspace
    scene.script.gate = asyncio.Event()
    await ana.command(CHANNEL, "/ask-policy Does it wait?")
    await ana.wait_for(lambda: scene.app_messages(ana, ana.dm))
    probe = LineProbe(scene.desk.gateway, scene.desk.clock)
    assert await probe.look() == ""
    workspace._port = int(workspace.site.base_url.rpartition(":")[2])
    await workspace.stop()
    probe._asked_at = None
    assert await probe.look() == "Slack cannot be reached"
    scene.script.gate.set()
    async with asyncio.timeout(10):
        while (await scene.desk.runs.recent(await scene.desk.people.actor("U0ANA")))[0].finished_at is None:
            await asyncio.sleep(0.02)
    await workspace.start()
    assert await probe.look() == "", "found by itself"
    async with asyncio.timeout(60):
        # the courier waits longer after each attempt
        while "five days" not in words(scene.app_messages(ana, ana.dm)[0]):
            await asyncio.sleep(0.05)
    assert len(scene.app_messages(ana, ana.dm)) == 1
