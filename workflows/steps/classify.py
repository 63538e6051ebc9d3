"""`classify`: choose the one label that fits a text."""

from collections.abc import Mapping
from functools import cache
from typing import Literal

from pydantic import Field

from workflows.file_model import Name
from workflows.ports import Task
from workflows.run import Json
from workflows.steps.base import (
    AskingStep,
    Kind,
    NumberOrTemplate,
    StepContext,
    StepOutcome,
    TemplateText,
    number,
)
from workflows.steps.fencing import write
from workflows.steps.replies import Shape, ask_for_json, asked, plain_schema
from workflows.template import parse_prompt

DEFAULT = parse_prompt(
    "classify",
    "Choose the one label whose description fits the text best, say how sure you are from 0 to 1, and why in "
    "one sentence.\n\nLabels:\n{{ labels }}\n\n{{ text }}",
)


class ClassifyStep(AskingStep):
    """Chooses one of several described labels for a text."""

    kind: Literal["classify"]
    text: TemplateText = Field(description="The text to sort.")
    labels: dict[Name, str] = Field(
        min_length=2, max_length=50, description="Each label with what belongs to it."
    )
    min_confidence: NumberOrTemplate = Field(0, description="Below this the label is empty: nothing fits.")


async def perform(step: ClassifyStep, context: StepContext) -> StepOutcome:
    """Ask the model for a label. Raises ModelError."""
    task = Task(kind="classify", text=step.text.render(context.scope), labels=step.labels)
    shape = _shape(tuple(step.labels))
    request = asked(step, write(step, context, task, (), DEFAULT), task=task, schema=shape.schema)
    value, reply, usage = await ask_for_json(request, shape, context)
    found = value if isinstance(value, dict) else {}
    confidence = float(str(found["confidence"]))
    label = found["label"] if confidence >= number(step.min_confidence, context.scope) else ""
    output: dict[str, Json] = {"label": label, "confidence": confidence, "because": found["because"]}
    because = f"{label or 'nothing fits'} ({confidence:.2f}): {found['because']}"
    return StepOutcome(
        output | {"notes": list(reply.notes), "model": reply.model}, usage, reply.model, because
    )


@cache
def _shape(labels: tuple[str, ...]) -> Shape:
    return Shape(
        plain_schema(
            {
                "label": {"type": "string", "enum": list(labels)},
                "confidence": {"type": "number", "minimum": 0, "maximum": 1},
                "because": {"type": "string"},
            }
        )
    )


def _sample(step: ClassifyStep) -> Mapping[str, Json]:
    return {
        "label": next(iter(step.labels)),
        "confidence": 0.5,
        "because": "text",
        "notes": [],
        "model": "text",
    }


def _bare(step: ClassifyStep) -> Mapping[str, Json]:
    return {**_sample(step), "label": "", "confidence": 0.0}


def _words(step: ClassifyStep) -> str:
    labels = "".join(f"\n  - `{label}`: {what}" for label, what in step.labels.items())
    return f"Asks the model `{step.model}` which of these fits `{step.text}`:{labels}"


KIND = Kind(ClassifyStep, perform, _sample, _words, _bare)
