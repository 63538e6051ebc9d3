"""Calibrating a collection: the file of questions, what is kept, and that searching follows at once."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.adapters.store.audit_log import read_events
from bot.adapters.store.database import Store
from bot.services.holdings import Holdings
from bot.services.known_questions import InvalidQuestions, LabelledQuestion, calibrate, read_questions
from bot.services.readers import TERMINAL
from knowledge.embedding import Embedder
from knowledge.support import AS_SHIPPED
from tests.databases import with_tables
from tests.fakes import FakeClock
from workflows.ports import UnknownCollection

HANDBOOK = """# Leave and travel

## Carry over

You can carry over up to five days of unused leave until 31 March. Your manager agrees in Perch.

## Hotels

A hotel in London may cost 190 GBP a night. Breakfast is part of the price.
"""
ASKED = "How many days of unused leave can I carry over, asked {} of us?"
MISSED = "How much may a hotel in Madrid cost a night, asked {} of us?"


@pytest.fixture
async def holdings(tmp_path: Path) -> AsyncIterator[Holdings]:
    store = Store(with_tables(tmp_path / "spanwise.db"))
    made = Holdings(store, tmp_path, FakeClock(), embedder=Embedder.load())
    (tmp_path / "leave.md").write_text(HANDBOOK)
    await made.add(tmp_path / "leave.md", "people")
    yield made
    await made.close()
    store.close()


def known(count: int = 20) -> list[LabelledQuestion]:
    people = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    names = [f"{a} and {b}" for a in people for b in people][:count]
    return [
        LabelledQuestion(question=text.format(name), answerable=text is ASKED)
        for text in (ASKED, MISSED)
        for name in names
    ]


async def support_of(holdings: Holdings, question: str) -> float:
    found = await holdings.retriever(TERMINAL).retrieve(question, collection="people", limit=3)
    return found.support


async def test_what_helps_is_kept_on_record_and_followed_at_once(holdings: Holdings) -> None:
    asked, missed = ASKED.format("many"), MISSED.format("many")
    before, steps = await support_of(holdings, asked), list[int]()
    trial = await calibrate(
        holdings, "people", known(), by="U0ANA", on_progress=lambda done, total, what: steps.append(done)
    )
    assert trial.helps and steps == list(range(1, 41))
    assert await support_of(holdings, missed) < 0.4 < await support_of(holdings, asked) != before
    (row,) = await holdings.collections()
    assert row.calibration == trial.calibration != AS_SHIPPED
    (event,) = [
        each for each in await holdings._store.read(read_events) if each.action == "collection.calibrated"
    ]
    assert (event.actor, event.target, event.context["questions"]) == ("U0ANA", "people", 40)


@pytest.mark.parametrize("clearly", [0.01, 9.9])
async def test_trying_and_what_does_not_help_keep_nothing(
    holdings: Holdings, monkeypatch: pytest.MonkeyPatch, clearly: float
) -> None:
    monkeypatch.setattr("knowledge.calibrating.CLEARLY", clearly)
    trial = await calibrate(holdings, "people", known(), by="U0ANA", keep=clearly > 1)
    assert trial.helps is (clearly < 1)
    (row,) = await holdings.collections()
    assert row.calibration == AS_SHIPPED


async def test_a_collection_that_is_not_there(holdings: Holdings) -> None:
    with pytest.raises(UnknownCollection):
        await calibrate(holdings, "board", known(), by="U0ANA")


def test_a_file_is_read_whole_or_told_what_is_wrong_where() -> None:
    row = {"question": "How many days?", "answerable": True, "doc_ids": ["leave"]}
    good = json.dumps(row).encode() + b"\n\n" + '{"question": "Où?", "answerable": false}'.encode()
    assert [(each.question, each.answerable) for each in read_questions(good)] == [
        ("How many days?", True),
        ("Où?", False),
    ]
    lines = ('{"question": " ?!", "answerable": true}', "", '{"question": "x", "answerable": "yes"}')
    bad = b"\n".join([*map(str.encode, lines), b"\xff", b'{"answerable": false}'])
    with pytest.raises(InvalidQuestions) as refused:
        read_questions(bad)
    problems = refused.value.facts["problems"].splitlines()
    assert [each.split(":")[0] for each in problems] == ["line 1", "line 3", "line 4", "line 5"]
    assert "asks nothing" in problems[0] and "answerable" in problems[1] and "question" in problems[3]
