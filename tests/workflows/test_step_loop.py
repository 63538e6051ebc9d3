import asyncio
from collections.abc import Mapping

import pytest

from knowledge.document import Retrieval
from tests.fakes import FakeJournal, FakeLibrary, FakeModel, FakeRetriever, passage
from tests.workflows.engine_desk import Desk, workflow_of
from workflows.engine import backoff
from workflows.ports import (
    LostLease,
    ModelRefused,
    ModelReply,
    ModelRequest,
    ModelTimeout,
    ModelUnavailable,
    NeedsWritingModel,
    Progress,
    UnknownAlias,
    UnknownCollection,
)
from workflows.run import RunStatus, StepRun, StepStatus, Usage

FIND = 'id: find, kind: retrieve, collection: people, query: "{{ inputs.q }}"'
ANSWER = 'id: answer, kind: prompt, task: answer, template: p, passages: find, question: "{{ inputs.q }}"'
CHECK = "id: check, kind: check, of: answer, checks: [cites_sources, grounded], on_fail: {retry: 1, then: no}"
ROUTE = (
    "id: route, kind: decide, "
    "rules: [{when: find.support < 0.4, then: no, because: Too far off}, {otherwise: yes_}]"
)
COVERED = '{yes_: "{{ answer.text }}", no: Not covered}'
ASK = (FIND, ROUTE, f'{ANSWER}, when: route.outcome == "yes_"', CHECK)


def text(name: str, value: str = "", **more: str) -> str:
    rest = "".join(f", {key}: {each}" for key, each in more.items())
    return f'id: {name}, kind: template, text: "{value or name}"{rest}'


def statuses(steps: tuple[StepRun, ...]) -> Mapping[str, str]:
    return {step.step_id: step.status.value for step in steps}


async def test_an_answer_with_sources() -> None:
    desk = Desk(model=FakeModel("Five days may be carried over [2], until 31 March [1][7]."))
    result = await desk.execute(workflow_of(*ASK, answer=COVERED), {"q": "How many?"})
    assert result.status is RunStatus.SUCCEEDED
    assert result.answer is not None
    assert result.answer.text == "Five days may be carried over [1], until 31 March [2]."
    assert [(each.number, each.passage.chunk_id) for each in result.answer.citations] == [
        (1, "c2"),
        (2, "c1"),
    ]
    assert (result.answer.outcome, result.answer.model, result.answer.support) == (
        "yes_",
        "fake/default",
        0.8,
    )
    assert not result.answer.abstained
    assert result.answer.searched == ("people",)
    assert result.usage == Usage(10, 5)
    assert desk.retriever.queries == [("How many?", "people", 6)]
    assert [step.step_id for step in desk.journal.recorded] == ["find", "route", "answer", "check"]
    assert [(each.step_id, each.number, each.total) for each in desk.progress] == [
        ("find", 1, 4),
        ("route", 2, 4),
        ("answer", 3, 4),
        ("check", 4, 4),
    ]
    assert "".join(desk.pieces).startswith("Five days")


async def test_skipping_propagates_and_the_rule_is_told() -> None:
    desk = Desk(retriever=FakeRetriever(passage(1), support=0.1))
    result = await desk.execute(workflow_of(*ASK, answer=COVERED))
    assert result.answer is not None
    assert (result.answer.text, result.answer.outcome, result.answer.rule) == (
        "Not covered",
        "no",
        "Too far off",
    )
    assert result.answer.abstained
    assert statuses(result.steps) == {
        "find": "succeeded",
        "route": "succeeded",
        "answer": "skipped",
        "check": "skipped",
    }
    assert desk.model.requests == []
    assert desk.performed == ["find", "route"]


@pytest.mark.parametrize(
    ("replies", "text_", "calls"),
    [
        (["Nine days [1].", "Five days may be carried over [1]."], "Five days may be carried over [1].", 2),
        (["Nine days [1].", "Nine days [1]."], "Not covered", 2),
        (["Five days may be carried over.", "Five days may be carried over."], "Not covered", 2),
        (["Five days may be carried over [9].", "Five days may be carried over [9]."], "Not covered", 2),
        (["NOT_COVERED"], "Not covered", 1),
        (["NOT_COVERED: the passages say nothing"], "Not covered", 1),
    ],
)
async def test_a_check_has_it_written_again_or_takes_another_outcome(
    replies: list[str], text_: str, calls: int
) -> None:
    desk = Desk(model=FakeModel(*replies))
    result = await desk.execute(workflow_of(*ASK, answer=COVERED))
    assert result.answer is not None
    assert result.answer.text == text_
    assert len(desk.model.requests) == calls
    assert result.usage == Usage(10 * calls, 5 * calls)
    if calls == 2:
        assert "Write it again" in desk.model.requests[1].messages[1].content
        assert [step.step_id for step in desk.journal.recorded] == [
            "find",
            "route",
            "answer",
            "answer",
            "check",
        ]
        assert desk.journal.steps["answer"].attempts == 2
    if replies[0].startswith("NOT_COVERED"):
        assert desk.pieces == []


async def test_a_failing_check_without_an_outcome_fails_the_run() -> None:
    steps = (FIND, ANSWER, "id: check, kind: check, of: answer, checks: [cites_sources]")
    result = await Desk(model=FakeModel("Nothing cited.")).execute(
        workflow_of(*steps, answer='"{{ answer.text }}"')
    )
    assert result.status is RunStatus.FAILED
    assert result.failure is not None
    assert (result.failure.kind, result.failure.facts["step"]) == ("CheckFailed", "check")


async def test_independent_steps_run_at_the_same_time() -> None:
    both = asyncio.Barrier(2)

    class Meeting(FakeModel):
        async def complete(self, request: ModelRequest, on_text: object = None) -> ModelReply:
            await asyncio.wait_for(both.wait(), 5)
            return ModelReply(request.step_id, "m", Usage(), 0.1)

    steps = [f"id: {name}, kind: prompt, template: p, needs: []" for name in ("one", "two")]
    result = await Desk(model=Meeting()).execute(
        workflow_of(
            *steps, text("end", "{{ one.text }}{{ two.text }}", needs="[]"), answer='"{{ end.text }}"'
        )
    )
    assert result.answer is not None
    assert result.answer.text == "onetwo"


async def test_a_failure_stops_the_others() -> None:
    stopped = asyncio.Event()

    class Slow(FakeModel):
        async def complete(self, request: ModelRequest, on_text: object = None) -> ModelReply:
            if request.step_id == "bad":
                await asyncio.sleep(0)
                raise ModelRefused("default", why="quota")
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                stopped.set()
                raise
            raise AssertionError

    steps = [f"id: {name}, kind: prompt, template: p, needs: []" for name in ("slow", "bad")]
    result = await asyncio.wait_for(Desk(model=Slow()).execute(workflow_of(*steps)), 10)
    assert result.failure is not None
    assert result.failure.kind == "ModelRefused"
    assert result.failure.facts == {"step": "bad", "title": "", "alias": "default", "why": "quota"}
    assert isinstance(result.error, ModelRefused)
    assert stopped.is_set()


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (ModelUnavailable("default"), 3),
        (ModelTimeout("default"), 3),
        (OSError("connection reset"), 3),
        (ModelRefused("default"), 1),
        (NeedsWritingModel("default", setting="x"), 1),
        (UnknownAlias("default"), 1),
    ],
)
async def test_retries(error: Exception, attempts: int) -> None:
    desk = Desk(model=FakeModel(error))
    result = await desk.execute(workflow_of("id: a, kind: prompt, template: p, retry: 2"))
    assert result.failure is not None
    assert result.failure.kind == type(error).__name__
    assert len(desk.model.requests) == attempts
    assert len(desk.clock.sleeps) == attempts - 1
    assert desk.journal.steps["a"].status is StepStatus.FAILED
    assert desk.journal.steps["a"].attempts == attempts


async def test_a_retry_that_heals() -> None:
    desk = Desk(model=FakeModel(ModelUnavailable("default"), "Fine."))
    result = await desk.execute(
        workflow_of("id: a, kind: prompt, template: p, retry: 1", answer='"{{ a.text }}"')
    )
    assert result.answer is not None
    assert result.answer.text == "Fine."


def test_backoff_doubles_and_differs() -> None:
    for attempt, longest in ((1, 0.75), (2, 1.5), (3, 3.0), (20, 45.0)):
        waits = {backoff(attempt) for _ in range(50)}
        assert len(waits) > 1
        assert all(longest / 3 <= wait <= longest for wait in waits)


async def test_an_unknown_collection() -> None:
    desk = Desk(retriever=FakeRetriever(error=UnknownCollection("people")))
    result = await desk.execute(workflow_of(f"{FIND}, retry: 3"))
    assert result.failure is not None
    assert result.failure.facts["collection"] == "people"
    assert len(desk.retriever.queries) == 1


async def test_a_step_that_takes_too_long() -> None:
    class Stuck(FakeModel):
        async def complete(self, request: ModelRequest, on_text: object = None) -> ModelReply:
            await asyncio.sleep(60)
            raise AssertionError

    result = await Desk(model=Stuck()).execute(
        workflow_of("id: a, kind: prompt, template: p, timeout_s: 0.01")
    )
    assert result.failure is not None
    assert (result.failure.kind, result.failure.facts["seconds"]) == ("StepTimeout", "0.01")


async def test_cancelling_cancels_what_runs_and_keeps_what_is_finished() -> None:
    started = asyncio.Event()

    class Stuck(FakeModel):
        async def complete(self, request: ModelRequest, on_text: object = None) -> ModelReply:
            started.set()
            await asyncio.sleep(60)
            raise AssertionError

    desk = Desk(model=Stuck())
    task = asyncio.create_task(desk.execute(workflow_of(FIND, ANSWER, answer='"{{ answer.text }}"')))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert list(desk.journal.steps) == ["find"]


async def test_a_lost_lease_stops_at_once() -> None:
    class Taken(FakeJournal):
        async def record(self, step: StepRun) -> None:
            raise LostLease

    desk = Desk(journal=Taken())
    with pytest.raises(LostLease):
        await desk.execute(workflow_of(FIND, ANSWER, answer='"{{ answer.text }}"'))
    assert desk.performed == ["find"]


async def test_a_lost_lease_in_one_of_several_branches() -> None:
    class Taken(FakeJournal):
        async def record(self, step: StepRun) -> None:
            raise LostLease

    steps = [f"id: {name}, kind: prompt, template: p, needs: []" for name in ("one", "two")]
    with pytest.raises(LostLease):
        await Desk(journal=Taken()).execute(workflow_of(*steps))


async def test_a_sentence_without_proof_is_told_to_the_model_and_to_nobody_else() -> None:
    desk = Desk(model=FakeModel("Nine hundred days [1].", "Eight hundred days [1]."))
    result = await desk.execute(workflow_of(*ASK, answer=COVERED), {"q": "How many?"})
    assert '"Nine hundred days' in str(desk.model.requests[1])
    check = desk.journal.steps["check"]
    assert check.because.startswith("grounded: ")
    assert result.answer is not None
    assert "hundred days" not in f"{check.because} {check.output} {result.answer}"


async def test_resuming_performs_only_what_is_not_finished() -> None:
    workflow = workflow_of(*ASK, answer=COVERED)
    whole = Desk()
    wanted = await whole.execute(workflow)
    recorded = whole.journal.recorded
    for count in range(len(recorded) + 1):
        desk = Desk(journal=FakeJournal({step.step_id: step for step in recorded[:count]}))
        result = await desk.execute(workflow)
        assert result.answer == wanted.answer
        assert desk.performed == [step.step_id for step in recorded[count:]]
        assert len(desk.model.requests) == (count < 3)


async def test_a_failed_step_in_the_journal_is_tried_again() -> None:
    workflow = workflow_of("id: a, kind: prompt, template: p", answer='"{{ a.text }}"')
    first = Desk(model=FakeModel(ModelUnavailable("default")))
    await first.execute(workflow)
    result = await Desk(journal=FakeJournal(first.journal.steps), model=FakeModel("Fine.")).execute(workflow)
    assert result.answer is not None


async def test_conditions_that_fail_fail_the_run() -> None:
    steps = (text("a"), text("b", when="\"find_.items[3].x == 'a'\"", needs="[a, find_]"))
    collect = 'id: find_, kind: collect, items: ["{{ a.text }}"], needs: [a]'
    result = await Desk().execute(workflow_of(steps[0], collect, steps[1]))
    assert result.failure is not None
    assert (result.failure.kind, result.failure.facts["step"]) == ("ConditionFailed", "b")


@pytest.mark.parametrize(
    ("join", "end"),
    [("all", "skipped"), ("any", "succeeded")],
)
async def test_joins(join: str, end: str) -> None:
    decide = "id: d, kind: decide, rules: [{when: inputs.q == null, then: left}, {otherwise: right}]"
    left = text("left", when="'d.outcome == \"left\"'")
    right = text("right", when="'d.outcome == \"right\"'", needs="[d]")
    last = text("end", "{{ left.text }}{{ right.text }}", join=join)
    result = await Desk().execute(workflow_of(decide, left, right, last))
    assert statuses(result.steps) == {"d": "succeeded", "left": "succeeded", "right": "skipped", "end": end}
    if join == "any":
        assert result.steps[-1].output == {"text": "left"}


async def test_the_order_of_the_file_alone_does_not_propagate_skipping() -> None:
    result = await Desk().execute(workflow_of(text("a", when="1 > 2"), text("b")))
    assert statuses(result.steps) == {"a": "skipped", "b": "succeeded"}
    assert result.steps[0].because == "not `1 > 2`"


async def test_collect_leaves_out_what_was_skipped() -> None:
    result = await Desk().execute(
        workflow_of(
            text("a", when="1 > 2"),
            text("b", needs="[]"),
            'id: c, kind: collect, items: ["{{ a.text }}", "{{ b.text }}", "x {{ b.text }}"]',
        )
    )
    assert result.steps[-1].output == {"items": ["b", "x b"], "count": 2}


async def test_no_text_is_no_answer() -> None:
    result = await Desk(model=FakeModel("  ")).execute(
        workflow_of("id: a, kind: prompt, template: p", answer='"{{ a.text }}"')
    )
    assert result.status is RunStatus.FAILED
    assert result.failure is not None
    assert result.failure.kind == "NoAnswer"


async def test_parameters_out_of_bounds_fail_the_run() -> None:
    result = await Desk().execute(workflow_of(text("a")), parameters={"nobody": 1})
    assert result.failure is not None
    assert result.failure.kind == "InvalidInputs"


INNER = workflow_of(FIND, ANSWER, answer='"{{ answer.text }}"', name="inner")


async def test_a_called_workflow_brings_its_citations_and_its_journal() -> None:
    desk = Desk(library=FakeLibrary(INNER))
    outer = workflow_of(
        'id: ask, kind: call, workflow: inner, inputs: {q: "{{ inputs.q }}"}',
        FIND,
        ANSWER.replace("id: answer", "id: own"),
        answer='"{{ ask.text }} And: {{ own.text }}"',
    )
    result = await desk.execute(outer, {"q": "Why?"})
    assert result.answer is not None
    assert result.answer.text == "Five days may be carried over [1]. And: Five days may be carried over [1]."
    assert len(result.answer.citations) == 1
    assert set(desk.journal.steps) == {"ask", "ask/find", "ask/answer", "find", "own"}
    assert desk.retriever.queries[0][0] == "Why?"
    assert result.usage == Usage(20, 10)
    kept = {name: step for name, step in desk.journal.steps.items() if name.startswith("ask/")}
    again = Desk(library=FakeLibrary(INNER), journal=FakeJournal(kept))
    assert (await again.execute(outer, {"q": "Why?"})).answer == result.answer
    assert len(again.model.requests) == 1


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        ('{yes_: "{{ answer.text }}", otherwise: Nothing to show}', "Nothing to show"),
        ('{yes_: "{{ answer.text }}", no: "Unproven: {{ answer.text }}"}', "Unproven: Ten days."),
        ('{yes_: "{{ answer.text }}", otherwise: "{{ answer.text }}"}', None),
        ('"{{ answer.text }}"', None),
        ("done", "done"),
    ],
)
async def test_what_a_check_rejected_is_shown_only_where_the_workflow_says_so(
    answer: str, text: str | None
) -> None:
    result = await Desk(model=FakeModel("Ten days.")).execute(workflow_of(*ASK, answer=answer))
    assert (result.answer and result.answer.text) == text
    assert text is not None or (result.failure and result.failure.kind == "NoAnswer")


@pytest.mark.parametrize("other", ["call", "prompt"])
async def test_the_marks_of_a_called_workflow_keep_their_sources_beside_others(other: str) -> None:
    money = "id: money, kind: retrieve, collection: money, query: x"
    rates = ANSWER.replace("id: answer", "id: m").replace("find", "money")
    library = FakeLibrary(INNER, workflow_of(money, rates, answer='"{{ m.text }}"', name="rates"))
    seconds = {"call": ("id: m, kind: call, workflow: rates",), "prompt": (money, rates)}
    outer = workflow_of(
        "id: p, kind: call, workflow: inner",
        *seconds[other],
        answer='"People: {{ p.text }} Money: {{ m.text }}"',
    )

    class ByCollection(FakeRetriever):
        async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
            self.passages = (passage(1 if collection == "people" else 2),)
            return await super().retrieve(query, collection=collection, limit=limit)

    desk = Desk(retriever=ByCollection(), library=library, model=FakeModel("So it is [1]."))
    answer = (await desk.execute(outer)).answer
    assert answer is not None
    assert answer.text == "People: So it is [1]. Money: So it is [2]."
    assert [each.passage.chunk_id for each in answer.citations] == ["c1", "c2"]


async def test_a_called_workflow_that_fails() -> None:
    desk = Desk(library=FakeLibrary(INNER), model=FakeModel(ModelRefused("default", why="quota")))
    result = await desk.execute(
        workflow_of("id: ask, kind: call, workflow: inner", answer='"{{ ask.text }}"')
    )
    assert result.failure is not None
    assert result.failure.kind == "CalledWorkflowFailed"
    assert result.failure.facts["failure"] == "ModelRefused"
    assert result.failure.facts["workflow"] == "inner"


async def test_calls_without_end_are_stopped() -> None:
    loop = workflow_of("id: again, kind: call, workflow: w", answer='"{{ again.text }}"')
    result = await Desk(library=FakeLibrary(loop)).execute(loop)
    assert result.failure is not None
    assert result.failure.facts["failure"] == "CalledWorkflowFailed"


async def test_two_citing_steps_share_one_list() -> None:
    class Both(FakeModel):
        async def complete(self, request: ModelRequest, on_text: object = None) -> ModelReply:
            mark = "[2] and [1]" if request.step_id == "one" else "[2] and [9]"
            return ModelReply(f"{request.step_id} {mark}", "m", Usage(), 0.1)

    one, two = (ANSWER.replace("id: answer", f"id: {name}") for name in ("one", "two"))
    desk = Desk(model=Both())
    result = await desk.execute(
        workflow_of(FIND, one, two, text("end", "{{ two.text }}. {{ one.text }}"), answer='"{{ end.text }}"')
    )
    assert result.answer is not None
    assert result.answer.text == "two [1] and. one [1] and [2]"
    assert [each.passage.chunk_id for each in result.answer.citations] == ["c2", "c1"]


async def test_progress_that_fails_fails_loudly() -> None:
    async def refuse(progress: Progress) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await Desk().execute(workflow_of(text("a")), on_progress=refuse)
