"""`collect`: put values of several steps into one list."""

from collections.abc import Mapping
from typing import Literal

from pydantic import Field

from workflows.run import Json
from workflows.steps.base import Kind, StepContext, StepDefinition, StepOutcome, TemplateText


class CollectStep(StepDefinition):
    """Puts values of several steps into one list; those of skipped steps are left out."""

    kind: Literal["collect"]
    items: list[TemplateText] = Field(min_length=1, max_length=100, description="The values, in order.")
    join: Literal["all", "any"] = "any"


async def perform(step: CollectStep, context: StepContext) -> StepOutcome:
    """Gather what there is."""
    values = (item.value(context.scope) for item in step.items)
    items: list[Json] = [value for value in values if value is not None and value != ""]
    return StepOutcome({"items": items, "count": len(items)}, because=f"{len(items)} of {len(step.items)}")


def _sample(_: CollectStep) -> Mapping[str, Json]:
    return {"items": ["text"], "count": 1}


def _bare(_: CollectStep) -> Mapping[str, Json]:
    return {"items": [], "count": 0}


def _words(step: CollectStep) -> str:
    return f"Collects {', '.join(f'`{item}`' for item in step.items)} into one list."


KIND = Kind(CollectStep, perform, _sample, _words, _bare)
