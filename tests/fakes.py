"""Small stand-ins for what is outside a test's subject. Each keeps a history of what was asked of it."""

import asyncio
import itertools
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow
from bot.services.outbox_items import OutboxItem, Posted
from knowledge.document import Passage, Retrieval
from workflows.ports import ModelReply, ModelRequest, Progress
from workflows.run import Answer, Json, RunResult, RunStatus, StepRun, Usage
from workflows.template import PromptTemplate, parse_prompt
from workflows.workflow import Workflow


def word_vectors(texts: Sequence[str]) -> Any:
    """Words as vectors: the same words in another order are the same question."""
    rows = np.zeros((len(texts), 512))
    for row, text in enumerate(texts):
        for word in re.findall(r"\w{4,}", text.lower()):
            rows[row, sum(map(ord, word)) % 512] += 1
        rows[row] /= np.linalg.norm(rows[row]) or 1
    return rows


class FakeClock:
    """Stands still until moved; `sleep` moves it and returns at once."""

    def __init__(self, at: datetime = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)) -> None:
        self.at = at
        self.sleeps: list[float] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.sleeps.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class FakeSender:
    """A Slack that keeps what it was sent; `faults` are raised by the next calls."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, OutboxItem]] = []
        self.messages: dict[str, list[str]] = {}
        self.faults: list[tuple[str, Exception]] = []
        self._number = itertools.count(1)

    def shown(self, item_id: str) -> list[str]:
        """What readers saw of a message, in order."""
        return self.messages.get(item_id, [])

    async def post(self, item: OutboxItem) -> Posted:
        self.calls.append(("post", item))
        kind, error = self.faults.pop(0) if self.faults else ("", None)
        if kind != "before":
            assert item.id not in self.messages, "posted twice"
            self.messages[item.id] = [_shown(item)]
        if error is not None:
            raise error
        return Posted(item.channel, f"{next(self._number)}.0")

    async def update(self, item: OutboxItem) -> None:
        self.calls.append(("update", item))
        if self.faults:
            raise self.faults.pop(0)[1]
        self.messages[item.id].append(_shown(item))

    async def find(self, item: OutboxItem) -> Posted | None:
        self.calls.append(("find", item))
        if self.faults:
            raise self.faults.pop(0)[1]
        return Posted(item.channel, "found.0") if item.id in self.messages else None


def _shown(item: OutboxItem) -> str:
    if item.run is None:
        return str(item.body.get("text", ""))
    if item.run.answer is not None:
        return item.run.answer.text
    return f"{item.run.status.value} {item.run.step_title}".strip()


class FakePerform:
    """Carries runs out as the given function says; keeps which runs it was given."""

    def __init__(self, act: Callable[..., Awaitable[RunResult]] | None = None) -> None:
        self.act = act
        self.performed: list[Held] = []

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        self.performed.append(held)
        if self.act is not None:
            return await self.act(row, held, on_progress)
        return RunResult(RunStatus.SUCCEEDED, Answer(f"answer to {row.id}", "answered"), ())


def passage(
    number: int = 1, text: str = "Five days of leave may be carried over until 31 March.", **changes: Json
) -> Passage:
    """A passage of an invented handbook."""
    values = {
        "chunk_id": f"c{number}",
        "document_id": f"d{number}",
        "collection": "people",
        "title": f"Page {number}",
        "headings": ("Leave",),
        "location": "Carry-over",
        "text": text,
        "version": 1,
        "owner": "U0CHLOE",
        "updated_at": datetime(2026, 9, 1, tzinfo=UTC),
        "score": 0.9,
        **changes,
    }
    return Passage(**values)


class FakeModel:
    """Gives its replies in order (exceptions are raised), the last one for ever; keeps the requests."""

    def __init__(self, *replies: str | Exception) -> None:
        self.replies = list(replies) or ["ok"]
        self.requests: list[ModelRequest] = []

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        self.requests.append(request)
        await asyncio.sleep(0)
        reply = self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]
        if isinstance(reply, Exception):
            raise reply
        if on_text is not None:
            for piece in reply.split(" "):
                on_text(f"{piece} ")
        return ModelReply(reply, f"fake/{request.alias}", Usage(10, 5), 0.1)


class FakeRetriever:
    """Finds the given passages, whatever is asked; keeps the queries."""

    def __init__(self, *passages: Passage, support: float = 0.8, error: Exception | None = None) -> None:
        self.passages = passages
        self.support = support
        self.error = error
        self.queries: list[tuple[str, str, int]] = []

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        self.queries.append((query, collection, limit))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return Retrieval(query, self.passages[:limit], self.support, {collection: 1})


class FakeJournal:
    """Keeps finished steps in memory."""

    def __init__(self, steps: Mapping[str, StepRun] | None = None) -> None:
        self.steps = dict(steps or {})
        self.recorded: list[StepRun] = []

    async def finished(self) -> Mapping[str, StepRun]:
        return dict(self.steps)

    async def record(self, step: StepRun) -> None:
        self.recorded.append(step)
        self.steps[step.step_id] = step


class FakeLibrary:
    """Holds workflows; every prompt name gives the same short prompt unless one is given."""

    def __init__(self, *workflows: Workflow, prompts: Mapping[str, PromptTemplate] | None = None) -> None:
        self.workflows = {each.name: each for each in workflows}
        self.prompts = dict(prompts or {})
        self.set: dict[str, dict[str, Json]] = {}

    def workflow(self, name: str) -> Workflow:
        return self.workflows[name]

    def prompt(self, name: str) -> PromptTemplate:
        return self.prompts.get(name) or parse_prompt(name, "Do your best.")

    def parameters(self, workflow_name: str) -> Mapping[str, Json]:
        return self.set.get(workflow_name, {})
