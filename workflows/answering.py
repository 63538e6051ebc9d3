"""From finished steps to the answer: which entry, its text and citations, and what must be said beside it."""

from collections.abc import Iterable, Mapping

from knowledge.document import Citation
from workflows.run import Answer, Json, StepRun, StepStatus
from workflows.steps.check import CheckStep
from workflows.steps.citing import merge
from workflows.steps.prompt import PromptStep
from workflows.steps.retrieve import passage_of
from workflows.workflow import Workflow, cites


class NoAnswer(Exception):
    """The steps ended, but with no outcome that `answer` names, or with an empty text."""

    def __init__(self, workflow: str, outcome: str) -> None:
        super().__init__(workflow, outcome)
        self.facts = {"workflow": workflow, "outcome": outcome}


def answer_of(
    workflow: Workflow, scope: Mapping[str, Json], done: Mapping[str, StepRun], inner: Iterable[StepRun]
) -> Answer:
    """The answer. Raises NoAnswer, RenderedTooLong."""
    outcome, entry, rule = _entry(workflow, done)
    feeding = workflow.feeding[entry]
    taken = [done[step.id] for step in workflow.order if step.id in feeding]
    text, chunks = _cited(workflow, workflow.answer[entry].render(scope).strip(), taken)
    if not text:
        raise NoAnswer(workflow.name, outcome)
    everything = [*done.values(), *inner]
    passages = _passages(everything)
    return Answer(
        text=text,
        outcome=outcome,
        citations=tuple(
            Citation(number, passage_of(passages[chunk]))
            for number, chunk in enumerate(chunks, 1)
            if chunk in passages
        ),
        rule=rule,
        model=next((run.model for run in reversed(taken) if run.model), ""),
        support=_support(workflow, done),
        notes=tuple(dict.fromkeys(note for run in taken for note in _texts(run.output.get("notes")))),
        abstained=_abstained(workflow, feeding, done),
        searched=_searched(everything),
    )


def _entry(workflow: Workflow, done: Mapping[str, StepRun]) -> tuple[str, str, str]:
    """Outcome, key of `answer` and rule of the last decision that `answer` has an entry for.

    A text that did not pass its check is shown only by the check's own outcome, or by a decision that knew.
    """
    deciding = [step.id for step in workflow.order if step.kind in ("decide", "check")]
    taken = [(name, done[name]) for name in deciding if done[name].status is StepStatus.SUCCEEDED]
    rejected = {
        step.id: str(step.of)
        for step in workflow.steps
        if isinstance(step, CheckStep) and done[step.id].output.get("passed") is False
    }

    def shown(key: str, knowing: frozenset[str] = frozenset()) -> bool:
        hidden = {of for check, of in rejected.items() if check not in knowing}
        return key in workflow.answer and not hidden & workflow.feeding[key]

    for name, run in reversed(taken):
        outcome = str(run.output["outcome"])
        if shown(outcome, workflow.edges[name].uses | {name}):
            return outcome, outcome, run.because
    outcome, because = (str(taken[-1][1].output["outcome"]), taken[-1][1].because) if taken else ("", "")
    for key in ("", "otherwise"):
        if shown(key):
            return outcome, key, because
    raise NoAnswer(workflow.name, outcome)


def _cited(workflow: Workflow, text: str, taken: Iterable[StepRun]) -> tuple[str, list[str]]:
    """The text with its marks numbered as one list, and the chunk of each number."""
    cited_by = {
        run.step_id.rpartition("/")[2]: _texts(run.output.get("citations"))
        for run in taken
        if cites(workflow.step(run.step_id.rpartition("/")[2]))
    }
    return merge(text, cited_by) if cited_by else (text, [])


def _passages(runs: Iterable[StepRun]) -> dict[str, dict[str, Json]]:
    """Every passage that was retrieved, by chunk id."""
    found: dict[str, dict[str, Json]] = {}
    for run in runs:
        passages = run.output.get("passages")
        for passage in passages if run.kind == "retrieve" and isinstance(passages, list) else []:
            if isinstance(passage, dict):
                found[str(passage["chunk_id"])] = passage
    return found


def _searched(runs: Iterable[StepRun]) -> tuple[str, ...]:
    found = (run.output.get("revisions") for run in runs if run.kind == "retrieve")
    return tuple(sorted({name for each in found if isinstance(each, dict) for name in each}))


def _support(workflow: Workflow, done: Mapping[str, StepRun]) -> float | None:
    """Support of the first retrieval."""
    found = (done[step.id].output.get("support") for step in workflow.order if step.kind == "retrieve")
    return next((each for each in found if isinstance(each, float | int)), None)


def _abstained(workflow: Workflow, feeding: frozenset[str], done: Mapping[str, StepRun]) -> bool:
    """Whether a workflow that answers questions gave none of its answers."""
    answering = {step.id for step in workflow.steps if isinstance(step, PromptStep) and step.task == "answer"}
    given = (done[name] for name in answering & feeding)
    return bool(answering) and not any(run.output.get("text") for run in given)


def _texts(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
