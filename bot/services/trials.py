"""Trying cases out: one case on one side, executed like a run but kept nowhere, then judged."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.adapters.llm import Models
from bot.quality.evaluation import CaseScore, Standing, Trial
from bot.quality.evaluators import NEEDS_WRITING_MODEL, Similarity, attempt_of, evaluate, standing_of
from bot.quality.judge import DEFAULT, JUDGE, asked_again, judge_request, read_verdict, unjudged
from bot.services.contents import WORKFLOW
from bot.services.pinning import Pinned
from bot.services.spending import Account, SpendingCapReached, Tally
from knowledge.document import Retrieval
from workflows.cases import WRITING_MODEL, Case
from workflows.engine import execute
from workflows.inputs import InvalidInputs
from workflows.ports import Clock, Model, ModelError, Ports, Retriever
from workflows.run import Answer, Failure, RunResult, RunStatus, StepRun
from workflows.steps.base import AskingStep

SKIPPED = "It needs a model that writes, and only the built-in one is connected."
NAMED = ("alias", "step", "workflow")
"""Facts of a failure that a report keeps: what failed, and nothing of what was asked."""
CAPPED = "It was not run: the spending cap was reached."


@dataclass(frozen=True, slots=True)
class Side:
    """One set of versions that cases are tried on."""

    pinned: Pinned
    writes: bool
    """Whether every step that asks a model asks one that writes."""

    @classmethod
    def of(cls, pinned: Pinned, models: Models) -> "Side":
        """The side of a pinned workflow. Raises UnknownAlias for a model alias that is not configured."""
        aliases = {
            step.model
            for name in pinned.names(WORKFLOW)
            for step in pinned.workflow(name).steps
            if isinstance(step, AskingStep)
        }
        return cls(pinned, all(models.writes(alias, pinned.models_text) for alias in aliases))


@dataclass(frozen=True, slots=True)
class Tried:
    """How one execution ended and what it took."""

    result: RunResult
    seconds: float
    tally: Tally
    is_open: bool
    """Whether everybody may read all that the answer was made from."""

    @property
    def answer(self) -> Answer | None:
        """The answer, when there is one."""
        return self.result.answer


class MemoryJournal:
    """A Journal that ends with the execution."""

    def __init__(self) -> None:
        self._steps: dict[str, StepRun] = {}

    async def finished(self) -> Mapping[str, StepRun]:
        """What was recorded."""
        return self._steps

    async def record(self, step: StepRun) -> None:
        """Keep one finished step."""
        self._steps[step.step_id] = step


@dataclass(slots=True)
class SharedRetriever:
    """A Retriever that asks each question once: both sides of a case are given the same passages."""

    inner: Retriever
    _asked: dict[tuple[str, str, int], "asyncio.Task[Retrieval]"] = field(default_factory=dict)

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """Best passages first. Raises UnknownCollection."""
        key = (query, collection, limit)
        if key not in self._asked:
            search = self.inner.retrieve(query, collection=collection, limit=limit)
            self._asked[key] = asyncio.ensure_future(search)
        # whoever is cancelled while waiting must not take the search from the other side
        return await asyncio.shield(self._asked[key])


async def carry_out(
    side: Side,
    inputs: Mapping[str, str],
    *,
    model: Model,
    tally: Tally,
    retriever: Retriever,
    clock: Clock,
    closed: frozenset[str] = frozenset(),
) -> Tried:
    """Execute the workflow of a side as a run would, leaving nothing behind but ledger rows.

    `closed` are the collections that not everybody may read.
    """
    workflow = side.pinned.root
    now = asyncio.get_running_loop().time
    began = now()
    try:
        given = workflow.read_inputs(inputs)
    except InvalidInputs as error:
        failure = Failure(InvalidInputs.__name__, error.facts)
        return Tried(RunResult(RunStatus.FAILED, None, (), failure, error), 0.0, tally, False)
    ports = Ports(model, retriever, clock, MemoryJournal(), side.pinned)
    parameters = side.pinned.parameters(workflow.name)
    result = await execute(workflow, inputs=given, parameters=parameters, ports=ports)
    return Tried(result, now() - began, tally, not _collections(result) & closed)


def _collections(result: RunResult) -> set[str]:
    found: set[str] = set()
    for step in result.steps:
        passages: Any = step.output.get("passages", [])
        found.update(passage["collection"] for passage in passages)
    return found


Heard = Callable[[Answer], None]
"""Hears the answer of one trial, which the report may have to leave out."""


def unheard(_answer: Answer) -> None:
    """For trials that nobody listens to."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Tries cases for one evaluation."""

    models: Models
    account: Account
    clock: Clock
    similarity: Similarity
    paths: Mapping[str, str]
    """Document id to path."""
    closed: frozenset[str]
    judge_profiles: str
    """The models.yaml that the judge is taken from, the same for both sides."""
    judging: Tally

    async def case(self, side: Side, retriever: Retriever, case: Case, heard: Heard = unheard) -> Trial:
        """One case on one side."""
        if case.needs == WRITING_MODEL and not side.writes:
            return Trial(Standing.SKIPPED, note=SKIPPED)
        if self.account.purse.is_closed:
            return Trial(Standing.NOT_RUN, note=CAPPED)
        tried = await self.run(side, case.inputs, retriever)
        if tried.answer is None:
            return unanswered(tried)
        heard(tried.answer)
        attempt = attempt_of(
            tried.result,
            tried.answer,
            cited=frozenset(self.paths.get(c.passage.document_id, "") for c in tried.answer.citations),
            seconds=tried.seconds,
            cost_usd=tried.tally.cost_usd,
            is_priced=tried.tally.is_priced,
            similarity=self.similarity,
        )
        # the encoder is busy for tenths of a second
        slow = case.expect.similar_to is not None
        scores = (
            await asyncio.to_thread(evaluate, case.expect, attempt)
            if slow
            else evaluate(case.expect, attempt)
        )
        trial = trial_of(tried, tried.answer, scores)
        return trial if case.expect.rubric is None else await self._judged(trial, case, tried)

    async def run(self, side: Side, inputs: Mapping[str, str], retriever: Retriever) -> Tried:
        """Execute once, paid for by the evaluation."""
        tally = Tally()
        model = self.account.model(tally, "evaluation", side.pinned.models_text)
        return await carry_out(
            side,
            inputs,
            model=model,
            tally=tally,
            retriever=retriever,
            clock=self.clock,
            closed=self.closed,
        )

    async def _judged(self, trial: Trial, case: Case, tried: Tried) -> Trial:
        """The trial with what the judge says; money that is gone leaves the case open."""
        score, was_capped = await self._judge(case, tried)
        if not tried.is_open and score.value is not None:
            score = replace(score, reason=f"Judged {score.value:.2f}; its words stay with the answer.")
        scores = (*trial.scores, score)
        standing = standing_of(scores)
        if was_capped and standing is not Standing.FAILED:
            return replace(trial, standing=Standing.NOT_RUN, scores=scores, note=CAPPED)
        return replace(trial, standing=standing, scores=scores)

    async def _judge(self, case: Case, tried: Tried) -> tuple[CaseScore, bool]:
        """The score, and whether it is missing because the cap was reached."""
        rubric, answer = case.expect.rubric, tried.answer
        if rubric is None or answer is None:
            raise ValueError("nothing to judge")
        alias = JUDGE if self.models.has(JUDGE, self.judge_profiles) else DEFAULT
        if not self.models.writes(alias, self.judge_profiles):
            return unjudged(NEEDS_WRITING_MODEL), False
        question = "\n".join(value for value in case.inputs.values() if value)
        request = judge_request(alias, question, answer.text, rubric)
        model = self.account.model(self.judging, "judge", self.judge_profiles)
        try:
            reply = await model.complete(request)
            score, why = read_verdict(reply.text, rubric)
            if score is None:
                reply = await model.complete(asked_again(request, reply.text, why))
                score, why = read_verdict(reply.text, rubric)
        except SpendingCapReached:
            return unjudged("Not judged: the spending cap was reached."), True
        except ModelError as error:
            return unjudged(f"Not judged: the judge gave no reply ({type(error).__name__})."), False
        return score or unjudged(f"Not judged: the judge's reply could not be used: {why}."), False


def trial_of(tried: Tried, answer: Answer, scores: tuple[CaseScore, ...]) -> Trial:
    """An execution with its scores as a row of the report has it."""
    return Trial(
        standing_of(scores),
        scores,
        cost_usd=tried.tally.cost_usd,
        is_priced=tried.tally.is_priced,
        seconds=round(tried.seconds, 3),
        answer=answer.text if tried.is_open else "",
        outcome=answer.outcome,
        model=answer.model,
    )


def unanswered(tried: Tried) -> Trial:
    """An execution that ended without an answer."""
    if tried.tally.hit_the_cap:
        return Trial(Standing.NOT_RUN, cost_usd=tried.tally.cost_usd, note=CAPPED)
    failure = tried.result.failure
    return Trial(
        Standing.FAILED,
        cost_usd=tried.tally.cost_usd,
        seconds=round(tried.seconds, 3),
        note="It ended without an answer.",
        failure=failure.kind if failure else "",
        failed_at={each: failure.facts[each] for each in NAMED if each in failure.facts} if failure else {},
    )
