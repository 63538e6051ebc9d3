"""Evaluations, golden cases and replays as people in Slack see them, through the real app."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_message, assert_view, hostile_strings, shown
from slack_samples import NOW
from slack_scene import DEV, Scene, open_scene, succeeded, words

from bot.adapters.store.versions_log import CANDIDATE, insert_version, move_label
from bot.governance.roles import Role
from bot.quality.evaluation import CaseScore, EvaluationReport, ReportRow, Standing, Trial
from bot.services.evaluation_requests import EvaluationView
from bot.slack import evaluation_blocks as drawn
from bot.slack.evaluation_text import EXPECTED
from bot.slack.seal import seal_message, seal_view
from bot.workspace.town_records import Message
from workflows.expectations import Expectation
from workflows.run import Answer
from workflows.versions import content_hash

CHANNEL = "C0PEOPLE"
ECHO = """
name: echo
title: Say it back
purpose: Says a sentence back.
inputs:
  sentence: {kind: text, label: Sentence, from: message}
steps:
  - {id: say, kind: template, text: "You said: {{ inputs.sentence }}"}
answer: "{{ say.text }}"
"""
CASES = """
- {id: hello, inputs: {sentence: hello}, expect: {must_contain: [hello]}}
- {id: politely, inputs: {sentence: hello}, expect: {must_contain: [please]}, why: "We are polite."}
"""


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    (tmp_path / "echo.cases.yaml").write_text(CASES, encoding="utf-8")
    made, close = await open_scene(tmp_path, workflows=(ECHO,))
    await made.desk.access.grant(DEV, "U0EVA", Role.EDITOR, "workflow:echo")
    yield made
    await close()


async def card(scene: Scene, said: str, person: str = "U0EVA") -> Message:
    eva = scene.person(person)
    return await eva.wait_for(
        lambda: next((m for m in scene.app_messages(eva, eva.dm) if said in words(m)), None)
    )


async def test_an_editor_evaluates_and_the_card_becomes_the_result(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    outcome = await eva.command(CHANNEL, "/spanwise evaluate echo")
    assert "in our direct messages" in str(outcome.payload)
    waiting = await card(scene, "will be tried in a moment")
    await scene.evaluating.drain()
    done = await card(scene, "1 of 2 cases pass")
    assert done.ts == waiting.ts, "one message, edited in place"
    assert "`politely` It lacks “please”." in words(done) and "<@U0EVA>" in words(done)
    table = next(block for block in done.blocks if block["type"] == "table")
    assert [cell["text"] for cell in table["rows"][1]] == ["Cases passing", "1 of 2"]
    assert scene.app_messages(eva, CHANNEL) == []


async def test_every_case_is_shown_in_a_modal_those_that_fail_first(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    await eva.command(CHANNEL, "/spanwise evaluate echo")
    await scene.evaluating.drain()
    assert (await eva.click(await card(scene, "1 of 2"), drawn.SHOW)).ok
    form = await eva.wait_for(lambda: next(iter(eva.views()), None))
    said = words(form)
    assert said.index("`politely`") < said.index("`hello`") and "You said: hello" in said


async def test_a_colleague_without_the_right_is_refused_where_only_they_see(scene: Scene) -> None:
    ben, eva = scene.person("U0BEN"), scene.person("U0EVA")
    for typed in ("evaluate echo", "cases echo"):
        outcome = await ben.command(CHANNEL, f"/spanwise {typed}")
        assert "may not" in str(outcome.payload) and outcome.payload["response_type"] == "ephemeral"
    await eva.command(CHANNEL, "/spanwise cases echo")
    listed = await eva.wait_for(lambda: next(iter(eva.ephemerals(CHANNEL)), None))
    value = next(b["accessory"]["value"] for b in listed.blocks if b.get("accessory"))
    # the button of somebody else's list, pressed by one who may not
    from bot.slack.evaluation_actions import retire
    from bot.slack.payloads import Call

    call = Call("action", drawn.RETIRE, "U0BEN", "T0SPAN", "k1", channel=CHANNEL, value=value)
    with pytest.raises(Exception, match="evaluate workflow:echo"):
        await retire(call, scene.desk)
    assert len(await scene.desk.golden.of("echo")) == 2


async def test_stop_ends_one_that_waits(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    await eva.command(CHANNEL, "/spanwise evaluate echo")
    assert (await eva.click(await card(scene, "in a moment"), drawn.STOP)).ok
    await card(scene, "was stopped")
    await scene.evaluating.drain()
    assert "pass" not in words(scene.app_messages(eva, eva.dm)[0])


async def test_the_same_request_delivered_twice_is_one_evaluation(scene: Scene) -> None:
    eva = await scene.desk.people.actor("U0EVA")
    requests = scene.desk.evaluation_requests
    one, two = [await requests.ask(eva, "echo", "U0EVA", key="cmd:1") for _ in range(2)]
    other = await requests.ask(eva, "echo", "U0EVA", key="cmd:2")
    assert one == two != other


async def test_an_error_is_said_in_a_sentence_with_a_token(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "echo.cases.yaml").write_text("- {id: Wrong}", encoding="utf-8")
    eva = scene.person("U0EVA")
    await eva.command(CHANNEL, "/spanwise evaluate echo")
    await scene.evaluating.drain()
    said = words(await card(scene, "could not be tried"))
    assert "The file of cases cannot be used" in said and "`i_" in said


async def test_what_a_worker_leaves_is_taken_up_by_the_next(scene: Scene) -> None:
    eva = await scene.desk.people.actor("U0EVA")
    made = await scene.desk.evaluation_requests.ask(eva, "echo", "U0EVA", key="cmd:1")
    evaluations, begun = scene.evaluating.evaluations, asyncio.Event()
    carry_out = evaluations.carry_out

    async def hang(*args: Any, **rest: Any) -> Any:
        begun.set()
        await asyncio.Event().wait()

    object.__setattr__(evaluations, "carry_out", hang)
    stop = asyncio.Event()
    loop = asyncio.create_task(scene.evaluating.run_until(stop))
    await begun.wait()
    stop.set()
    await loop
    view = await scene.desk.evaluation_requests.view(eva, made)
    assert view.status == "queued", "a worker that is stopped puts it back"
    object.__setattr__(evaluations, "carry_out", carry_out)
    await scene.evaluating.drain()
    assert (await scene.desk.evaluation_requests.view(eva, made)).status == "done"


async def test_a_person_stops_one_under_way(scene: Scene) -> None:
    eva = await scene.desk.people.actor("U0EVA")
    requests = scene.desk.evaluation_requests
    made = await requests.ask(eva, "echo", "U0EVA", key="cmd:1")
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(*args: Any, **rest: Any) -> Any:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    object.__setattr__(scene.evaluating.evaluations, "carry_out", hang)
    loop = asyncio.create_task(scene.evaluating.drain())
    await begun.wait()
    assert await requests.stop(eva, made) and not await requests.stop(eva, made)
    await loop
    assert ended.is_set() and (await requests.view(eva, made)).status == "stopped"


async def test_cases_are_listed_and_retired(scene: Scene) -> None:
    eva = scene.person("U0EVA")
    await eva.command(CHANNEL, "/spanwise cases echo")
    listed = await eva.wait_for(lambda: next(iter(eva.ephemerals(CHANNEL)), None))
    assert "is held to 2 cases" in words(listed) and "contains “please”" in words(listed)
    value = next(b["accessory"]["value"] for b in listed.blocks if "politely" in str(b))
    assert (await eva.click(listed, drawn.RETIRE, value)).ok
    await scene.quiet()
    assert [case.id for case in await scene.desk.golden.of("echo")] == ["hello"]
    assert "`politely` is retired" in words(eva.ephemerals(CHANNEL)[-1])
    assert (await eva.click(listed, drawn.RETIRE, value)).ok
    await eva.wait_for(lambda: "retired already" in words(eva.ephemerals(CHANNEL)[-1]) or None)


async def test_a_run_is_asked_again_beside_its_answer_for_whoever_may_see_it(scene: Scene) -> None:
    scene.script.ending = lambda row: succeeded(Answer("You said nothing.", ""))
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/echo hello there")
    await scene.answered(ana)
    run_id = scene.script.rows[0].id
    outcome = await ana.command(CHANNEL, f"/spanwise replay {run_id}")
    assert "ask run" in str(outcome.payload)
    both = await ana.wait_for(
        lambda: next((m for m in ana.ephemerals(CHANNEL) if "The answers differ" in words(m)), None)
    )
    fields = next(block["fields"] for block in both.blocks if "fields" in block)
    assert "You said nothing." in fields[0]["text"] and "You said: hello there" in fields[1]["text"]
    refused = await ben.command(CHANNEL, f"/spanwise replay {run_id}")
    assert "may not" in str(refused.payload)
    missing = await ana.command(CHANNEL, "/spanwise replay r_nope")
    assert "find no run" in str(missing.payload)


SHELF = """
name: shelf
title: Look it up
purpose: Looks a question up.
inputs:
  question: {kind: text, label: Question, from: message}
parameters:
  passages: {kind: integer, min: 1, max: 20, default: 6}
steps:
  - id: find
    kind: retrieve
    query: "{{ inputs.question }}"
    collection: people
    limit: "{{ parameters.passages }}"
  - {id: say, kind: template, needs: [find], text: "Found: {{ find.passages[0].text }}"}
answer: "{{ say.text }}"
"""


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Scene]:
    """A question that Ana asked of documents that Ben, who sees all runs, may not read."""
    folder = tmp_path / "shelf"
    folder.mkdir()
    (folder / "pay.md").write_text(
        "# Redundancies\n\nThe Lisbon office closes on 30 June.\n", encoding="utf-8"
    )
    made, close = await open_scene(tmp_path, workflows=(SHELF,))
    await made.holdings.add(folder, "people", source="shelf", audience=["U0ANA"])
    await made.desk.access.grant(DEV, "U0BEN", Role.AUDITOR)
    yield made
    await close()


async def replayed(scene: Scene, user: str, run_id: str) -> str:
    """What somebody is told of a replay."""
    person = scene.person(user)
    outcome = await person.command(CHANNEL, f"/spanwise replay {run_id}")
    await scene.quiet()
    return "\n".join([str(outcome.payload), *map(words, person.ephemerals(CHANNEL))])


async def test_nobody_reads_in_a_replay_what_was_made_from_documents_closed_to_them(shelf: Scene) -> None:
    shelf.script.ending = lambda row: succeeded(Answer("Lisbon closes.", "", searched=("people",)))
    ana = shelf.person("U0ANA")
    await ana.command(CHANNEL, "/shelf Is an office closing?")
    await shelf.answered(ana)
    run_id = shelf.script.rows[0].id
    told = await replayed(shelf, "U0BEN", run_id)
    assert "documents that you may not read" in told and "Lisbon" not in told
    assert "The Lisbon office closes" in await replayed(shelf, "U0ANA", run_id)


async def test_the_new_answer_of_a_replay_is_made_from_what_its_reader_may_read(shelf: Scene) -> None:
    shelf.script.ending = lambda row: succeeded(Answer("I do not know.", ""))
    ana = shelf.person("U0ANA")
    await ana.command(CHANNEL, "/shelf Is an office closing?")
    await shelf.answered(ana)
    told = await replayed(shelf, "U0BEN", shelf.script.rows[0].id)
    assert "I do not know." in told and "Lisbon" not in told


@pytest.mark.parametrize("typed", ["evaluate", "cases", "replay"])
async def test_what_is_missing_is_asked_for(scene: Scene, typed: str) -> None:
    outcome = await scene.person("U0EVA").command(CHANNEL, f"/spanwise {typed}")
    assert f"`/spanwise {typed} " in str(outcome.payload)


def report(rows: tuple[ReportRow, ...], two_sides: bool = True) -> EvaluationReport:
    old = {"prompt": {"a": 1}} if two_sides else None
    return EvaluationReport("e_1", "echo", "command", "U0EVA", NOW, NOW, {}, rows, old_versions=old)


def trial(standing: Standing, reason: str = "So.", answer: str = "") -> Trial:
    passed = {Standing.PASSED: True, Standing.FAILED: False}.get(standing)
    return Trial(standing, (CaseScore("must_contain", passed, 0.0, reason),), answer=answer)


def view(found: EvaluationReport) -> EvaluationView:
    return EvaluationView("e_1", "echo", "Say it back", "production", "done", "U0EVA", 1, 1, NOW, found)


def test_both_sides_are_a_table_and_what_got_worse_stands_first() -> None:
    rows = (
        ReportRow("worse", "file", trial(Standing.FAILED), trial(Standing.PASSED)),
        ReportRow("better", "chat", trial(Standing.PASSED), trial(Standing.FAILED)),
        ReportRow("as-ever", "file", trial(Standing.FAILED), trial(Standing.FAILED)),
    )
    made = seal_message(drawn.evaluation_message(view(report(rows))))
    assert_message(made)
    table = next(block for block in made["blocks"] if block["type"] == "table")
    figures = [[cell["text"] for cell in row] for row in table["rows"]]
    assert figures[0] == ["What", "Before", "Now"] and figures[1] == ["Cases passing", "1 of 3", "1 of 3"]
    assert figures[2] == ["Newly failing", "–", "1"]
    said = shown(made["blocks"])
    assert said.index("`worse`") < said.index("`better`") < said.index("`as-ever`")
    assert "1 of 3 cases got worse and 1 better; that can well be chance (p = 1)." in said


def test_tables_are_kept_out_of_modals() -> None:
    rows = (ReportRow("a", "file", trial(Standing.FAILED), trial(Standing.PASSED)),)
    blocks = drawn.evaluation_blocks(report(rows), in_modal=True)
    assert "table" not in {block["type"] for block in blocks}
    assert "Newly failing: *1*" in shown(blocks)


def test_nothing_anybody_wrote_pings_links_or_breaks_the_message() -> None:
    for hostile in hostile_strings():
        failed, passed = trial(Standing.FAILED, hostile, hostile), trial(Standing.PASSED)
        found = replace(report((ReportRow(hostile or "a", "chat", failed, passed),)), notes=(hostile,))
        said = seal_message(drawn.evaluation_message(view(found)))
        assert_message(said)
        form = seal_view(drawn.details_view(found, hostile))
        assert_view(form)
        for text in (str(said), str(form)):
            assert "<!channel>" not in text and "<!here>" not in text and "<@U0BEN>" not in text


def test_a_report_of_any_size_fits() -> None:
    rows = tuple(
        ReportRow(f"case-{n}", "file", trial(Standing.FAILED, "x" * 3000, "y" * 9000), trial(Standing.PASSED))
        for n in range(300)
    )
    assert_message(seal_message(drawn.evaluation_message(view(report(rows)))))
    form = seal_view(drawn.details_view(report(rows), "Say it back"))
    assert_view(form)
    assert "The first 40 of 300" in shown(form["blocks"])


@pytest.mark.parametrize("standing", list(Standing))
@pytest.mark.parametrize("two_sides", [True, False])
def test_every_standing_is_drawn(standing: Standing, two_sides: bool) -> None:
    old = trial(Standing.PASSED) if two_sides else None
    found = report((ReportRow("a", "file", trial(standing), old),), two_sides)
    assert_message(seal_message(drawn.evaluation_message(view(found))))
    assert_view(seal_view(drawn.details_view(found, "Say it back")))


def test_everything_a_case_can_expect_has_words() -> None:
    assert set(EXPECTED) == set(Expectation.keys())


def test_a_workflow_without_cases_says_how_to_make_one() -> None:
    made = seal_message(drawn.evaluation_message(view(report((), two_sides=False))))
    assert_message(made)
    assert "no golden cases yet" in shown(made["blocks"]) and "table" not in str(made)


async def test_a_draft_is_evaluated_as_the_candidate_it_is(scene: Scene, tmp_path: Path) -> None:
    def draft(connection: Any) -> None:
        text = ECHO.replace("name: echo", "name: shout").replace("You said", "YOU SAID")
        made = insert_version(
            connection,
            kind="workflow",
            name="shout",
            content=text,
            content_hash=content_hash(text),
            author="U0DEV",
            at=NOW,
        )
        move_label(
            connection, kind="workflow", name="shout", number=made.number, by="U0DEV", at=NOW, label=CANDIDATE
        )

    scene.store.write_now(draft)
    (tmp_path / "shout.cases.yaml").write_text(CASES, encoding="utf-8")
    await scene.desk.access.grant(DEV, "U0EVA", Role.EDITOR, "workflow:shout")
    eva = scene.person("U0EVA")
    await eva.command(CHANNEL, "/spanwise evaluate shout")
    await scene.evaluating.drain()
    assert "1 of 2 cases pass" in words(await card(scene, "cases pass"))
    await eva.command(CHANNEL, "/spanwise evaluate echo candidate")
    await scene.evaluating.drain()
    await eva.wait_for(lambda: len(scene.app_messages(eva, eva.dm)) == 2 or None)
    outcome = await eva.command(CHANNEL, "/spanwise evaluate echo nonsense")
    assert "With `candidate` behind it" in str(outcome.payload)
