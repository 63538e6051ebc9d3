"""Executing a workflow: the only step loop.

A step starts when everything it waits for is finished (`Workflow.edges`); steps that do not wait for each
other run concurrently. A finished step is journaled before anything that waits for it starts, and one found
in the journal is not performed again: an execution may be stopped anywhere and taken up later with the same
result. Cancelling the task cancels the run.

Built to carry what comes later without another loop:
- `for_each`, `loop`: a kind whose perform executes steps through `StepContext.call`, as `call` does, under
  journal ids `outer/2/inner`; every turn is then resumed by itself.
- joins of alternative branches: `join: any` and `collect` are there; skipped steps read as empty.
- `ask_human`, timers: perform looks for what it waits for and, when that is not there yet, ends the
  execution with status WAITING and nothing journaled for the step; resuming performs it again. No task is
  held for days.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from workflows.answering import NoAnswer, answer_of
from workflows.inputs import InvalidInputs
from workflows.ports import (
    Interrupted,
    ModelBusy,
    ModelRefused,
    ModelResting,
    NeedsWritingModel,
    Ports,
    Progress,
    UnknownAlias,
    UnknownCollection,
)
from workflows.rules import ConditionFailed
from workflows.run import Failure, Json, RunResult, RunStatus, StepRun, StepStatus
from workflows.steps import KINDS
from workflows.steps.base import StepContext, StepDefinition, StepFailed, StepOutcome
from workflows.steps.citing import Numbering
from workflows.template import RenderedTooLong, as_text
from workflows.workflow import Workflow

MAX_DEPTH = 5
"""Workflows inside workflows."""
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 30.0

PERMANENT = (
    StepFailed,
    ConditionFailed,
    RenderedTooLong,
    InvalidInputs,
    LookupError,
    UnknownCollection,
    UnknownAlias,
    NeedsWritingModel,
    ModelRefused,
    ModelResting,
    ModelBusy,
)
"""Errors that another attempt would only meet again, or not before the step's time is over."""


class StepTimeout(Exception):
    """A step took longer than its `timeout_s`."""

    def __init__(self, step: str, seconds: float) -> None:
        super().__init__(step, seconds)
        self.facts = {"step": step, "seconds": f"{seconds:g}"}


class CallTooDeep(StepFailed):
    """Workflows call each other deeper than MAX_DEPTH."""


class CalledWorkflowFailed(StepFailed):
    """A workflow executed inside a step failed; facts `workflow`, `failure` and its own."""


async def execute(
    workflow: Workflow,
    *,
    inputs: Mapping[str, Json],
    parameters: Mapping[str, Json],
    ports: Ports,
    on_progress: Callable[[Progress], Awaitable[None]] | None = None,
    on_text: Callable[[str], None] | None = None,
) -> RunResult:
    """Execute a workflow, or go on with one whose journal has finished steps.

    `inputs` as `Workflow.read_inputs` gives them; `parameters` that are left out have their defaults.
    `on_text` gets pieces of the answer while it is written; a new Progress for the step means it starts
    over. Raises Interrupted and CancelledError; every other error becomes the failure of the result.
    """
    finished = dict(await ports.journal.finished())
    execution = _Execution(workflow, ports, finished, on_progress, on_text)
    return await execution.run(inputs, parameters)


@dataclass(slots=True)
class _Execution:
    """One workflow being executed; `call` steps make another inside."""

    workflow: Workflow
    ports: Ports
    journaled: dict[str, StepRun]
    on_progress: Callable[[Progress], Awaitable[None]] | None = None
    on_text: Callable[[str], None] | None = None
    prefix: str = ""
    """Of the ids in the journal: `outer/`."""
    depth: int = 1
    scope: dict[str, Json] = field(default_factory=dict)
    done: dict[str, StepRun] = field(default_factory=dict)
    inner: list[StepRun] = field(default_factory=list)
    """Steps of workflows that were called."""
    error: Exception | None = None

    async def run(self, inputs: Mapping[str, Json], parameters: Mapping[str, Json]) -> RunResult:
        """Every step, then the answer."""
        try:
            self.scope["inputs"] = dict.fromkeys(self.workflow.inputs) | dict(inputs)
            self.scope["parameters"] = self.workflow.read_parameters(parameters)
            await self._steps()
            if self.error is None:
                answer = answer_of(self.workflow, self.scope, self.done, self.inner)
                return RunResult(RunStatus.SUCCEEDED, answer, self._finished())
        except (NoAnswer, RenderedTooLong, InvalidInputs) as error:
            self.error = error
        failed = next((step.failure for step in self.done.values() if step.failure), None)
        failure = failed or failure_of(self.error or NoAnswer(self.workflow.name, ""), {})
        return RunResult(RunStatus.FAILED, None, self._finished(), failure, self.error)

    def _finished(self) -> tuple[StepRun, ...]:
        return (*(self.done[step.id] for step in self.workflow.order if step.id in self.done), *self.inner)

    async def _steps(self) -> None:
        """Start what is ready, wait for whichever ends first, until all are finished or one has failed."""
        waiting = list(self.workflow.order)
        running: set[asyncio.Task[None]] = set()
        try:
            while (waiting or running) and self.error is None:
                ready = [step for step in waiting if self.workflow.edges[step.id].all <= self.done.keys()]
                waiting = [step for step in waiting if step not in ready]
                if len(ready) == 1 and not running:
                    await self._step(ready[0])
                    continue
                running |= {asyncio.create_task(self._step(step)) for step in ready}
                ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    task.result()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.gather(*running, return_exceptions=True)

    async def _step(self, step: StepDefinition) -> None:
        """One step: as journaled, or skipped, or performed."""
        journaled = self.journaled.get(self.prefix + step.id)
        if journaled is not None and journaled.status is not StepStatus.FAILED:
            self._adopt(step.id, journaled)
            return
        try:
            skipped = self._why_skipped(step)
        except ConditionFailed as error:
            await self._keep(self._ended(step, StepStatus.FAILED, self.ports.clock.now(), error=error))
            return
        if skipped:
            outcome = StepOutcome({}, because=skipped)
            now = self.ports.clock.now()
            await self._keep(self._ended(step, StepStatus.SKIPPED, now, outcome=outcome))
            return
        await self._announce(step)
        await self._keep(await self._perform(step))

    def _why_skipped(self, step: StepDefinition) -> str:
        """Why the step is not performed; "" when it is. Raises ConditionFailed."""
        uses = self.workflow.edges[step.id].uses
        skipped = sorted(name for name in uses if self.done[name].status is StepStatus.SKIPPED)
        if skipped and (step.join == "all" or len(skipped) == len(uses)):
            return f"`{skipped[0]}` was skipped"
        if step.when is not None and not step.when.holds(self.scope):
            return f"not `{step.when}`"
        return ""

    async def _announce(self, step: StepDefinition) -> None:
        if self.on_progress is not None:
            position, total = self.workflow.positions[step.id], len(self.workflow.steps)
            await self.on_progress(Progress(self.prefix + step.id, step.title or step.id, position, total))

    async def _perform(self, step: StepDefinition, feedback: str = "") -> StepRun:
        """Attempts until one succeeds, an error is permanent, or no attempt is left."""
        context = self._context(step, feedback)
        started_at = self.ports.clock.now()
        attempt = 0
        while True:
            attempt += 1
            try:
                async with asyncio.timeout(step.timeout_s):
                    outcome = await KINDS[step.kind].perform(step, context)
            except Interrupted:
                raise
            except Exception as error:
                known = StepTimeout(step.id, step.timeout_s) if isinstance(error, TimeoutError) else error
                if attempt > step.retry or isinstance(known, PERMANENT):
                    return self._ended(step, StepStatus.FAILED, started_at, attempt, error=known)
            else:
                return self._ended(step, StepStatus.SUCCEEDED, started_at, attempt, outcome=outcome)
            await self.ports.clock.sleep(backoff(attempt))

    def _ended(
        self,
        step: StepDefinition,
        status: StepStatus,
        started_at: datetime,
        attempts: int = 1,
        *,
        outcome: StepOutcome | None = None,
        error: Exception | None = None,
    ) -> StepRun:
        found = outcome or StepOutcome({})
        failure = failure_of(error, {"step": self.prefix + step.id, "title": step.title}) if error else None
        self.error = error or self.error
        return StepRun(
            step_id=self.prefix + step.id,
            kind=step.kind,
            status=status,
            output=found.output,
            started_at=started_at,
            finished_at=self.ports.clock.now(),
            attempts=attempts,
            usage=found.usage,
            model=found.model,
            failure=failure,
            because=found.because,
        )

    async def _keep(self, run: StepRun) -> None:
        """Journal a finished step, then let others see it."""
        await self.ports.journal.record(run)
        self.journaled[run.step_id] = run
        self._adopt(run.step_id.removeprefix(self.prefix), run)

    def _adopt(self, name: str, run: StepRun) -> None:
        self.done[name] = run
        self.scope[name] = dict(run.output)

    def _context(self, step: StepDefinition, feedback: str) -> StepContext:
        return StepContext(
            workflow=self.workflow,
            scope=self.scope,
            model=self.ports.model,
            retriever=self.ports.retriever,
            prompt=self.ports.library.prompt,
            on_text=self.on_text if step.id in self.workflow.spoken else None,
            feedback=feedback,
            redo=self._redo,
            call=self._call,
        )

    async def _redo(self, name: str, feedback: str) -> Mapping[str, Json]:
        """Perform a finished step again and let its new output take the place of the old one."""
        step, before = self.workflow.step(name), self.done[name]
        await self._announce(step)
        again = await self._perform(step, feedback)
        if again.failure is not None:
            self.error, error = None, self.error
            raise error or StepFailed(step=name)
        attempts, usage = before.attempts + again.attempts, before.usage + again.usage
        await self._keep(replace(again, started_at=before.started_at, attempts=attempts, usage=usage))
        return again.output

    async def _call(self, name: str, inputs: Mapping[str, Json], step_id: str) -> StepOutcome:
        """Execute another workflow inside a step. Raises CallTooDeep, CalledWorkflowFailed."""
        if self.depth >= MAX_DEPTH:
            raise CallTooDeep(workflow=name, limit=str(MAX_DEPTH))
        called = self.ports.library.workflow(name)
        prefix, depth = f"{self.prefix}{step_id}/", self.depth + 1
        inside = _Execution(called, self.ports, self.journaled, self.on_progress, prefix=prefix, depth=depth)
        given = called.read_inputs({key: as_text(value) for key, value in inputs.items()})
        result = await inside.run(given, self.ports.library.parameters(name))
        self.inner = [run for run in self.inner if not run.step_id.startswith(prefix)] + list(result.steps)
        answer, failure = result.answer, result.failure
        if answer is None:
            kind = failure.kind if failure else ""
            raise CalledWorkflowFailed(
                **{**(failure.facts if failure else {}), "workflow": name, "failure": kind}
            )
        cited = [citation.passage.chunk_id for citation in answer.citations]
        # the marks of the called workflow count its own sources only
        numbering = Numbering(cited, f"{step_id}.") if self.workflow.has_several_citing else None
        output: dict[str, Json] = {
            "text": numbering.apply(answer.text).strip() if numbering else answer.text,
            "outcome": answer.outcome,
            "citations": list(cited),
            "abstained": answer.abstained,
            "notes": list(answer.notes),
            "model": answer.model,
        }
        return StepOutcome(output, model=answer.model, because=answer.rule)


def failure_of(error: Exception, facts: Mapping[str, str]) -> Failure:
    """An error as the facts that a sentence for people needs."""
    return Failure(type(error).__name__, {**facts, **getattr(error, "facts", {})})


def backoff(attempt: int) -> float:
    """Seconds to wait after a failed attempt: doubling, and never the same for two runs."""
    longest: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** (attempt - 1))
    return longest * (0.5 + random.random())
