"""`call`: execute another workflow and use its answer."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from workflows.file_model import Name
from workflows.run import Json
from workflows.steps.base import Kind, StepContext, StepDefinition, StepOutcome, TemplateText


class CallStep(StepDefinition):
    """Executes another workflow inside this one."""

    kind: Literal["call"]
    workflow: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="The workflow to execute.")
    inputs: dict[Name, TemplateText] = Field({}, description="What it is given.")
    timeout_s: float = Field(600, gt=0, le=3600, description="Seconds for one attempt.")


async def perform(step: CallStep, context: StepContext) -> StepOutcome:
    """Hand over to the engine. Raises CallTooDeep, CalledWorkflowFailed."""
    inputs = {name: template.value(context.scope) for name, template in step.inputs.items()}
    return await context.call(step.workflow, inputs, step.id)


def _sample(_: CallStep) -> Mapping[str, Json]:
    return {"text": "text", "outcome": "text", "citations": ["text"], "abstained": False}


def _words(step: CallStep) -> str:
    given = ", ".join(f"`{name}` = `{template}`" for name, template in step.inputs.items())
    return f"Executes the workflow `{step.workflow}`" + (f" with {given}." if given else ".")


KIND = Kind(CallStep, perform, _sample, _words)
