"""Evaluations end to end on both databases: a local model server, real versions, real ledger."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, run_log
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import read_calls
from bot.adapters.store.row_codec import answer_json
from bot.adapters.store.scores import Score, write_score
from bot.adapters.store.versions_log import CANDIDATE, insert_version, move_label
from bot.quality.evaluation import EvaluationReport, Standing, Trial
from bot.services.access import Access
from bot.services.actors import Actor, Origin
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.catalogue import Catalogue, Content
from bot.services.evaluating import Evaluations, UnknownEvaluation, try_jobs
from bot.services.evaluation_material import Limits
from bot.services.golden_cases import GoldenCases
from bot.services.readers import Audience
from tests.fakes import FakeClock, FakeRetriever, passage
from tests.openai_server import OpenAIServer, Reply
from workflows.run import Answer
from workflows.template import InvalidPrompt
from workflows.versions import content_hash

DEV = Actor("U0DEV", "Dev")
WORKFLOW = """
name: ask
title: Ask
purpose: Answers.
inputs:
  question: {kind: text, label: Question, from: message}
steps:
  - {id: find, kind: retrieve, collection: people, query: "{{ inputs.question }}", limit: 3}
  - id: answer
    kind: prompt
    task: answer
    template: ask.answer
    passages: find
    question: "{{ inputs.question }}"
answer: "{{ answer.text }}"
"""
PROMPT = "---\nvariables: [question, passages]\n---\n{tone}\n\n{{{{ passages }}}}\n\n{{{{ question }}}}\n"
PLAIN, FRIENDLY = (PROMPT.format(tone=tone) for tone in ("Be plain.", "Be friendly."))
PRICED = """
default:
  model: openai/writer
  api_base: {base}
  price: {{input_per_million: 10, output_per_million: 100}}
judge:
  model: openai/judge
  api_base: {base}
  price: {{input_per_million: 10, output_per_million: 100}}
"""
CASES = """
- id: polite
  inputs: {question: "How many days?"}
  expect: {must_contain: [gladly]}
- id: number
  inputs: {question: "How many days?"}
  expect: {must_contain: [five]}
- id: judged
  inputs: {question: "How many days of leave?"}
  expect: {rubric: "Is kind."}
- id: reader
  inputs: {question: "Who wrote it?"}
  needs: writing_model
  expect: {must_not_contain: [nobody]}
"""


def respond(body: Mapping[str, Any]) -> Reply:
    """Friendly answers forget the number; the judge likes them."""
    said = json.dumps(body["messages"])
    if body["model"] == "judge":
        kind = "Gladly" in said
        return Reply(
            json.dumps({"score": 0.9 if kind else 0.2, "reason": "It is kind." if kind else "Cold."})
        )
    return Reply("Gladly, as many as you like [1]." if "Be friendly" in said else "It is five days [1].")


@dataclass
class Shelf:
    """Knowledge that says who asked for what."""

    asked: list[tuple[Audience, str]] = field(default_factory=list)
    collection: str = "people"

    async def warm(self) -> None:
        pass

    def retriever(self, audience: Audience, revisions: Mapping[str, int]) -> Any:
        shelf, found = self, FakeRetriever(passage(collection=self.collection))

        class Asking:
            async def retrieve(self, query: str, *, collection: str, limit: int) -> Any:
                shelf.asked.append((audience, query))
                return await found.retrieve(query, collection=collection, limit=limit)

        return Asking()


@dataclass
class House:
    """Everything evaluations need, on one store and one server."""

    store: Store
    server: OpenAIServer
    evaluations: Evaluations
    golden: GoldenCases
    catalogue: Catalogue
    shelf: Shelf
    clock: FakeClock

    async def compare(self, prompt: str = FRIENDLY, **rest: Any) -> EvaluationReport:
        contents = [Content("prompt", "ask.answer", prompt)]
        return await self.evaluations.compare("ask", contents, by="U0DEV", subject="change:c_1", **rest)

    def calls(self, report: EvaluationReport) -> tuple[LedgerEntry, ...]:
        return self.store.read_now(lambda connection: read_calls(connection, report.id))

    def status(self, evaluation_id: str) -> Any:
        from bot.adapters.store.evaluations_log import read_evaluation

        return self.store.read_now(lambda connection: read_evaluation(connection, evaluation_id))

    def only_row(self) -> Any:
        from sqlalchemy import select

        from bot.adapters.store.evaluations_log import evaluations

        return self.store.read_now(lambda connection: connection.execute(select(evaluations)).one())

    def vote_down(self, run_id: str, actor: Actor, answer: str, correction: str = "") -> None:
        def act(connection: Any) -> None:
            origin = Origin("dm", channel_id="D1", visibility="private")
            run = run_log.NewRun(
                run_id,
                "ask",
                1,
                "Ask",
                {"question": f"Private {run_id}?"},
                actor.id,
                actor.as_json(),
                origin.as_json(),
                "",
            )
            run_log.insert_run(connection, run, run_id, self.clock.now())
            runs = run_log.runs
            values = {"answer": answer_json(Answer(answer, "")), "status": "succeeded"}
            connection.execute(runs.update().where(runs.c.id == run_id).values(**values))
            self.clock.at += timedelta(seconds=1)
            write_score(connection, Score(run_id, "vote", f"person:{actor.id}", -1.0), self.clock.now())
            if correction:
                score = Score(run_id, "correction", f"person:{actor.id}", -1.0, correction)
                write_score(connection, score, self.clock.now())

        self.store.write_now(act)


def alike(one: str, other: str) -> float:
    """As good as an encoder for texts this short."""
    return float("five" in one and "five" in other)


async def build(store: Store, server: OpenAIServer, folder: Any, profiles: str, limits: Limits) -> House:
    clock = FakeClock()
    access = Access(store, clock, ["U0DEV"])
    catalogue = Catalogue(store, access, clock)
    await catalogue.seed([Content("prompt", "ask.answer", PLAIN), Content("workflow", "ask", WORKFLOW)])
    (folder / "ask.cases.yaml").write_text(CASES, encoding="utf-8")
    golden = GoldenCases(store, access, catalogue, clock, folder)
    models = Models(read_profiles(profiles.format(base=server.base_url)), store, environ={}, clock=clock)
    shelf = Shelf()
    billing = Billing(store, clock, BudgetNotices(access), WakeUp())
    evaluations = Evaluations(store, catalogue, models, shelf, clock, billing, golden, alike, limits)  # type: ignore[arg-type]
    return House(store, server, evaluations, golden, catalogue, shelf, clock)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(respond=respond) as made:
        yield made


@pytest.fixture
async def house(store: Store, server: OpenAIServer, tmp_path: Any) -> House:
    return await build(store, server, tmp_path, PRICED, Limits())


def standings(report: EvaluationReport) -> dict[str, tuple[str, str]]:
    return {
        row.id: (row.old.standing.value if row.old else "", row.new.standing.value) for row in report.rows
    }


async def test_both_sides_of_a_change_are_tried_and_told_apart(house: House) -> None:
    seen: list[tuple[int, int]] = []
    report = await house.compare(on_progress=lambda done, total: seen.append((done, total)))
    assert standings(report) == {
        "polite": ("failed", "passed"),
        "number": ("passed", "failed"),
        "judged": ("failed", "passed"),
        "reader": ("passed", "passed"),
    }
    assert report.is_failing and [row.id for row in report.newly_failing] == ["number"]
    assert [row.id for row in report.newly_passing] == ["polite", "judged"]
    assert "1 of 4 cases got worse and 2 better; that can well be chance (p = 1)." in report.statement
    assert seen == [(done, 8) for done in range(1, 9)]
    assert report.old_versions and report.old_versions["prompt"] == {"ask.answer": 1}
    assert report.new_versions["prompt"] == {"ask.answer": 0}
    failing = report.newly_failing[0]
    assert failing.new.scores[0].reason == "It lacks “five”." and failing.new.answer.startswith("Gladly")
    assert failing.old and failing.old.answer == "It is five days [1]." and failing.new.seconds > 0


async def test_every_call_is_in_the_ledger_under_its_purpose(house: House) -> None:
    report = await house.compare()
    calls = house.calls(report)
    assert sorted(call.purpose for call in calls) == ["evaluation"] * 8 + ["judge"] * 2
    assert sum(call.cost_usd for call in calls) == report.cost_usd > 0
    assert report.judge_cost_usd == sum(call.cost_usd for call in calls if call.purpose == "judge")
    assert house.status(report.id).cost_usd == report.cost_usd


async def test_the_report_is_kept_and_the_deed_is_on_record(house: House) -> None:
    report = await house.compare()
    assert await house.evaluations.report(report.id) == report
    assert await house.evaluations.latest("ask") is None, "a proposal says nothing of what is live"
    live = await house.evaluations.evaluate("ask", by="U0DEV")
    assert await house.evaluations.latest("ask") == live and not live.has_two_sides
    with pytest.raises(UnknownEvaluation):
        await house.evaluations.report("e_none")
    events = house.store.read_now(lambda connection: audit_log.read_events(connection, limit=50))
    acted = [(event.action, event.actor) for event in events if event.action.startswith("evaluation")]
    assert sorted(acted) == [("evaluation.begun", "U0DEV")] * 2 + [("evaluation.finished", "U0DEV")] * 2


async def test_both_sides_are_given_the_same_passages_by_one_search(house: House) -> None:
    await house.compare()
    queries = [query for _, query in house.shelf.asked]
    assert sorted(queries) == ["How many days of leave?", "How many days?", "Who wrote it?"]


async def test_a_correction_that_fails_on_both_sides_holds_nothing_up(house: House) -> None:
    key = await house.golden.add(
        DEV, "ask", {"question": "Why?"}, {"must_contain": ["never said"]}, run_id="r_9"
    )
    report = await house.compare(PLAIN.replace("plain", "plainer"))
    row = next(row for row in report.rows if row.id == key)
    assert (row.source, row.run_id) == ("chat", "r_9")
    assert row.old and row.old.standing is row.new.standing is Standing.FAILED
    assert not report.is_failing and key in {row.id for row in report.failing}


async def test_the_built_in_model_is_held_only_to_what_it_can_do(
    store: Store, server: OpenAIServer, tmp_path: Any
) -> None:
    house = await build(store, server, tmp_path, "default: {{model: spanwise/quote}}", Limits())
    report = await house.evaluations.evaluate("ask", by="U0DEV")
    assert standings(report)["reader"] == ("", "skipped") and standings(report)["judged"] == (
        "",
        "not judged",
    )
    rubric = next(row for row in report.rows if row.id == "judged").new.scores[0]
    assert rubric.passed is None and "needs a writing model" in rubric.reason
    assert report.count(Standing.SKIPPED) == 1 and not server.history
    assert [note for note in report.notes if "skipped" in note] == [
        "1 case was skipped: only a model that writes can be held to that."
    ]


async def test_a_cap_that_is_reached_leaves_the_rest_not_run_and_says_so(
    store: Store, server: OpenAIServer, tmp_path: Any
) -> None:
    cap = Decimal("0.11")
    house = await build(store, server, tmp_path, PRICED, Limits(concurrency=1, cap_usd=cap))
    report = await house.compare()
    assert not report.is_complete and report.cost_usd <= cap
    assert 0 < len(server.history) < 10
    left = [row for row in report.rows if row.new.standing is Standing.NOT_RUN]
    assert left and all("cap" in row.new.note for row in left)
    assert any("The spending cap of 0.11 dollars was reached" in note for note in report.notes)


async def test_a_cancelled_evaluation_stops_its_calls_and_is_kept_as_stopped(house: House) -> None:
    house.server.latency_s = 30
    task = asyncio.create_task(house.compare())
    while not house.server.history:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    row = house.only_row()
    assert row.status == "stopped" and row.finished_at is not None
    report = await house.evaluations.report(row.id)
    assert not report.is_complete and "It was stopped before its end: 4 cases were not run." in report.notes
    assert all(call.outcome == "Cancelled" for call in house.calls(report)) and house.calls(report)


async def test_what_goes_wrong_unforeseen_is_kept_as_failed_and_raised_plainly(house: House) -> None:
    def broken(one: str, other: str) -> float:
        raise RuntimeError("the encoder is gone")

    house.evaluations._similarity = broken
    await house.golden.add(DEV, "ask", {"question": "Why?"}, {"similar_to": "five"})
    with pytest.raises(RuntimeError, match="encoder"):
        await house.compare()
    assert house.only_row().status == "failed"


async def test_a_prompt_that_cannot_be_used_is_refused_before_anything_is_tried(house: House) -> None:
    with pytest.raises(InvalidPrompt):
        await house.compare("---\nvariables: [question]\n---\n{{ nonsense }}\n")
    assert not house.server.history


async def test_a_candidate_is_compared_with_production(house: House) -> None:
    def release(connection: Any) -> None:
        made = insert_version(
            connection,
            kind="prompt",
            name="ask.answer",
            content=FRIENDLY,
            content_hash=content_hash(FRIENDLY),
            author="U0DEV",
            at=house.clock.now(),
        )
        move_label(
            connection,
            kind="prompt",
            name="ask.answer",
            number=made.number,
            by="U0DEV",
            at=house.clock.now(),
            label=CANDIDATE,
        )

    house.store.write_now(release)
    report = await house.evaluations.compare("ask", by="U0DEV", subject="terminal", label=CANDIDATE)
    assert standings(report)["number"] == ("passed", "failed")
    assert report.new_versions["prompt"] == {"ask.answer": 2}
    assert await house.evaluations.latest("ask", label=CANDIDATE) == report
    one = await house.evaluations.evaluate("ask", by="U0DEV", label=CANDIDATE)
    assert standings(one)["number"] == ("", "failed")


async def test_answers_voted_down_are_tried_for_those_who_read_them(house: House) -> None:
    ana, ben = Actor("U0ANA", groups=frozenset({"S0HR"})), Actor("U0BEN")
    house.vote_down("r_1", ana, "It is five days [1].", "There are five days.")
    house.vote_down("r_2", ben, "It is five days [1].")
    report = await house.compare()
    first, second = report.thumbs_down[::-1]
    assert (first.id, second.id) == ("r_1", "r_2"), "the newest first"
    assert first.old and first.old.standing is Standing.PASSED and first.new.standing is Standing.FAILED
    assert second.old and second.old.standing is second.new.standing is Standing.UNJUDGED
    said = {score.name: score.reason for score in second.new.scores}
    assert said == {"changed": "The answer has changed.", "abstains": "It answers."}
    assert second.old.scores[0].reason == "The answer is the one that was voted down."
    readers = {query: audience.readers for audience, query in house.shelf.asked}
    assert readers["Private r_1?"] == (frozenset({"U0ANA", "S0HR"}),)
    assert readers["Private r_2?"] == (frozenset({"U0BEN"}),)
    assert readers["How many days?"] == (), "cases are read by whoever keeps the store"
    assert len(report.newly_failing) == 1, "what was voted down decides nothing"


async def test_a_report_keeps_nobodys_question_and_no_answer_from_closed_collections(house: House) -> None:
    house.vote_down("r_1", Actor("U0ANA"), "It is five days.", "Secret correction.")
    house.store.write_now(lambda connection: close_collection(connection, house.clock))
    house.shelf.collection = "board"
    report = await house.compare()
    kept = json.dumps(report.as_json())
    assert "Private r_1" not in kept and "Secret" not in kept
    assert "Gladly, as many" not in kept and "It is kind" not in kept
    judged = next(row for row in report.rows if row.id == "judged").new.scores[0]
    assert judged.reason == "Judged 0.90; its words stay with the answer."


def close_collection(connection: Any, clock: FakeClock) -> None:
    from bot.adapters.store.document_log import CollectionRow, insert_collection

    insert_collection(connection, CollectionRow("board", ("U0DEV",), 1, "m", 3), now=clock.now())


@pytest.mark.parametrize("at_once", [1, 3])
async def test_no_more_than_the_limit_are_tried_at_a_time(at_once: int) -> None:
    busy: list[int] = []
    most = 0

    async def job() -> Trial:
        nonlocal most
        busy.append(1)
        most = max(most, len(busy))
        await asyncio.sleep(0.002)
        busy.pop()
        return Trial(Standing.PASSED)

    found: dict[tuple[str, str], Trial] = {}
    await try_jobs([((str(number), "new"), job) for number in range(10)], found, at_once, None)
    assert most == at_once and len(found) == 10
