"""Who may see what of a weekly digest: documents, answers made from them, and what people asked."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from slack_scene import DEV, Scene, open_scene, words
from test_digest import CHANNEL, LONDON, a_week, at, digest_for, drawn, happened, said

from bot.adapters.store import digests_log
from bot.adapters.store.document_log import CollectionRow, DocumentRow, insert_collection, put_document
from bot.governance.roles import Role
from bot.quality.complaint import Reason
from bot.quality.digest_findings import FindingKind
from bot.quality.digest_slots import week_of
from bot.quality.week_insights import (
    Anomaly,
    Cause,
    CauseKind,
    DocumentUse,
    Example,
    Gap,
    Measure,
    StaleDocument,
    WeekInsights,
    WorstAnswer,
)
from bot.services.readers import Audience
from bot.slack import digest_blocks as blocks
from bot.slack.knowledge_forms import ROOM, parts_of
from knowledge.document import Document

SECRET, PLAN = "board", "The merger plan"
TEXT = "# The merger plan\n\nWe buy Perch in May.\n"
ANSWER = "We buy Perch in May."


async def tell(
    workflows: Sequence[str], since: datetime, until: datetime, sees: bool, audience: Audience
) -> WeekInsights:
    """What rests on a document that two people may read, beside a gap."""
    if "ask-policy" not in workflows:
        return WeekInsights(since, until)
    document = DocumentUse("d_1", SECRET, "plan.md", PLAN, "U0CHLOE", since, 4, 1)
    is_open = audience.may_read(["U0CHLOE", "S0BOARD"])
    cause = Cause(CauseKind.DOCUMENT, f"{SECRET}/plan.md", since, "U0EVA", "c_1")
    slow = Anomaly("ask-policy", Measure.LATENCY, 9.0, 3.0, 5.0, 6, (cause,), "r_2")
    example = (Example("r_1", "Is Perch for sale?"),) if sees else ()
    gap = Gap("t_1", "ask-policy", "Will Perch be sold?" if sees else "perch", 3, 3, 0, example, "r_1")
    worst = WorstAnswer(
        "r_1", "ask-policy", "When?", ANSWER, 2, 0, (Reason.WRONG,), ("In June.",), since, (SECRET,)
    )
    return WeekInsights(
        since,
        until,
        gaps=(gap,),
        worst=(worst,) if sees else (),
        documents_used=(document,) if is_open else (),
        stale=(StaleDocument(document, 400, 3.0),) if is_open else (),
        anomalies=(slow,),
    )


@pytest.fixture
async def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    week = week_of(datetime.now(LONDON).date()).before
    monkeypatch.setattr("test_digest.WEEK", week)
    made, close = await open_scene(tmp_path, insights=tell)
    for person in ("U0CHLOE", "U0EVA"):
        await made.desk.access.grant(DEV, person, Role.OWNER, "workflow:ask-policy")
    row = CollectionRow(SECRET, ("U0CHLOE", "S0BOARD"), 1, "model", 384, {})
    plan = Document("d_1", SECRET, PLAN, "plan.md", "U0CHLOE", 1, "h", at(week, 0), TEXT)
    made.store.write_now(lambda c: insert_collection(c, row, now=at(week, 0)))
    made.store.write_now(lambda c: put_document(c, DocumentRow(plan, "test", "h"), ()))
    first, *others = a_week()
    happened(made, replace(first, text=ANSWER, collections=(SECRET,)), *others)
    yield made
    await close()


async def previewed(scene: Scene, person: str, count: int = 1) -> str:
    await said(scene, person, "digest now")
    return words(await digest_for(scene, person, count=count))


def finding(scene: Scene, kind: FindingKind) -> str:
    known = scene.store.read_now(
        lambda c: digests_log.read_findings(c, ["ask-policy", f"collection:{SECRET}"])
    )
    return next(each.id for each in known if each.kind is kind)


async def test_an_owner_who_may_read_a_document_is_told_of_it_and_another_is_not(scene: Scene) -> None:
    text = await previewed(scene, "U0CHLOE")
    assert f"Documents* most used: {PLAN} (4)" in text
    assert f"*{PLAN}* was last changed" in text and f"`{SECRET}/plan.md` by <@U0EVA>" in text
    assert f"Answered: “{ANSWER}”" in text and "In June." in text
    other = await previewed(scene, "U0EVA")
    assert "Asked: “When?”" in other and "Its answer comes from documents that you may not read" in other
    assert "a change of a document that not everybody who reads this may read" in other
    assert all(each not in other for each in (PLAN, "plan.md", ANSWER, "In June."))
    again = await previewed(scene, "U0CHLOE", count=2)
    assert f"`{SECRET}/plan.md`" in again and ANSWER in again, "what she may read is not lost over it"


async def test_a_channel_that_everybody_reads_is_told_of_no_closed_document(scene: Scene) -> None:
    await previewed(scene, "U0CHLOE")
    await said(scene, "U0CHLOE", "digest here ask-policy")
    await said(scene, "U0CHLOE", "digest now here")
    text = words(await digest_for(scene, "U0CHLOE", count=2))
    assert "A preview of" in text and "a change of a document that not everybody" in text
    assert all(each not in text for each in (PLAN, "plan.md", ANSWER, "When?", "sold?", "for sale", "U0EVA"))
    assert "Asked by 3 people: *perch*" in text, "words that several people used"


async def test_the_readers_of_a_private_channel_count_together(scene: Scene) -> None:
    town, people = scene.workspace.town, scene.desk.people
    town.channels[CHANNEL].kind = "group"
    town.channels[CHANNEL].members[:] = [people.myself, "U0CHLOE"]
    assert await people.audience(CHANNEL) == Audience((frozenset({"U0CHLOE", "S0LEADS"}),))
    await said(scene, "U0CHLOE", "digest here ask-policy")
    await said(scene, "U0CHLOE", "digest now here")
    text = words(await digest_for(scene, "U0CHLOE"))
    assert PLAN in text and f"`{SECRET}/plan.md`" in text, "all its readers may read it"
    assert ANSWER not in text and "for sale" not in text, "and it holds nobody's words all the same"


async def test_who_is_given_a_finding_sees_of_it_what_they_may(scene: Scene) -> None:
    await previewed(scene, "U0CHLOE")
    chloe, ben = scene.person("U0CHLOE"), scene.person("U0BEN")
    message = scene.app_messages(chloe, chloe.dm)[-1]
    await chloe.click(message, blocks.ASSIGN, "U0BEN")
    letter = await drawn(scene, "U0BEN", "asks you to look into something")
    assert "When?" not in words(letter) and ANSWER not in words(letter)
    assert blocks.CASE not in str(letter.blocks), "its form would show what somebody asked"
    await chloe.click(message, blocks.CASE, finding(scene, FindingKind.WORST))
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert ANSWER in str(form.blocks)
    assert not ben.views()


async def test_a_case_of_an_answer_that_its_owner_may_not_read(scene: Scene) -> None:
    await previewed(scene, "U0EVA")
    eva = scene.person("U0EVA")
    message = scene.app_messages(eva, eva.dm)[-1]
    await eva.click(message, blocks.CASE, finding(scene, FindingKind.WORST))
    form = await eva.wait_for(lambda: next(iter(eva.views()), None))
    assert ANSWER not in str(form.blocks) and "In June." not in str(form.blocks)


@given(st.text("ab\n ", max_size=200), st.integers(0, 9))
def test_a_text_in_parts_is_put_together_as_it_was(text: str, times: int) -> None:
    whole = "\n\n".join([text.strip("\n") or "x"] * (times * 30 + 1))
    parts = parts_of(whole)
    assert "\n\n".join(parts) == whole and all(len(each) <= ROOM for each in parts)


async def test_an_old_document_is_brought_up_to_date_where_it_stands(scene: Scene) -> None:
    await scene.desk.access.grant(DEV, "U0CHLOE", Role.EDITOR, f"collection:{SECRET}")
    await previewed(scene, "U0CHLOE")
    chloe = scene.person("U0CHLOE")
    message, stale = scene.app_messages(chloe, chloe.dm)[-1], finding(scene, FindingKind.STALE)
    assert (await chloe.click(message, blocks.FIX, stale)).ok
    form = await chloe.wait_for(lambda: next(iter(chloe.views()), None))
    assert "We buy Perch in May." in str(form.blocks) and f"{SECRET}/plan.md" in str(form.blocks)
    assert "part0" in (await chloe.submit(form, {"part0": {"part0": " "}})).errors
    assert (await chloe.submit(form, {"part0": {"part0": "# The merger plan\n\nWe buy Perch in June."}})).ok
    await drawn(scene, "U0CHLOE", "<@U0CHLOE> drafts a fix")
    (change,) = await scene.desk.changes.recent(DEV, is_open=True, limit=5)
    assert str(change.target) == f"document:{SECRET}/plan.md"
    assert datetime.now(UTC) > change.created_at
