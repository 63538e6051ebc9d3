"""The weekly digest in Slack: having it come, what it says, and what its buttons do."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from slack_checks import assert_message, shown
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.store import digests_log, questions_log
from bot.adapters.store.audit_log import read_events
from bot.adapters.store.database import Connection
from bot.governance.roles import Role
from bot.quality import digest_findings as findings
from bot.quality.chart_data import ChartData, cost_by_day, packed, satisfaction
from bot.quality.complaint import Reason
from bot.quality.digest import (
    Chart,
    Digest,
    Effect,
    FollowUp,
    ForecastLine,
    Measures,
    TopicLine,
    WeekLine,
    unpacked,
)
from bot.quality.digest import packed as packed_digest
from bot.quality.digest_findings import Act, Decision, Finding, FindingKind, FindingStatus
from bot.quality.digest_slots import IsoWeek, week_of
from bot.quality.tallies import Tally
from bot.quality.week_insights import Example, Gap, Topic, WeekInsights, WorstAnswer
from bot.services.access import NotAuthorized, Outsider
from bot.services.actors import Actor
from bot.services.digest_acting import FURTHER, DigestLetter, FindingDecided, UnknownFinding
from bot.services.digest_making import DigestMaker, no_insights
from bot.services.digest_work import DigestPace
from bot.services.outbox_items import OutboxItem
from bot.services.readers import Audience
from bot.slack import digest_blocks as blocks
from bot.slack import pictures
from bot.slack.digest_hanging import hanging
from bot.slack.elements import Outgoing
from bot.slack.letters import letter
from bot.slack.refusals import sentence
from bot.slack.seal import seal_message
from bot.workspace.town_records import Message
from tests.bot.history_rows import Past, insert_past
from workflows.run import Failure, RunStatus

CHANNEL = "C0PEOPLE"
LONDON = ZoneInfo("Europe/London")
WEEK = week_of(datetime.now(LONDON).date()).before


def at(week: IsoWeek, hours: float) -> datetime:
    return week.starts(LONDON) + timedelta(hours=hours)


async def stand_out(
    workflows: Sequence[str], since: datetime, until: datetime, sees: bool, audience: Audience
) -> WeekInsights:
    """A gap and a bad answer, in nobody's words for readers who may not see them."""
    if "ask-policy" not in workflows:
        return WeekInsights(since, until)
    example = (Example("r_1", "Can I take leave abroad?"),) if sees else ()
    topic = Topic("t_1", "ask-policy", "leave abroad", 4, 3, 2, 3, 1, example)
    gap = Gap("t_1", "ask-policy", "leave abroad", 3, 2, 0, example, "r_1" if sees else "")
    worst = WorstAnswer(
        "r_1", "ask-policy", "How <!channel> many?", "Two.", 2, 0, (Reason.WRONG,), ("Five days.",), since
    )
    return WeekInsights(since, until, (topic,), (gap,), (worst,) if sees else ())


@pytest.fixture(autouse=True)
def last_week(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of this test, not of when the file was read, which may have been on a Sunday."""
    monkeypatch.setitem(globals(), "WEEK", week_of(datetime.now(LONDON).date()).before)


@pytest.fixture
async def scene(tmp_path: Path, last_week: None) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path, insights=stand_out)
    await made.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


def happened(scene: Scene, *past: Past) -> None:
    def act(connection: Connection) -> None:
        for each in past:
            insert_past(connection, each)

    scene.store.write_now(act)


def a_week(count: int = 12) -> list[Past]:
    """Runs of two weeks, twice as many in the second."""
    now = [
        Past(f"r_{n}", asked_at=at(WEEK, 9 + n), person=f"U0P{n % 4}", votes={"U0ANA": 1 if n % 3 else -1})
        for n in range(1, count + 1)
    ]
    before = [Past(f"r_b{n}", asked_at=at(WEEK.before, 9 + n)) for n in range(count // 2)]
    return [*now, *before]


async def said(scene: Scene, person: str, command: str, channel: str = CHANNEL) -> str:
    outcome = await scene.person(person).command(channel, f"/spanwise {command}")
    assert outcome.ok
    return shown((outcome.payload or {}).get("blocks", []))


async def digest_for(scene: Scene, person: str, channel: str = "", count: int = 1) -> Message:
    """The newest digest, once it is there."""
    await scene.digesting.drain(scene.desk.people, hanging(scene.desk.charts))
    reader = scene.person(person)
    place = channel or reader.dm

    def look() -> Message | None:
        found = [m for m in scene.app_messages(reader, place) if "week" in m.text.lower()]
        return found[-1] if len(found) >= count else None

    return await reader.wait_for(look)


async def test_an_owner_has_one_without_asking_and_says_when(scene: Scene) -> None:
    assert "You get no digest" in await said(scene, "U0CHLOE", "digest")
    await scene.digesting.call_roll(scene.desk.people)
    assert "every Monday at 09:00 (Europe/London)" in await said(scene, "U0CHLOE", "digest")
    assert "about 1 workflow" in await said(scene, "U0CHLOE", "digest")
    assert "every Friday at 16:30 (America/Toronto)" in await said(
        scene, "U0CHLOE", "digest friday 4:30pm america/toronto"
    )
    assert "is off" in await said(scene, "U0CHLOE", "digest off")
    assert "every Friday at 16:30 (America/Toronto)" in await said(scene, "U0CHLOE", "digest on")
    assert "you see the runs of no workflow" in await said(scene, "U0ANA", "digest")
    events = scene.store.read_now(lambda c: read_events(c, action="digest.set"))
    assert {event.actor for event in events} == {"U0CHLOE"} and len(events) == 3


async def test_who_owns_and_where_they_are_is_kept_up_with(scene: Scene) -> None:
    access = scene.desk.access
    await access.grant(DEV, "S0PILOTS", Role.OWNER, "workflow:plan-trip")
    await scene.digesting.call_roll(scene.desk.people)

    def kept() -> dict[str, str]:
        found = scene.store.read_now(digests_log.read_subscriptions)
        return {each.recipient: each.schedule.zone for each in found}

    assert kept() == {
        "U0CHLOE": "Europe/London",
        "U0BEN": "Europe/London",
        "U0EVA": "America/Toronto",
    }
    await said(scene, "U0BEN", "digest tuesday")
    await access.revoke(DEV, "S0PILOTS", Role.OWNER, "workflow:plan-trip")
    scene.digesting._called_at = None
    await scene.digesting.call_roll(scene.desk.people)
    assert set(kept()) == {"U0CHLOE", "U0BEN"}, "what somebody set stays"


async def test_a_channel_has_one_and_loses_it(scene: Scene) -> None:
    done = await said(scene, "U0CHLOE", "digest here ask-policy monday 08:00 Europe/Paris")
    assert f"<#{CHANNEL}>: every Monday at 08:00 (Europe/Paris), about `/ask-policy`" in done
    assert f"<#{CHANNEL}>" in await said(scene, "U0CHLOE", "digest")
    assert "is off" in await said(scene, "U0DEV", "digest #people-questions off")
    assert "every Monday" in await said(scene, "U0CHLOE", "digest on here")


REFUSED = [
    ("U0ANA", "digest here", "You may not"),
    ("U0ANA", "digest now", "You may not"),
    ("U0CHLOE", "digest here plan-trip", "You may not"),
    ("U0CHLOE", "digest here monday 25:00", "“25:00”"),
    ("U0CHLOE", "digest here monday 9:00 Europe/Londn", "There is no time zone “Europe/Londn”"),
    ("U0CHLOE", "digest here off", "No digest comes to"),
    ("U0CHLOE", "digest now #leads", "No digest comes to"),
    ("U0CHLOE", "digest #leads", "I am not in <#C0LEADS>"),
    ("U0CHLOE", "digest <b>&x", "in “&lt;b&gt;&amp;x”"),
]


@pytest.mark.parametrize(("person", "command", "expected"), REFUSED)
async def test_what_is_refused_says_why(scene: Scene, person: str, command: str, expected: str) -> None:
    assert expected in await said(scene, person, command)
    assert scene.store.read_now(digests_log.read_subscriptions) == ()


async def test_a_preview_is_for_its_reader_only(scene: Scene) -> None:
    happened(scene, *a_week())
    assert "your direct messages" in await said(scene, "U0CHLOE", "digest now")
    message = await digest_for(scene, "U0CHLOE")
    text = words(message)
    assert "only you see it" in text
    assert "*Runs* 12 runs by 4 people, 100 % more than the week before" in text
    assert "*How they ended* 12 answered (100 %)" in text
    assert "*Votes* 67 % of 12 votes up (between 39 % and 86 %); no votes the week before" in text
    assert (
        "*Cost* $0.01, 100 % dearer than the week before because it was asked more often; $0.0012 a run"
        in text
    )
    assert "“Can I take leave abroad?”" in text
    assert sum(block["type"] == "image" for block in message.blocks) == 4
    assert all(len(b["alt_text"]) > 40 for b in message.blocks if b["type"] == "image")
    assert len(message.blocks) <= 50
    ana = scene.person("U0ANA")
    assert scene.app_messages(ana, CHANNEL) == [] and scene.app_messages(ana, ana.dm) == []


@pytest.mark.parametrize(("hours", "waits"), [(-0.1, False), (0.1, True), (167.9, True), (168.1, False)])
async def test_a_digest_waits_for_questions_of_its_own_week_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, hours: float, waits: bool
) -> None:
    """Where people keep asking, some question of today never has its vector yet."""
    scene.digesting.pace = DigestPace(questions_s=1, idle_s=1)
    happened(scene, Past("r_new", asked_at=at(WEEK, hours)))
    counted: list[int] = []
    count_new = questions_log.count_new
    spy = lambda *given: counted.append(count_new(*given)) or counted[-1]  # noqa: E731
    monkeypatch.setattr(questions_log, "count_new", spy)
    await said(scene, "U0CHLOE", "digest now")
    await digest_for(scene, "U0CHLOE")
    assert counted == [int(waits)]


async def test_two_clocks_and_two_workers_post_one(scene: Scene) -> None:
    happened(scene, *a_week())
    await said(scene, "U0CHLOE", f"digest here {passed_today()}")
    long_ago(scene)
    assert await scene.desk.digests.enqueue_due() == 1
    assert await scene.desk.digests.enqueue_due() == 0
    message = await digest_for(scene, "U0CHLOE", CHANNEL)
    await scene.digesting.drain(scene.desk.people)
    await scene.courier.drain()
    reader = scene.person("U0CHLOE")
    assert [m.ts for m in scene.app_messages(reader, CHANNEL)] == [message.ts]
    text = words(message)
    assert "12 runs by 4 people" in text and "3 questions that the knowledge does not cover" in text
    assert "leave abroad?" not in text, "nobody's words in a channel"


def passed_today() -> str:
    """A weekly hour that is just over, as it is typed."""
    now = datetime.now(UTC) - timedelta(minutes=1)
    return f"{now:%A} {now:%H:%M} UTC".lower()


def long_ago(scene: Scene) -> None:
    """As if everybody had set theirs two weeks ago."""
    then = datetime.now(UTC) - timedelta(days=15)

    def act(connection: Connection) -> None:
        for each in digests_log.read_subscriptions(connection):
            digests_log.put_subscription(connection, each, each.changed_at or then)
        connection.execute(digests_log.digest_channels.update().values(changed_at=then))

    scene.store.write_now(act)


async def test_a_quiet_week_takes_two_lines(scene: Scene) -> None:
    scene.digesting.maker = DigestMaker(scene.store, scene.desk.catalogue, scene.desk.clock, no_insights)
    await said(scene, "U0DEV", "digest now")
    message = await digest_for(scene, "U0DEV")
    (block,) = message.blocks
    assert words(message).startswith("*A quiet week*") and "nobody ran any of your workflows" in words(
        message
    )
    assert len(block["text"]["text"].splitlines()) == 2


async def test_a_week_with_only_failures_says_why(scene: Scene) -> None:
    failure = Failure("ModelTimeout", {"alias": "default"}, "i_1")
    past = [
        Past(f"r_{n}", "plan-trip", status=RunStatus.FAILED, asked_at=at(WEEK, n), failure=failure)
        for n in range(8)
    ]
    happened(scene, *past)
    await said(scene, "U0DEV", "digest now")
    text = words(await digest_for(scene, "U0DEV"))
    assert "No run came to an answer this week*: 8 of 8 failed" in text
    assert "8 runs of 8 failed in the same way" in text and "*Time* nothing ran to its end" in text
    assert "did not finish in time" in text, "the sentence that people were shown"


async def test_a_channel_that_is_closed_has_its_owner_told(scene: Scene) -> None:
    happened(scene, *a_week())
    await said(scene, "U0CHLOE", f"digest here {passed_today()}")
    long_ago(scene)
    scene.workspace.site.town.channels[CHANNEL].is_archived = True
    await scene.desk.digests.enqueue_due()
    message = await digest_for(scene, "U0CHLOE")
    assert f"This digest was for <#{CHANNEL}>, which is archived, closed to me" in words(message)
    assert "12 runs by 4 people" in words(message)
    assert "is archived, so nothing can be posted" in await said(
        scene, "U0CHLOE", "digest #people-questions", "C0GENERAL"
    )


async def test_a_channel_whose_keeper_may_see_nothing_any_more(scene: Scene) -> None:
    await said(scene, "U0CHLOE", f"digest here {passed_today()}")
    long_ago(scene)
    await scene.desk.access.revoke(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    await scene.desk.digests.enqueue_due()
    await scene.digesting.drain(scene.desk.people)
    chloe = scene.person("U0CHLOE")
    told = await chloe.wait_for(lambda: next(iter(scene.app_messages(chloe, chloe.dm)), None))
    assert f"The weekly digest for <#{CHANNEL}> has ended" in words(told)
    (kept,) = scene.store.read_now(digests_log.read_subscriptions)
    assert not kept.is_on


async def finding_of(scene: Scene, kind: FindingKind) -> tuple[Message, str]:
    """A posted digest, and the id of its finding of a kind."""
    happened(scene, *a_week())
    await said(scene, "U0CHLOE", "digest now")
    message = await digest_for(scene, "U0CHLOE")
    found = scene.store.read_now(lambda c: digests_log.read_findings(c, ["ask-policy"]))
    return message, next(each.id for each in found if each.kind is kind)


def status(scene: Scene, finding_id: str) -> FindingStatus:
    finding = scene.store.read_now(lambda c: digests_log.find_finding(c, finding_id))
    assert finding is not None
    return finding.status


async def drawn(scene: Scene, person: str, phrase: str) -> Message:
    reader = scene.person(person)
    return await reader.wait_for(
        lambda: next((m for m in scene.app_messages(reader, reader.dm) if phrase in words(m)), None)
    )


async def many(
    workflows: Sequence[str], since: datetime, until: datetime, sees: bool, audience: Audience
) -> WeekInsights:
    """Five gaps, the largest first."""
    gaps = tuple(
        Gap(f"t_{n}", "ask-policy", f"subject {n}", 9 - n, 2, 0, (Example("r_1", f"What of {n}?"),), "r_1")
        for n in range(5)
    )
    return WeekInsights(since, until, gaps=gaps)


async def test_findings_of_less_weight_are_told_once_in_the_thread(tmp_path: Path) -> None:
    scene, close = await open_scene(tmp_path, insights=many)
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    message, shown_id = await finding_of(scene, FindingKind.GAP)
    assert "subject 1" in words(message) and "subject 2" not in words(message)
    assert "3 more findings of less weight." in words(message)
    chloe = scene.person("U0CHLOE")
    (key,) = [
        each["accessory"]["value"]
        for each in message.blocks
        if each.get("accessory", {}).get("action_id") == blocks.SHOW_FURTHER
    ]
    replies = lambda: [m for m in scene.app_messages(chloe, chloe.dm, message.ts) if m.ts != message.ts]  # noqa: E731
    assert (await chloe.click(message, blocks.SHOW_FURTHER, key)).ok
    (thread,) = await chloe.wait_for(lambda: replies() or None)
    assert [f"subject {n}" in words(thread) for n in range(5)] == [False, False, True, True, True]
    assert (await chloe.click(message, blocks.SHOW_FURTHER, key)).ok
    found = scene.store.read_now(lambda c: digests_log.read_findings(c, ["ask-policy"]))
    last = next(each for each in found if each.subject == "t_4")
    assert (await chloe.click(thread, blocks.DISMISS, last.id)).ok
    await chloe.wait_for(lambda: "<@U0CHLOE>: not a problem" in words(replies()[0]) or None)
    assert [m.ts for m in replies()] == [thread.ts], "asked for again, they stand there once"
    assert status(scene, shown_id) is FindingStatus.OPEN
    tell = scene.desk.digest_acts.tell_further
    for actor, name, refused in (
        (Actor("U0CHLOE"), "digest:U0EVA:2026-W01", UnknownFinding),
        (Actor("U0ANA"), key, NotAuthorized),
        (Actor("U0GUEST", is_outsider=True), key, Outsider),
    ):
        with pytest.raises(refused):
            await tell(actor, name)
    await close()


async def test_not_a_problem_is_remembered_and_taken_back(scene: Scene) -> None:
    message, finding_id = await finding_of(scene, FindingKind.GAP)
    chloe = scene.person("U0CHLOE")
    assert (await chloe.click(message, blocks.DISMISS, finding_id)).ok
    again = await drawn(scene, "U0CHLOE", "<@U0CHLOE>: not a problem")
    assert again.ts == message.ts and status(scene, finding_id) is FindingStatus.DISMISSED
    await said(scene, "U0CHLOE", "digest now")
    second = await digest_for(scene, "U0CHLOE", count=2)
    assert "that the knowledge does not cover" not in words(second)
    assert "An answer was voted down" in words(second)
    await chloe.click(again, blocks.TAKE_BACK, finding_id)
    await scene.quiet()
    assert status(scene, finding_id) is FindingStatus.OPEN
    events = scene.store.read_now(lambda c: read_events(c, target=f"finding:{finding_id}"))
    assert [event.action for event in events] == ["finding.reopened", "finding.decided"]


async def test_only_who_decides_about_bad_answers_may_settle(scene: Scene) -> None:
    message, finding_id = await finding_of(scene, FindingKind.WORST)
    await scene.desk.access.revoke(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    chloe = scene.person("U0CHLOE")
    await chloe.click(message, blocks.DISMISS, finding_id)
    await scene.quiet()
    assert status(scene, finding_id) is FindingStatus.OPEN
    assert any("You may not" in words(m) for m in chloe.ephemerals(chloe.dm))


async def test_a_case_of_a_bad_answer(scene: Scene) -> None:
    message, finding_id = await finding_of(scene, FindingKind.WORST)
    assert "How &lt;!channel&gt; many?" in words(message)
    chloe = scene.person("U0CHLOE")
    assert (await chloe.click(message, blocks.CASE, finding_id)).ok
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    empty = await chloe.submit(form, {"contain": {"value": ""}})
    assert "contain" in empty.errors
    assert (await chloe.submit(form, {"contain": {"value": "five days"}})).ok
    await drawn(scene, "U0CHLOE", "<@U0CHLOE> added the case")
    assert status(scene, finding_id) is FindingStatus.ACTED
    (kept, *_) = await scene.desk.golden.of("ask-policy")
    assert kept.run_id == "r_1"


async def test_knowledge_for_a_gap(scene: Scene) -> None:
    message, finding_id = await finding_of(scene, FindingKind.GAP)
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR, "collection:people")
    chloe = scene.person("U0CHLOE")
    assert (await chloe.click(message, blocks.KNOWLEDGE, finding_id)).ok
    await scene.quiet()
    forms = chloe.views()
    if not forms:
        # nothing is in any collection of this workspace
        assert "in no collection" in str([words(m) for m in chloe.ephemerals(chloe.dm)])


async def test_somebody_else_is_given_it_and_settles_it(scene: Scene) -> None:
    message, finding_id = await finding_of(scene, FindingKind.WORST)
    chloe = scene.person("U0CHLOE")
    assert (await chloe.click(message, blocks.ASSIGN, "U0BEN")).ok
    letter = await drawn(scene, "U0BEN", "asks you to look into something")
    assert "/ask-policy" in words(letter), "he may see no runs"
    assert "voted down by 2 people" in words(letter) and "many?" not in words(letter)
    assert "gave it to <@U0BEN>" in words(await drawn(scene, "U0CHLOE", "gave it to"))
    ben = scene.person("U0BEN")
    assert (await ben.click(letter, blocks.DISMISS, finding_id)).ok
    await drawn(scene, "U0BEN", "<@U0BEN>: not a problem")
    with pytest.raises(FindingDecided) as caught:
        await scene.desk.digest_acts.decide(DEV, finding_id, Act.CASE)
    assert sentence("FindingDecided", caught.value.facts).startswith("<@U0BEN> set it aside already.")


async def test_who_may_see_the_runs_is_given_it_with_the_words(scene: Scene) -> None:
    message, _ = await finding_of(scene, FindingKind.WORST)
    await scene.person("U0CHLOE").click(message, blocks.ASSIGN, "U0DEV")
    assert "Asked: “How" in words(await drawn(scene, "U0DEV", "asks you to look into something"))


async def test_pictures_that_slack_does_not_have_are_said_in_words(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE_S", (0.0,))
    happened(scene, *a_week())

    async def lost(charts: Sequence[ChartData]) -> tuple[Chart, ...]:
        return tuple(Chart(packed(each), "F0NOWHERE") for each in charts)

    await said(scene, "U0CHLOE", "digest now")
    await scene.digesting.drain(scene.desk.people, lost)
    message = await drawn(scene, "U0CHLOE", "*How they ended*")
    assert not [block for block in message.blocks if block["type"] == "image"]
    assert "Cost by day" in words(message)


def forty() -> DigestLetter:
    """Forty workflows, everything at its longest."""
    line = WeekLine(
        "", "", Measures(runs=400, people=90, answered=400, cost_usd=Decimal(4)), Measures(runs=300)
    )
    lines = tuple(
        replace(line, name=f"w-{n}", title=f"Workflow <!here> number {n} " + "x" * 60) for n in range(40)
    )
    known = [
        Finding(f"f_{number}", f"w-{number}", kind, str(number), FACTS[kind], WEEK)
        for number, kind in enumerate([*FindingKind] * 2)
    ]
    chosen_ids = tuple(each.id for each in known[: findings.SHOWN])
    done = known[-1].decided(Decision(Act.FIX, "U0CHLOE", at(WEEK, 200)))
    effect = Effect(10, 3, 1, Decimal("0.01"))
    follow = FollowUp(
        done.id, done.workflow, Act.FIX, "U0CHLOE", at(WEEK, 200), "c_1", "applied", effect, effect
    )
    topic = TopicLine("w-1", "leave " * 30, 40, 30, 4, ("why " * 60,) * 3)
    days = [WEEK.monday]
    charts = (
        Chart(packed(cost_by_day(days, {"a": [Decimal(1)]}))),
        Chart(packed(satisfaction(days, [Tally(runs=1)]))),
    )
    digest = Digest(
        "U0CHLOE",
        str(WEEK),
        "Europe/London",
        at(WEEK, 0),
        at(WEEK, 168),
        replace(line, name="", title=""),
        lines,
        silent=3,
        follow_ups=(follow,) * 4,
        topics=(topic,) * 3,
        unused=("Paper",) * 3,
        unused_count=90,
        forecasts=(ForecastLine("", Decimal(1), Decimal(2), Decimal(1), Decimal(3)),) * 41,
        findings=chosen_ids,
        further=tuple(each.id for each in known[: findings.MOST_FURTHER]),
        findings_left=200,
        charts=charts * 2,
    )
    return DigestLetter(digest, {each.id: each for each in (*known[:-1], done)})


GOOD_TEXT = {"question": "How?", "answer": "So.", "label": "leave", "examples": ["Why <@U0ANA>?"] * 3}
FACTS: dict[FindingKind, dict[str, Any]] = {
    FindingKind.FAILURES: {"severity": 3, "count": 3, "runs": 9, "error": "StepTimeout", "facts": {}},
    FindingKind.WORST: {"severity": 1, "votes_down": 1, "votes_up": 2, "reasons": ["wrong"], **GOOD_TEXT},
    FindingKind.GAP: {"severity": 1, "questions": 1, "people": 1, "escalated": 1, **GOOD_TEXT},
    FindingKind.ANOMALY: {
        "severity": 5,
        "measure": "latency",
        "value": 9.5,
        "usual": 3.0,
        "weeks": 5,
        "causes": [{"kind": "price", "what": "m", "at": "2026-11-16T09:00:00+00:00", "by": "U0DEV"}],
    },
    FindingKind.FORECAST: {
        "severity": 1.5,
        "spent": "3",
        "expected": "15",
        "low": "12",
        "high": "17",
        "limit": "10",
    },
    FindingKind.STALE: {
        "severity": 7,
        "title": "Leave",
        "answers": 9,
        "votes_down": 2,
        "age_days": 800,
        "owner": "HR",
    },
}


async def test_a_document_too_long_for_a_form_is_not_passed_over_in_silence(
    scene: Scene, tmp_path: Path
) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    pages = [f"{'Word ' * 500}{number}" for number in range(30)]
    (shelf / "leave.md").write_text("\n\n".join(["# Leave", *pages]), encoding="utf-8")
    await scene.holdings.add(shelf, "people", source="shelf")
    facts = {**FACTS[FindingKind.STALE], "path": "leave.md", "collection": "people"}
    old = Finding("f_1", "collection:people", FindingKind.STALE, "d1", facts, WEEK)
    scene.store.write_now(lambda connection: digests_log.put_finding(connection, old, scene.desk.clock.now()))
    dev = scene.person("U0DEV")
    direct = await scene.desk.gateway.direct_channel("U0DEV")
    await scene.desk.gateway.post(direct, Outgoing("x", (blocks._ending(old),)))
    await dev.click(scene.app_messages(dev, dev.dm)[-1], blocks.FIX, "f_1")
    await scene.quiet()
    assert "too long" in words(dev.ephemerals(dev.dm)[-1])


@pytest.mark.parametrize("is_public", [False, True])
def test_forty_workflows_fit_into_one_message(is_public: bool) -> None:
    about = forty()
    about = replace(about, digest=replace(about.digest, is_public=is_public))
    item = OutboxItem("m", "", "digest", "U0CHLOE", "", at(WEEK, 0), "", "", {}, "digest:x", about=about)
    sealed = seal_message(letter(item, at(WEEK, 200), {}), ())
    assert_message(sealed)
    assert len(sealed["blocks"]) <= 50
    text = shown(sealed["blocks"])
    assert "and 30 more: 12,000 runs" in text and "<!here>" not in text and "<@U0ANA>" not in text
    assert ("Asked: “How?”" in text) is not is_public
    assert "votes up 75 % → 75 %, cost of a run $0.01 → $0.01, over 10 runs and 4 votes since" in text
    assert unpacked(packed_digest(about.digest)) == about.digest


def test_the_findings_of_less_weight_fit_as_well() -> None:
    item = OutboxItem("m", "", FURTHER, "U0CHLOE", "", at(WEEK, 0), "", "", {}, "digest:x", about=forty())
    sealed = seal_message(letter(item, at(WEEK, 200), {}), ())
    assert_message(sealed)
    text = shown(sealed["blocks"])
    assert "12 findings of less weight" in text and "188 more findings are not listed" in text


@pytest.mark.parametrize("kind", list(FindingKind))
def test_what_retention_left_of_a_finding_says_so(kind: FindingKind) -> None:
    kept = Finding("f_1", "ask-policy", kind, "x", {"severity": 2}, WEEK)
    item = OutboxItem("m", "", "digest-task", "U0BEN", "", at(WEEK, 0), "", "", {"by": "U0CHLOE"}, about=kept)
    assert "This was deleted, as the retention of its workflow asks" in shown(
        seal_message(letter(item, at(WEEK, 200), {}), ())["blocks"]
    )
