"""`/spanwise runs` through the real app: filters, pages, one run as a modal, and files."""

import csv
import io
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_view
from slack_samples import NOW, answer, explanation
from slack_scene import DEV, Scene, open_scene, words

from bot.adapters.store import audit_log
from bot.adapters.store.document_log import CollectionRow, insert_collection
from bot.adapters.store.run_search import Place
from bot.adapters.store.scores import Score
from bot.governance.roles import Role
from bot.governance.run_filter import RunFilter
from bot.services.actors import Origin
from bot.services.explained import RunExplained
from bot.services.run_history import RunOpened
from bot.slack.explain_blocks import explain_view
from bot.slack.payloads import Call
from bot.slack.run_log_blocks import carried, read_carried, run_record
from bot.slack.seal import seal_view
from bot.workspace.driver import Person
from bot.workspace.town_records import Message
from tests.bot.history_rows import Past, insert_past
from workflows.run import Ending, Failure, RunStatus

CHANNEL = "C0PEOPLE"
STEP = explanation().steps[0]


def history(now: Any) -> list[Past]:
    """Twenty runs of three people, an hour apart, and a few that stand out."""
    runs = [
        Past(
            f"r_past{number:02d}",
            person=("U0ANA", "U0BEN", "U0DEV")[number % 3],
            asked_at=now - timedelta(hours=number),
            question=f"Question number {number}?",
        )
        for number in range(20)
    ]
    failure = Failure("ModelTimeout", {"alias": "default"}, "i_12345678")
    return [
        *runs,
        Past(
            "r_failed",
            status=RunStatus.FAILED,
            failure=failure,
            question="=1+1",
            asked_at=now - timedelta(days=3),
        ),
        Past(
            "r_voted",
            question="Is <!channel> paid?",
            votes={"U0ANA": -1, "U0BEN": -1},
            asked_at=now - timedelta(days=4),
        ),
        Past(
            "r_secret",
            collections=("board",),
            text="A merger.",
            question="What is planned?",
            asked_at=now - timedelta(days=5),
            person="U0EVA",
        ),
        Past("r_other", workflow="plan-trip", person="U0BEN", asked_at=now - timedelta(days=6)),
        Past(
            "r_open",
            person="U0BEN",
            asked_at=now - timedelta(days=7),
            text="Read by all.",
            origin=Origin("mention", "T0SPAN", CHANNEL, visibility="channel"),
        ),
    ]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
    now = made.desk.clock.now()

    def fill(connection: Any) -> None:
        for name, audience in (("people", ("everyone",)), ("board", ("U0EVA",))):
            insert_collection(connection, CollectionRow(name, audience, 0, "m", 3, {}), now=now)
        for past in history(now):
            insert_past(connection, past)

    made.store.write_now(fill)
    await made.desk.access.grant(DEV, "U0CHLOE", Role.OWNER, "workflow:ask-policy")
    yield made
    await close()


class Log:
    """The run log as one person works with it."""

    def __init__(self, scene: Scene, person: str) -> None:
        self.scene, self.person = scene, Person(scene.workspace, person)

    async def ask(self, typed: str = "", command: str = "runs") -> str:
        """What `/spanwise runs ...` shows."""
        told = len(self.person.ephemerals(CHANNEL))
        answer = await self.person.command(CHANNEL, f"/spanwise {command} {typed}")
        await self.scene.quiet()
        return str(answer.payload or "") + "\n".join(map(words, self.person.ephemerals(CHANNEL)[told:]))

    async def press(self, action: str) -> str:
        """What stands there after a button of the newest message was pressed."""
        message = self.person.ephemerals(CHANNEL)[-1]
        await self.person.click(message, action)
        await self.scene.quiet()
        return words(self.person.ephemerals(CHANNEL)[-1])

    async def opened(self) -> str:
        """What the newest modal says."""
        return words(await self.person.wait_for(lambda: (self.person.views() or (None,))[-1]))

    @property
    def message(self) -> Message:
        """The newest that only they see."""
        return self.person.ephemerals(CHANNEL)[-1]

    @property
    def files(self) -> list[str]:
        """What was put into the person's direct messages, as text."""
        shelf = self.scene.workspace.site.shelf
        said = self.scene.app_messages(self.person, self.person.dm)
        return [shelf.find(file["id"]).content.decode() for message in said for file in message.files]


async def test_everybody_sees_their_own_runs_and_nobody_elses(scene: Scene) -> None:
    ana = Log(scene, "U0ANA")
    said = await ana.ask()
    assert "Your runs" in said and "Question number 0?" in said and "Question number 1?" not in said
    assert "Export" not in said and "A merger" not in said
    assert "You may not see other people's runs. Ask" in await ana.ask("<@U0BEN>")
    assert "You may not see other people's runs of `/ask-policy`" in await ana.ask("ask-policy <@U0BEN>")
    assert "You may not see other people's runs" in await ana.ask("export csv")
    assert "You may not see other people's runs of" in await ana.ask("r_past01")
    assert ana.files == []


async def test_owners_see_the_runs_of_their_workflow_only(scene: Scene) -> None:
    chloe = Log(scene, "U0CHLOE")
    said = await chloe.ask()
    assert "*Runs*" in said and "Question number 1?" in said and "Ben" in said
    assert "There are none" in await chloe.ask("plan-trip")
    assert "You may not see other people's runs of `/plan-trip`" in await chloe.ask("plan-trip <@U0BEN>")
    assert "Plan trip" in await Log(scene, "U0DEV").ask("plan-trip")


async def test_pages_turn_both_ways(scene: Scene) -> None:
    dev = Log(scene, "U0DEV")
    first = await dev.ask("ask-policy last 19 hours")
    assert "Question number 0?" in first and "Question number 8?" not in first and "Newer" not in first
    second = await dev.press("runs-older")
    assert "Question number 8?" in second and "Question number 15?" in second and "Newer" in second
    third = await dev.press("runs-older")
    assert "Question number 18?" in third and "Older" not in third
    assert await dev.press("runs-newer") == second
    assert await dev.press("runs-newer") == first
    assert len(dev.person.ephemerals(CHANNEL)) == 1, "a page takes the place of the one before"


@pytest.mark.parametrize(
    ("typed", "found", "missing"),
    [
        ("failed", "r_failed", "r_past00"),
        ("down", "r_voted", "r_past00"),
        ('"NUMBER 7"', "r_past07", "r_past08"),
        ("<@U0BEN> until {five_days_ago}", "r_open", "r_past00"),
        ("plan-trip", "r_other", "r_voted"),
    ],
)
async def test_filters(scene: Scene, typed: str, found: str, missing: str) -> None:
    dev = Log(scene, "U0DEV")
    await dev.ask(typed.format(five_days_ago=(scene.desk.clock.now() - timedelta(days=5)).date()))
    values = {
        element["value"]
        for block in dev.person.ephemerals(CHANNEL)[-1].blocks
        if (element := block.get("accessory"))
    }
    assert found in values and missing not in values


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("faild ask-policy", "Did you mean `failed`?"),
        ("ask-polici", "Did you mean `ask-policy`?"),
        ("since christmas", "is no time"),
        ("up down", "not for two votes"),
        ("today until yesterday", "before it begins"),
    ],
)
async def test_what_cannot_be_looked_for_is_said(scene: Scene, typed: str, said: str) -> None:
    assert said in await Log(scene, "U0DEV").ask(typed)


async def test_days_are_those_of_whoever_types(scene: Scene) -> None:
    scene.workspace.town.users["U0DEV"].timezone = "Asia/Kathmandu"
    dev = Log(scene, "U0DEV")
    said = await dev.ask("since 2026-11-01")
    assert "2026-10-31 18:15 UTC" in said
    scene.workspace.town.users["U0CHLOE"].timezone = "Nowhere/Else"
    assert "2026-11-01 00:00 UTC" in await Log(scene, "U0CHLOE").ask("since 2026-11-01")


async def test_a_run_opens_as_a_modal(scene: Scene) -> None:
    chloe = Log(scene, "U0CHLOE")
    await chloe.ask("down")
    await chloe.person.click(chloe.person.ephemerals(CHANNEL)[-1], "runs-open", "r_voted")
    await scene.quiet()
    said = await chloe.opened()
    for part in (
        "Ask policy",
        "v3",
        "answered",
        "Ana",
        "private",
        "&lt;!channel&gt;",
        "Five days.",
        "$0.0012",
        "100 in, 20 out",
        "The handbook covers this",
        "find",
        "Secret words.",
        "👎 Ben",
        "r_voted",
    ):
        assert part in said, part
    await chloe.person.click(chloe.person.views()[-1], "answer-explain", "r_voted")
    await scene.quiet()
    assert "How this came about" in str(chloe.person.views()[-1].body)


async def test_a_run_opens_by_its_id_and_says_why_it_failed(scene: Scene) -> None:
    ana = Log(scene, "U0ANA")
    await ana.ask("r_failed")
    said = await ana.opened()
    assert "failed" in said and "did not finish in time" in said and "i_12345678" in said


async def test_what_was_made_from_closed_documents_is_not_shown(scene: Scene) -> None:
    chloe = Log(scene, "U0CHLOE")
    assert "What is planned?" in await chloe.ask('"planned"')
    assert "There are none" in await chloe.ask('"merger"'), "nor can it be guessed by looking for it"
    await chloe.ask("r_secret")
    said = await chloe.opened()
    assert "not shown" in said and "merger" not in said and "Secret words" not in said
    await chloe.person.click(chloe.person.views()[-1], "answer-explain", "r_secret")
    await scene.quiet()
    assert "merger" not in words(chloe.person.views()[-1]) and "Secret words" not in words(
        chloe.person.views()[-1]
    )
    await chloe.ask("export jsonl <@U0EVA>")
    assert '"content": "withheld"' in chloe.files[0]
    assert "merger" not in chloe.files[0] and "Secret words" not in chloe.files[0]
    eva = Log(scene, "U0EVA")
    await eva.ask("r_secret")
    assert "A merger." in await eva.opened(), "who asked reads it still"


async def test_who_reads_an_answer_where_it_stands_opens_it(scene: Scene) -> None:
    ana = Log(scene, "U0ANA")
    await ana.ask("r_open")
    assert "Read by all." in await ana.opened()


async def test_files_come_by_direct_message_and_are_on_record(scene: Scene) -> None:
    chloe = Log(scene, "U0CHLOE")
    await chloe.ask("since 4 days")
    said = await chloe.press("runs-export-csv")
    assert "The file comes in your direct messages" in said
    rows = list(csv.DictReader(io.StringIO(chloe.files[0])))
    assert [row["run"] for row in rows][-1] == "r_past00" and len(rows) == 21
    assert rows[0]["asked"] == "'=1+1" and rows[0]["failure"] == "ModelTimeout"
    assert (rows[-1]["seconds"], rows[-1]["cost_usd"], rows[-1]["ending"]) == (
        "2.0",
        "0.0012",
        "answered",
    )
    assert "21 runs. That you took them is on record." in words(
        scene.app_messages(chloe.person, chloe.person.dm)[-1]
    )
    await chloe.ask("export jsonl down")
    (line,) = chloe.files[1].splitlines()
    found = json.loads(line)
    assert (
        found["inputs"] == {"question": "Is <!channel> paid?"}
        and found["steps"][0]["passages"][0]["document_id"] == "d1"
    )
    assert {score["by"]: score["value"] for score in found["scores"]} == {
        "person:U0ANA": -1,
        "person:U0BEN": -1,
    }
    first, second = scene.store.write_now(lambda c: audit_log.read_events(c, action="runs.exported"))
    assert {first.context["runs"], second.context["runs"]} == {21, 1}
    assert {first.actor, second.actor} == {"U0CHLOE"} and first.target == "runs:*"


async def test_auditors_read_votes_but_not_the_words_that_were_for_owners(scene: Scene) -> None:
    await scene.desk.access.grant(DEV, "U0EVA", Role.AUDITOR)
    eva = Log(scene, "U0EVA")
    await eva.ask("export jsonl down")
    scores = json.loads(eva.files[0])["scores"]
    assert [(score["name"], score["value"], score["reason"]) for score in scores] == [("vote", -1.0, "")] * 2


async def test_a_button_of_another_release_does_nothing(scene: Scene) -> None:
    ana = Log(scene, "U0ANA")
    await ana.ask()
    message = ana.person.ephemerals(CHANNEL)[-1]
    for value in ("{", "[]", '{"state":"x"}', '{"since":5}', '{"place":["x"]}', '{"colour":"red"}'):
        message.blocks[-2]["elements"][0]["value"] = value
        await ana.person.click(message, "runs-older", value)
        await scene.quiet()
        assert "no longer read" in words(ana.person.ephemerals(CHANNEL)[-1])


async def test_outsiders_are_refused(scene: Scene) -> None:
    scene.workspace.town.users["U0BEN"].is_guest = True
    assert "not guests" in await Log(scene, "U0BEN").ask()


async def test_retention_is_shown_and_set_after_a_look_at_what_goes(scene: Scene) -> None:
    chloe, ana = Log(scene, "U0CHLOE"), Log(scene, "U0ANA")
    assert "`ask-policy` for ever, as everywhere here" in await chloe.ask(command="retention")
    said = await chloe.ask("ask-policy 6 days", command="retention")
    assert "*6 days* instead of for ever" in said and "content of *1 run* is older" in said
    assert "confirm" in str(chloe.message.blocks)
    done = await chloe.press("retention-keep")
    assert "is kept 6 days from now on" in done and "Until tonight" in done
    assert await scene.desk.past_runs.retention.empty_due() == {"ask-policy": 1}
    await ana.ask("r_open")
    assert "has been deleted" in await ana.opened()
    ben = Log(scene, "U0BEN")
    assert "has been deleted" in await ben.ask("until 6 days ago")
    assert "nothing would change" in await chloe.ask("ask-policy 6 days", command="retention")
    assert "does not come back" in await chloe.ask("ask-policy for ever", command="retention")
    for typed, why in (
        ("ask-policy soon", "is no time to keep something for"),
        ("ask-polici 9 days", "Did you mean `ask-policy`?"),
        ("plan-trip 9 days", "You may not say how long what is asked of `/plan-trip` is kept"),
    ):
        assert why in await chloe.ask(typed, command="retention")
    assert "You may not say how long" in await ana.ask(command="retention")
    await chloe.ask("ask-policy 90 days", command="retention")
    message = chloe.message
    for value in (
        "[]",
        '{"workflow": 1}',
        '{"workflow": "ask-policy", "days": -1}',
        '{"workflow": "a", "days": true}',
    ):
        message.blocks[-1]["elements"][0]["value"] = value
        await chloe.person.click(message, "retention-keep", value)
        await scene.quiet()
        assert "no longer read" in words(chloe.message)


def test_the_longest_run_fits_into_a_modal() -> None:
    long = "word & <b> " * 900
    steps = tuple(replace(STEP, step_id=f"s{number}", because=long) for number in range(60))
    base = replace(explanation(), steps=steps)
    run = replace(base.run, inputs={f"input{number}": long for number in range(20)}, answer=answer(long * 4))
    said = tuple(Score(run.id, "vote", f"person:U0P{number:03d}", -1.0) for number in range(50))
    said += tuple(Score(run.id, "correction", score.source, 1.0, long) for score in said)
    opened = RunOpened(RunExplained(replace(base, run=run), None), Ending.ANSWERED, "kept", said)
    made = explain_view("Run", run_record(opened, {}))
    assert_view(seal_view(made))


def test_what_a_button_carries_is_read_back() -> None:
    wanted = RunFilter("a" * 64, "U0ANA", "failed", "down", 'é"' * 100, NOW, NOW)
    carried_ = carried(wanted, Place(NOW, "r_1"))
    assert len(carried_) <= 2000
    assert read_carried(Call("action", "runs-older", "U0ANA", "T", "k", value=carried_)) == (
        wanted,
        Place(NOW, "r_1"),
    )
