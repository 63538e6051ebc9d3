"""Explanations: what they say, that Slack takes them, and who gets them, through the real Bolt app."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from slack_checks import assert_golden, assert_message, assert_view, hostile_strings, shown
from slack_samples import ASK_POLICY, NOW, answer, explanation, view
from slack_scene import DEV, Scene, open_scene, succeeded, words
from sqlalchemy import Connection, update

from bot.adapters.diagrams import NotDrawn
from bot.adapters.store.explain_facts import Activity, DocumentUsed
from bot.adapters.store.run_log import RunRow, runs
from bot.governance.roles import Role
from bot.services.catalogue import Content
from bot.services.explained import (
    KnowledgeUsed,
    LastTest,
    ParameterNow,
    RunExplained,
    VersionUsed,
    WorkflowExplained,
)
from bot.services.run_views import Explanation
from bot.slack import blocks, explain_blocks, explain_text, pictures
from bot.slack.explain_blocks import Shown, explain_message, explain_view
from bot.slack.seal import seal_message, seal_view
from bot.workspace.driver import Person
from tests.workflows.shipped import load
from workflows.run import RunResult

CHANNEL = "C0PEOPLE"
NAMES = {"U0CHLOE": "Chloe Martin", "U0ANA": "Ana Costa", "U0DEV": "Dev Patel"}


def run_explained(base: Explanation | None = None, **changes: Any) -> RunExplained:
    values: dict[str, Any] = {
        "workflow": load("ask-policy"),
        "parameters": {"passages": 6, "min_support": 0.5},
        "versions": (
            VersionUsed("workflow", "ask-policy", 3, 3),
            VersionUsed("prompt", "ask-policy.answer", 2, 3, "U0DEV", NOW),
            VersionUsed("models", "models", 1, None),
            VersionUsed("knowledge", "people", 7, 9),
        ),
        "documents_now": {"d1": 4},
        **changes,
    }
    return RunExplained(base or explanation(), **values)


def workflow_explained(**changes: Any) -> WorkflowExplained:
    workflow = load("ask-policy")
    tuned = {"passages": (8, "U0DEV", NOW)}
    values: dict[str, Any] = {
        "name": "ask-policy",
        "workflow": workflow,
        "version": 3,
        "label": "production",
        "stage": "production",
        "released_by": "library",
        "released_at": NOW - timedelta(days=40),
        "owners": ("U0CHLOE", "U0ANA"),
        "ask": ("U0DEV",),
        "parameters": tuple(
            ParameterNow(name, each, *tuned.get(name, (each.default,)))
            for name, each in workflow.parameters.items()
        ),
        "knowledge": (
            KnowledgeUsed(
                "people",
                31,
                True,
                tuple(
                    DocumentUsed(f"d{n}", f"Page {n}", f"p{n}.md", "" if n == 2 else "U0CHLOE", 1 + n,
                                 NOW - timedelta(days=400 - 30 * n))
                    for n in range(12)
                ),
            ),
            KnowledgeUsed("salaries", 4, is_readable=False),
        ),
        "activity": Activity(NOW - timedelta(days=30), 42, 12, 1, 5, 17, 3, NOW,
                             tuple(n / 10 for n in range(1, 42)), (Decimal("0.002"),) * 41),
        "tested": LastTest(40, 41, NOW, ("hotel-london",)),
        **changes,
    }  # fmt: skip
    return WorkflowExplained(**values)


UPLOADED = Shown("F0PIC")


def run_view(explained: RunExplained, shown_as: Shown = UPLOADED) -> dict[str, Any]:
    picture = explain_blocks.picture_of_run(explained)
    made = seal_view(
        explain_view(explain_text.RUN_TITLE, explain_blocks.run_blocks(explained, NAMES, picture, shown_as))
    )
    assert_view(made)
    return made


def workflow_view(
    explained: WorkflowExplained, names: Mapping[str, str] = NAMES, shown_as: Shown = UPLOADED
) -> dict[str, Any]:
    picture = explain_blocks.picture_of_workflow(explained)
    found = explain_blocks.workflow_blocks(explained, names, picture, shown_as, NOW)
    made = seal_view(explain_view(explain_text.WORKFLOW_TITLE, found))
    assert_view(made)
    return made


def test_a_run_is_explained_with_its_way_steps_versions_passages_and_calls() -> None:
    made = run_view(run_explained())
    assert_golden("view-explain", made)
    said = shown(made)
    assert "Prompt `ask-policy.answer` was v2, today *v3* (changed by Dev Patel" in said
    assert "Collection `people` was revision 7, today *revision 9*" in said
    assert "Workflow `ask-policy` v3, live today" in said
    assert "3 of 4 have changed since this run" in said
    assert "v3, today v4" in said, "a passage that was read has changed since"


def test_the_picture_of_a_run_is_described_for_those_who_do_not_see_it() -> None:
    picture = explain_blocks.picture_of_run(run_explained())
    assert "Reading the handbook (1.2 s" in picture.alt and "Checking the answer" in picture.alt
    assert "ended in the answer “covered”" in picture.alt
    assert len(picture.alt) <= 2000
    assert "1.2 s · $0.0021" in picture.source


def test_a_workflow_is_explained_so_that_a_reader_of_no_yaml_understands_it() -> None:
    made = workflow_view(workflow_explained())
    assert_golden("view-explain-workflow", made)
    said = shown(made)
    for part in (
        "Owner Chloe Martin · deputy Ana Costa",
        "released by the product as it ships",
        "for up to 8 passages",
        "Only when step 2 comes to “covered”",
        "if count is 0 → *not covered*",
        "*passages* is *8* (from 1 to 20)",
        "Set by Dev Patel",
        "it comes as 6",
        "Nobody has changed it",
        "*people*: 12 documents, 1 without an owner, revision 31",
        "and 2 more that changed later",
        "you may not read this collection",
        "It knows only what stands in “people”: at most 8 passages",
        "42 runs by 12 people, 1 failed, 5 said that they did not know",
        "95 of 100 within 3.9 s, at $0.0020 each",
        "40 of 41 cases passed",
        "Failing: hotel-london",
    ):
        assert part in said, part
    assert "{{" not in said and "==" not in said


def test_what_is_missing_is_said() -> None:
    bare = workflow_explained(
        owners=(), released_at=None, knowledge=(KnowledgeUsed("people", 0, True),), tested=None,
        activity=Activity(NOW), stage="draft", label="candidate",
    )  # fmt: skip
    said = shown(workflow_view(bare, shown_as=Shown(has_failed=True)))
    assert "Nobody owns it yet. Until somebody does, ask Dev Patel" in said
    assert "holds no document" in said and "nobody ran it" in said and "not run here yet" in said
    assert "the candidate, a draft" in said and "could not be drawn" in said
    never = replace(explanation(), run=view(pins={}, answer=None), steps=(), calls=())
    said = shown(run_view(RunExplained(never, None)))
    assert "No step was finished" in said and "No versions are recorded" in said


def test_explanations_fit_into_one_message_too() -> None:
    for title, found in (
        ("run", run_view(run_explained())["blocks"]),
        ("workflow", workflow_view(workflow_explained())["blocks"]),
    ):
        assert_message(seal_message(explain_message(title, found)))


def test_explanations_of_hostile_texts_are_valid_views() -> None:
    plain = explanation()
    for hostile in hostile_strings()[::29]:
        run = view(title=hostile, inputs={"question": hostile})
        steps = tuple(replace(step, because=hostile) for step in plain.steps)
        base = Explanation(run, steps, plain.calls, {"find": hostile})
        versions = (VersionUsed("prompt", hostile, 1, 2, hostile, NOW),)
        assert "<!channel" not in shown(run_view(run_explained(base, versions=versions)))
        document = DocumentUsed("d1", hostile, hostile, hostile, 1, NOW)
        used = (KnowledgeUsed("people", 1, True, (document,)),)
        names = {"U0CHLOE": hostile, hostile: hostile}
        said = shown(workflow_view(workflow_explained(knowledge=used, released_by=hostile), names))
        assert "<!channel" not in said and "<!here" not in said


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made, close = await open_scene(tmp_path)
    made.script.ending = pinned(made)
    yield made
    await close()


def pinned(scene: Scene) -> Callable[[RunRow], RunResult]:
    """Runs that are pinned to what is live, as they are when they are carried out."""

    def ending(row: RunRow) -> RunResult:
        def keep(connection: Connection) -> None:
            pins = scene.desk.catalogue.resolve(connection, row.workflow).pins
            connection.execute(update(runs).where(runs.c.id == row.id).values(pins=dict(pins), version=1))

        scene.store.write_now(keep)
        return succeeded(answer())

    return ending


async def answered(scene: Scene, who: Person, typed: str = "/ask-policy How many days?") -> str:
    """An answer of this person; its run."""
    await who.command(CHANNEL, typed)
    await scene.answered(who, CHANNEL if "--public" in typed else "")
    return scene.script.rows[-1].id


def picture_in(form: Any) -> str:
    """The id of the image that a modal shows; empty when it shows none."""
    return next((b["slack_file"]["id"] for b in form.blocks if b["type"] == "image"), "")


async def opened(scene: Scene, who: Person, about: str, *, with_picture: bool = True) -> Any:
    """The modal that shows this, with its picture."""

    def look() -> Any:
        fit = [form for form in who.views() if about in words(form)]
        return next((form for form in fit if picture_in(form) or not with_picture), None)

    return await who.wait_for(look)


async def test_a_shared_answer_is_explained_to_those_who_read_it_there(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    private = await scene.answered(ana)
    await ben.command(CHANNEL, f"/spanwise explain {scene.script.rows[0].id}")
    await scene.quiet()
    assert "may not" in words(ben.ephemerals(CHANNEL)[-1])
    await ana.click(private, blocks.SHARE)
    shared = await scene.answered(ana, CHANNEL)
    await ben.click(shared, blocks.EXPLAIN)
    await scene.quiet()
    assert ben.views(), "the answer stands where Ben reads it"


async def test_explain_on_an_answer_shows_the_way_it_took_as_a_picture(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await ana.command(CHANNEL, "/ask-policy How many days?")
    assert (await ana.click(await scene.answered(ana), blocks.EXPLAIN)).ok
    form = await opened(scene, ana, "What happened")
    assert "Calls to models" in words(form)
    file = scene.workspace.site.shelf.find(picture_in(form))
    assert file.is_complete and file.mimetype == "image/png" and "This run took" in file.alt_text
    image = next(block for block in form.blocks if block["type"] == "image")
    assert image["alt_text"] == file.alt_text
    assert len(ana.views()) == 1, "the picture came into the same modal"


async def test_the_same_picture_is_uploaded_once(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    for _ in range(2):
        assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
        form = await opened(scene, ana, "How it works")
        await scene.quiet()
        await ana.close(form)
    assert len(scene.workspace.site.shelf._files) == 1


async def test_a_workflow_is_explained_and_over_a_run_too(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await answered(scene, ana)
    assert (await ana.command(CHANNEL, "/spanwise explain")).ok, "with nothing, the newest run"
    run_form = await opened(scene, ana, "What happened")
    assert (await ana.click(run_form, explain_blocks.EXPLAIN_WORKFLOW, "ask-policy")).ok
    form = await opened(scene, ana, "Known limits")
    assert "The question" not in words(form) and "Nobody owns it yet" in words(form)
    assert len(ana.views()) == 2, "laid over the other, which is there again when it is closed"


@pytest.mark.parametrize("written", ["{}", "`{}`", "<{}|the answer>", "<{}>", "look at {} please"])
async def test_a_link_of_an_answer_leads_to_its_run(scene: Scene, written: str) -> None:
    ana = scene.person("U0ANA")
    run_id = await answered(scene, ana)
    message = scene.app_messages(ana, ana.dm)[-1]
    link = f"https://larkfield.slack.com/archives/{ana.dm}/p{message.ts.replace('.', '')}"
    assert (await ana.command(CHANNEL, f"/spanwise explain {written.format(link)}")).ok
    assert run_id in words(await opened(scene, ana, "What happened"))


async def test_a_link_of_a_question_leads_to_the_answer_in_its_thread(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    asked = await ana.say(CHANNEL, "<@U0SPAN> how many days of leave can I carry over?")
    await scene.answered(ana, CHANNEL, asked.ts)
    base = f"https://larkfield.slack.com/archives/{CHANNEL}/p"
    reply = await ana.say(CHANNEL, "<@U0BEN> thanks", asked.ts)
    for link in (
        f"{base}{asked.ts.replace('.', '')}",
        f"{base}{reply.ts.replace('.', '')}?thread_ts={asked.ts}&cid={CHANNEL}",
    ):
        assert (await ana.command(CHANNEL, f"/spanwise explain {link}")).ok
        form = await opened(scene, ana, scene.script.rows[0].id)
        await ana.close(form)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("r_gone", "I find no run"),
        ("asc-policy", "Did you mean `ask-policy`"),
        ("https://larkfield.slack.com/archives/C0PEOPLE/p1764000000000100", "not lead to one of my answers"),
        ("", "Say what to explain"),
    ],
)  # fmt: skip
async def test_what_cannot_be_explained_is_said_at_once(scene: Scene, typed: str, said: str) -> None:
    outcome = await scene.person("U0ANA").command(CHANNEL, f"/spanwise explain {typed}")
    assert outcome.ok and said in str(outcome.payload)


async def test_who_may_not_see_a_run_is_refused_in_private(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    run_id = await answered(scene, ana)
    message = scene.app_messages(ana, ana.dm)[-1]
    link = f"https://larkfield.slack.com/archives/{ana.dm}/p{message.ts.replace('.', '')}"
    for typed in (run_id, link):
        outcome = await ben.command(CHANNEL, f"/spanwise explain {typed}")
        assert ":lock:" in str(outcome.payload) and outcome.payload["response_type"] == "ephemeral"
    await scene.quiet()
    assert ben.views() == () and scene.workspace.site.shelf._files == {}
    await scene.desk.access.grant(DEV, "U0BEN", Role.OWNER, "workflow:ask-policy")
    assert (await ben.command(CHANNEL, f"/spanwise explain {run_id}")).ok
    assert "asked by Ana Costa" in words(await opened(scene, ben, "What happened"))


async def test_who_reads_a_public_answer_may_have_it_explained(scene: Scene) -> None:
    ana, ben = scene.person("U0ANA"), scene.person("U0BEN")
    await answered(scene, ana, "/ask-policy --public How many days?")
    message = await scene.answered(ben, CHANNEL)
    assert (await ben.click(message, blocks.EXPLAIN)).ok
    await opened(scene, ben, "What happened")


async def test_who_may_not_run_a_workflow_is_refused_its_explanation(tmp_path: Path) -> None:
    scene, close = await open_scene(tmp_path, open_to_all=False)
    try:
        ana = scene.person("U0ANA")
        outcome = await ana.command(CHANNEL, "/spanwise explain ask-policy")
        assert ":lock:" in str(outcome.payload) and ana.views() == ()
        await scene.desk.access.grant(DEV, "U0ANA", Role.AUDITOR)
        assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
        await opened(scene, ana, "How it works")
        scene.workspace.town.users["U0EVA"].is_guest = True
        outcome = await scene.person("U0EVA").command(CHANNEL, "/spanwise explain ask-policy")
        assert "members of this workspace only" in str(outcome.payload)
    finally:
        await close()


async def test_what_changed_since_a_run_is_named_with_its_author(scene: Scene) -> None:
    ana = scene.person("U0ANA")
    await answered(scene, ana)
    run_id = scene.script.rows[-1].id
    changed = ASK_POLICY.replace("Answers questions", "Answers all questions")
    await scene.desk.catalogue.add(DEV, [Content("workflow", "ask-policy", changed)])
    assert (await ana.command(CHANNEL, f"/spanwise explain {run_id}")).ok
    said = words(await opened(scene, ana, "What happened"))
    assert "Workflow `ask-policy` was v1, today *v2* (changed by Dev" in said
    assert "1 of 1 has changed since this run" in said
    assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
    said = words(await opened(scene, ana, "How it works"))
    assert "Answers all questions" in said and "v2, in production, released by Dev" in said


async def test_a_modal_that_slack_opens_no_more_becomes_a_private_message(
    scene: Scene,
) -> None:
    ana = scene.person("U0ANA")
    scene.workspace.faults.add("views.open", "error", error="expired_trigger_id")
    assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
    note = await ana.wait_for(
        lambda: next((m for m in ana.ephemerals(CHANNEL) if "How it works" in words(m)), None)
    )
    assert picture_in(note)
    assert ana.views() == ()


async def test_a_picture_that_slack_is_not_ready_to_show_is_shown_a_moment_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE_S", (0.0, 0.0, 0.0))
    scene.workspace.faults.add("views.update", "error", error="invalid_blocks", times=2)
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
    await opened(scene, ana, "How it works")


async def test_without_a_picture_the_words_stand_and_say_so(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(_self: Any, source: str) -> bytes:
        raise NotDrawn("too-slow")

    monkeypatch.setattr(type(scene.desk.explaining), "picture", refuse)
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
    form = await opened(scene, ana, "could not be drawn this time", with_picture=False)
    assert "How it works" in words(form)


async def test_an_installation_without_the_scope_for_files_explains_in_words(scene: Scene) -> None:
    site = scene.workspace.site
    kept = tuple(scope for scope in site.installation.scopes if scope != "files:write")
    site.installation = replace(site.installation, scopes=kept)
    ana = scene.person("U0ANA")
    assert (await ana.command(CHANNEL, "/spanwise explain ask-policy")).ok
    await opened(scene, ana, "could not be drawn this time", with_picture=False)
