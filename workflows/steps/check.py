"""`check`: look at what a prompt step wrote before anybody sees it; have it rewritten, or give up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from workflows.file_model import FileModel, Name
from workflows.run import Json
from workflows.steps.base import Kind, StepContext, StepDefinition, StepFailed, StepName, StepOutcome, StepRef
from workflows.steps.fencing import passages_of
from workflows.steps.grounding import ungrounded
from workflows.steps.prompt import PromptStep
from workflows.template import look_up, nearest


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check may look at."""

    text: str
    data: Json
    abstained: bool
    cited: tuple[str, ...]
    """Texts of the passages the text cites."""


class Lack(NamedTuple):
    """Why a check does not pass; `NONE` when it does."""

    why: str
    """Holds nothing that the model wrote without proof, so that people may read it."""
    sentence: str = ""
    """What is wrong, as the model wrote it: for the model that writes it again, and for nobody else."""

    @property
    def in_full(self) -> str:
        """What is wrong and where."""
        return f'"{self.sentence[:200]}": {self.why}' if self.sentence else self.why


NONE = Lack("")


def _cites_sources(checked: Checked, _: int) -> Lack:
    return NONE if checked.cited else Lack("cites none of the passages it was given")


def _grounded(checked: Checked, _: int) -> Lack:
    found = ungrounded(checked.text, checked.cited)
    return Lack(why=found[1], sentence=found[0]) if found else NONE


def _max_words(checked: Checked, limit: int) -> Lack:
    count = len(checked.text.split())
    return Lack(f"has {count} words, more than {limit}") if count > limit else NONE


def _not_empty(checked: Checked, _: int) -> Lack:
    return NONE if checked.text.strip() or checked.data is not None else Lack("is empty")


def _json(checked: Checked, _: int) -> Lack:
    return NONE if checked.data is not None else Lack("is not JSON")


CHECKS: Mapping[str, tuple[Callable[[Checked, int], Lack], str]] = {
    "cites_sources": (_cites_sources, "cites at least one passage it was given"),
    "grounded": (_grounded, "says nothing that the cited passages do not say: words, numbers and dates"),
    "max_words": (_max_words, "has at most {limit} words"),
    "not_empty": (_not_empty, "is not empty"),
    "json": (_json, "is JSON"),
}
"""Name to the check and what passing it means."""
WITH_LIMIT = frozenset({"max_words"})


class CheckSpec(FileModel):
    """One check, with its limit where it has one."""

    name: str
    limit: int = 0


def _spec(value: object) -> object:
    if isinstance(value, str):
        name, limit = value, None
    elif isinstance(value, dict) and len(value) == 1:
        name, limit = next(iter(value.items()))
    else:
        raise PydanticCustomError("check", "must be the name of a check, or one name with its limit")
    if name not in CHECKS:
        raise PydanticCustomError(
            "check", "{why}", {"why": f"there is no check `{name}`{nearest(str(name), CHECKS)}"}
        )
    if (name in WITH_LIMIT) != (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
        wanted = (
            f"`{name}` needs a limit: {{{name}: 250}}" if name in WITH_LIMIT else f"`{name}` has no limit"
        )
        raise PydanticCustomError("check", "{why}", {"why": wanted})
    return {"name": name, "limit": limit or 0}


def _listed() -> str:
    """Every check with what passing it means, for whoever writes one."""
    written = {name: f"{{{name}: 250}}" if name in WITH_LIMIT else name for name in CHECKS}
    said = (f"`{written[name]}` {means.format(limit=250)}" for name, (_, means) in CHECKS.items())
    return f"One or more: {'; '.join(said)}."


CheckField = Annotated[
    CheckSpec,
    BeforeValidator(_spec),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": sorted(set(CHECKS) - WITH_LIMIT)},
                *(
                    {
                        "type": "object",
                        "properties": {name: {"type": "integer", "minimum": 1}},
                        "required": [name],
                        "additionalProperties": False,
                    }
                    for name in sorted(WITH_LIMIT)
                ),
            ]
        }
    ),
]


class OnFail(FileModel):
    """What happens when a check fails."""

    retry: int = Field(
        0, ge=0, le=3, description="How often the checked step is done again, told what was wrong."
    )
    then: Name = Field(description="The outcome when it still fails.")


class CheckStep(StepDefinition):
    """Checks what a prompt step wrote."""

    kind: Literal["check"]
    of: StepRef = Field(description="The prompt step.")
    checks: list[CheckField] = Field(min_length=1, max_length=20, description=_listed())
    on_fail: OnFail | None = Field(None, description="Left out: the run fails.")
    timeout_s: float = Field(180, gt=0, le=3600, description="Seconds for one attempt, rewriting included.")

    @property
    def outcomes(self) -> tuple[str, ...]:
        """Every outcome it can have."""
        return ("passed", self.on_fail.then) if self.on_fail else ("passed",)


class CheckFailed(StepFailed):
    """What was written did not pass, and the workflow names no other outcome."""


async def perform(step: CheckStep, context: StepContext) -> StepOutcome:
    """Check, and have it written again as often as `on_fail` allows. Raises CheckFailed."""
    output = context.scope[step.of]
    failures = _failures(step, context, output)
    for _ in range(step.on_fail.retry if step.on_fail else 0):
        if not failures or look_up(context.scope, (step.of, "abstained")):
            break
        output = dict(await context.redo(step.of, "; ".join(f"it {lack.in_full}" for _, lack in failures)))
        failures = _failures(step, context, output)
    reasons = "; ".join(f"{name}: {lack.why}" for name, lack in failures)
    if failures and step.on_fail is None:
        raise CheckFailed(step=step.id, why=reasons)
    outcome = step.on_fail.then if failures and step.on_fail else "passed"
    listed: list[Json] = [{"check": name, "why": lack.why} for name, lack in failures]
    result: dict[str, Json] = {"passed": not failures, "failures": listed, "outcome": outcome}
    return StepOutcome(result, because=reasons or "All checks passed.")


def _failures(step: CheckStep, context: StepContext, output: Json) -> list[tuple[str, Lack]]:
    """Name of each check that fails, and why."""
    written: dict[str, Any] = output if isinstance(output, dict) else {}
    prompt = context.workflow.step(StepName(step.of))
    sources = prompt.sources if isinstance(prompt, PromptStep) else ()
    wanted = set(written.get("citations", ()))
    passages = passages_of(sources, context.scope) if wanted else []
    cited = tuple(str(each["text"]) for each in passages if each["chunk_id"] in wanted)
    checked = Checked(written["text"], written["data"], written["abstained"], cited)
    found = [(spec.name, CHECKS[spec.name][0](checked, spec.limit)) for spec in step.checks]
    return [(name, lack) for name, lack in found if lack.why]


def _sample(step: CheckStep) -> Mapping[str, Json]:
    return {"passed": True, "failures": [{"check": "text", "why": "text"}], "outcome": "passed"}


def _words(step: CheckStep) -> str:
    wanted = "; ".join(CHECKS[spec.name][1].format(limit=spec.limit) for spec in step.checks)
    if step.on_fail is None:
        after = "If not, the run fails."
    else:
        times = "once" if step.on_fail.retry == 1 else f"up to {step.on_fail.retry} times"
        again = f"it is written again {times}; if that does not help, " if step.on_fail.retry else ""
        after = f"If not, {again}the outcome is `{step.on_fail.then}`."
    return f"Checks that what `{step.of}` wrote {wanted}. {after}"


KIND = Kind(CheckStep, perform, _sample, _words)
