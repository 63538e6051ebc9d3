"""The loop that gives questions their vectors and topics, in the order in which their runs ended."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection

from bot.adapters.store import questions_log
from bot.adapters.store.database import Store
from bot.adapters.store.questions_log import NewQuestion, Question, TopicsMoved
from bot.quality.clustering import Topics, TopicState
from bot.quality.topic_words import question_of
from bot.services import opaque_ids
from knowledge.embedding import Vectors
from workflows.ports import Clock

log = structlog.get_logger(__name__)

Encode = Callable[[Sequence[str]], Any]
"""Texts to unit vectors, as rows of a numpy array."""

BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class QuestionPace:
    """How the loop works."""

    look_s: float = 5.0
    rest_s: float = 0.05
    """Between two batches, so that answers come first."""
    batch: int = 64
    longest: int = 600
    """Characters of a question that its vector is made of."""
    history: timedelta = timedelta(weeks=13)
    """Older questions get no vector."""
    overlap: timedelta = timedelta(minutes=10)
    """How far each look goes back behind the last: runs are not committed in the order in which they end."""
    texts: int = 4096
    """Vectors of the latest different questions that are remembered: many are asked again word by word."""


@dataclass(frozen=True, slots=True)
class _Joined:
    """Questions beside the topics they joined, and what that changed."""

    topic_ids: Sequence[str]
    changed: dict[str, TopicState]
    closed: Sequence[str]
    """Ids of stored topics that are closed now."""
    gone: Collection[int]


@dataclass(slots=True)
class _Known:
    """The topics of one workflow as they were committed last."""

    topics: Topics
    ids: dict[int, str]
    sizes: dict[str, int]

    @classmethod
    def of(cls, stored: dict[str, TopicState]) -> "_Known":
        sizes = {topic_id: state.size for topic_id, state in stored.items()}
        return cls(Topics(list(stored.values())), dict(enumerate(stored)), sizes)

    def join(self, vectors: Vectors, asked_at: Sequence[datetime]) -> "_Joined":
        """Add questions; what changed by that."""
        found = self.topics.add(vectors, [at.timestamp() for at in asked_at])
        changed = {}
        for index in dict.fromkeys(found):
            topic_id = self.ids.setdefault(index, opaque_ids.topic_id())
            state = self.topics.state(index)
            if state is not None:
                changed[topic_id] = state
        gone = self.ids.keys() - self.topics.indexes()
        closed = [self.ids[index] for index in gone if self.ids[index] in self.sizes]
        return _Joined([self.ids[index] for index in found], changed, closed, gone)

    def committed(self, joined: "_Joined") -> None:
        """Note that it is so in the store."""
        self.sizes.update((topic_id, state.size) for topic_id, state in joined.changed.items())
        for index in joined.gone:
            self.sizes.pop(self.ids.pop(index), None)


@dataclass(slots=True)
class QuestionWork:
    """Part of a worker process. Any number may run: who is beaten to a question reads the topics again."""

    store: Store
    encode: Encode
    clock: Clock
    pace: QuestionPace = field(default_factory=QuestionPace)
    _after: tuple[datetime, str] | None = None
    _latest: datetime = BEGINNING
    _known: dict[str, _Known] = field(default_factory=dict)
    _vectors: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    async def run_until(self, stop: asyncio.Event) -> None:
        """Take questions up until `stop` is set."""
        while not stop.is_set():
            wait_s = self.pace.rest_s
            try:
                if await self.step() < self.pace.batch:
                    wait_s = self.pace.look_s
            except TopicsMoved:
                log.info("questions.taken_by_another")
            except Exception:
                log.exception("questions.round_failed")
                wait_s = self.pace.look_s
            try:
                async with asyncio.timeout(wait_s):
                    await stop.wait()
            except TimeoutError:
                continue

    async def drain(self) -> int:
        """Take up every question there is; returns how many got a vector."""
        before = await self.store.read(questions_log.count_questions)
        while await self.step() == self.pace.batch:
            pass
        return await self.store.read(questions_log.count_questions) - before

    async def step(self) -> int:
        """Take up one batch; how many runs were looked at. Raises TopicsMoved, after which to try again."""
        after, batch = self._after or await self._start(), self.pace.batch
        found = await self.store.read(
            lambda connection: questions_log.new_questions(connection, after, batch)
        )
        try:
            await self._take_up(found)
        except BaseException:
            self._known.clear()
            raise
        if found:
            self._latest = max(self._latest, found[-1].finished_at)
        if len(found) == batch:
            self._after = (found[-1].finished_at, found[-1].run_id)
        else:
            self._after = (self._latest - self.pace.overlap, "")
        return len(found)

    async def _start(self) -> tuple[datetime, str]:
        newest = await self.store.read(questions_log.newest_asked)
        self._latest = max(self.clock.now() - self.pace.history, newest or BEGINNING)
        return self._latest - self.pace.overlap, ""

    async def _take_up(self, found: Sequence[NewQuestion]) -> None:
        texts = {each.run_id: question_of(each.inputs, self.pace.longest).strip() for each in found}
        asked = [each for each in found if texts[each.run_id]]
        if not asked:
            return
        packed = await asyncio.to_thread(self._packed, [texts[each.run_id] for each in asked])
        vector_of = dict(zip((each.run_id for each in asked), packed, strict=True))
        kept: list[Question] = []
        joined: dict[str, _Joined] = {}
        for workflow in dict.fromkeys(each.workflow for each in asked):
            mine = [each for each in asked if each.workflow == workflow]
            joined[workflow] = each = await self._join(workflow, mine, vector_of)
            kept += [
                _question(new, vector_of[new.run_id], topic_id)
                for new, topic_id in zip(mine, each.topic_ids, strict=True)
            ]
        await self.store.write(lambda connection: self._keep(connection, kept, joined))
        for workflow, each in joined.items():
            self._known[workflow].committed(each)

    async def _join(
        self, workflow: str, mine: Sequence[NewQuestion], vector_of: Mapping[str, bytes]
    ) -> _Joined:
        if workflow not in self._known:
            stored = await self.store.read(lambda connection: questions_log.read_topics(connection, workflow))
            self._known[workflow] = _Known.of(stored)
        vectors = questions_log.unpacked([vector_of[each.run_id] for each in mine])
        asked_at = [each.asked_at for each in mine]
        return await asyncio.to_thread(self._known[workflow].join, vectors, asked_at)

    def _keep(self, connection: Connection, kept: Sequence[Question], joined: Mapping[str, _Joined]) -> None:
        questions_log.insert_questions(connection, kept)
        for workflow, each in joined.items():
            was = {
                topic_id: size
                for topic_id, size in self._known[workflow].sizes.items()
                if topic_id in each.changed
            }
            questions_log.put_topics(connection, workflow, each.changed, was=was, closed=each.closed)

    def _packed(self, texts: Sequence[str]) -> list[bytes]:
        """Vectors as they are kept: what is compared is what is stored."""
        fresh = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if fresh:
            made = dict(zip(fresh, map(questions_log.packed, self.encode(fresh)), strict=True))
            self._vectors.update(made)
        found = [self._vectors[text] for text in texts]
        while len(self._vectors) > self.pace.texts:
            self._vectors.popitem(last=False)
        return found


def _question(new: NewQuestion, vector: bytes, topic_id: str) -> Question:
    return Question(new.run_id, new.workflow, new.asked_at, vector, new.is_covered, topic_id)
