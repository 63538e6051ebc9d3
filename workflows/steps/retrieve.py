"""`retrieve`: find passages in a collection."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from knowledge.document import Passage
from workflows.run import Json
from workflows.steps.base import (
    Kind,
    NumberOrTemplate,
    StepContext,
    StepDefinition,
    StepOutcome,
    TemplateText,
    number,
)

MAX_PASSAGES = 50
_FIELDS = tuple(each.name for each in fields(Passage))


class RetrieveStep(StepDefinition):
    """Finds passages in a collection of knowledge."""

    kind: Literal["retrieve"]
    collection: str = Field(pattern=r"^[a-z][a-z0-9-]{0,39}$", description="Which documents to search.")
    query: TemplateText = Field(description="What to look for.")
    limit: NumberOrTemplate = Field(6, description="How many passages, 1 to 50.")
    timeout_s: float = Field(20, gt=0, le=3600, description="Seconds for one attempt.")


async def perform(step: RetrieveStep, context: StepContext) -> StepOutcome:
    """Ask the retriever. Raises UnknownCollection."""
    limit = max(1, min(MAX_PASSAGES, int(number(step.limit, context.scope))))
    query = step.query.render(context.scope)
    found = await context.retriever.retrieve(query, collection=step.collection, limit=limit)
    passages: list[Json] = [passage_json(passage) for passage in found.passages[:limit]]
    revisions: dict[str, Json] = dict(found.revisions)
    return StepOutcome(
        {"support": found.support, "count": len(passages), "passages": passages, "revisions": revisions},
        because=f"{len(passages)} passages found; they support an answer to {found.support:.0%}.",
    )


def passage_json(passage: Passage) -> dict[str, Json]:
    """A passage as plain JSON, as later steps and the journal keep it."""
    data = {name: getattr(passage, name) for name in _FIELDS}
    return {**data, "headings": list(passage.headings), "updated_at": passage.updated_at.isoformat()}


def passage_of(data: Mapping[str, Any]) -> Passage:
    """The passage that `passage_json` wrote."""
    return Passage(
        **{
            **data,
            "headings": tuple(data["headings"]),
            "updated_at": datetime.fromisoformat(data["updated_at"]),
        }
    )


def _sample(_: RetrieveStep) -> Mapping[str, Json]:
    passage: dict[str, Json] = {
        **dict.fromkeys(_FIELDS, "text"),
        "headings": ["text"],
        "version": 1,
        "updated_at": "2026-01-01T00:00:00+00:00",
        "score": 0.5,
    }
    return {"support": 0.5, "count": 1, "passages": [passage], "revisions": {}}


def _bare(_: RetrieveStep) -> Mapping[str, Json]:
    return {"support": 0.0, "count": 0, "passages": [], "revisions": {}}


def _words(step: RetrieveStep) -> str:
    return f"Looks in the collection `{step.collection}` for up to `{step.limit}` passages on `{step.query}`."


KIND = Kind(RetrieveStep, perform, _sample, _words, _bare)
