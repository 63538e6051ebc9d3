"""What people asked, as vectors, and the topics that they fall into. The words stay in the run log alone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    Text,
    and_,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError

from bot.adapters.store.fixes_log import fixes
from bot.adapters.store.run_log import runs
from bot.adapters.store.tables import UtcDateTime, filled, metadata
from workflows.run import Ending

if TYPE_CHECKING:
    from bot.quality.clustering import TopicState
    from knowledge.embedding import Vectors

questions = Table(
    "questions",
    metadata,
    Column("run_id", String(32), primary_key=True),
    *filled(Text, "workflow"),
    *filled(UtcDateTime, "asked_at"),
    *filled(LargeBinary, "vector"),
    *filled(Boolean, "is_covered"),
    *filled(String(32), "topic_id"),
    Index("ix_questions_workflow_asked_at", "workflow", "asked_at"),
    Index("ix_questions_topic_id", "topic_id"),
)
"""`vector` has length 1, kept in half precision; `is_covered` is whether the knowledge had an answer."""

topics = Table(
    "topics",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("workflow", Text, nullable=False, index=True),
    *filled(LargeBinary, "centre"),
    *filled(Integer, "size"),
    *filled(UtcDateTime, "asked_at"),
)
"""Topics that questions may still join. `centre` is the mean of the vectors of its `size` questions."""

ASKED = (Ending.ANSWERED.value, Ending.ABSTAINED.value, Ending.ESCALATED.value)
"""Endings of runs whose question was dealt with."""


class TopicsMoved(Exception):
    """Somebody else added questions since the topics were read."""


@dataclass(frozen=True, slots=True)
class NewQuestion:
    """A run whose question has no vector yet."""

    run_id: str
    workflow: str
    inputs: Mapping[str, Any]
    asked_at: datetime
    finished_at: datetime
    is_covered: bool


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is kept."""

    run_id: str
    workflow: str
    asked_at: datetime
    vector: bytes
    is_covered: bool
    topic_id: str


def packed(vector: "Vectors") -> bytes:
    """A vector as it is kept: half precision is far finer than what tells questions apart."""
    return vector.astype("<f2").tobytes()


def unpacked(vectors: Sequence[bytes], kind: str = "<f2") -> "Vectors":
    """Inverse of `packed`, for several; shape (n, 384)."""
    # processes that acknowledge know this table and need no numpy
    import numpy as np

    from knowledge.embedding import DIMENSION

    return np.frombuffer(b"".join(vectors), dtype=kind).reshape(len(vectors), DIMENSION).astype(np.float32)


def new_questions(connection: Connection, after: tuple[datetime, str], limit: int) -> tuple[NewQuestion, ...]:
    """Runs dealt with that have no vector yet, in the order in which they ended, from a time and run id on.

    Questions that the bot asked again in people's names are left out.
    """
    since, last_id = after
    later = or_(runs.c.finished_at > since, and_(runs.c.finished_at == since, runs.c.id > last_id))
    query = (
        select(
            runs.c.id, runs.c.workflow, runs.c.inputs, runs.c.created_at, runs.c.finished_at, runs.c.ending
        )
        .where(later, *_new(since))
        .order_by(runs.c.finished_at, runs.c.id)
        .limit(limit)
    )
    return tuple(
        NewQuestion(
            row.id,
            row.workflow,
            row.inputs,
            row.created_at,
            row.finished_at,
            row.ending == Ending.ANSWERED.value,
        )
        for row in connection.execute(query)
    )


def count_new(connection: Connection, since: datetime, until: datetime) -> int:
    """How many of `new_questions` were asked from `since` up to `until`."""
    query = select(func.count()).select_from(runs)
    asked = runs.c.created_at >= since, runs.c.created_at < until
    return int(connection.execute(query.where(*asked, *_new(since))).scalar_one())


def _new(since: datetime) -> tuple[ColumnElement[bool], ...]:
    known = select(questions.c.run_id).where(questions.c.run_id == runs.c.id).exists()
    again = select(fixes.c.run_id).where(fixes.c.new_run_id == runs.c.id).exists()
    return runs.c.finished_at >= since, runs.c.ending.in_(ASKED), ~known, ~again


def newest_asked(connection: Connection) -> datetime | None:
    """When the newest question with a vector was asked; None without one."""
    return connection.execute(select(func.max(questions.c.asked_at))).scalar()


def count_questions(connection: Connection) -> int:
    """How many questions have a vector."""
    return int(connection.execute(select(func.count()).select_from(questions)).scalar_one())


def insert_questions(connection: Connection, found: Iterable[Question]) -> None:
    """Keep questions. Raises TopicsMoved when one is kept already."""
    rows = [{name: getattr(each, name) for name in _QUESTION} for each in found]
    ids = [row["run_id"] for row in rows]
    if connection.execute(select(questions.c.run_id).where(questions.c.run_id.in_(ids)).limit(1)).first():
        raise TopicsMoved
    try:
        connection.execute(insert(questions), rows)
    except IntegrityError as error:
        # another worker was quicker, between the look and the insert
        raise TopicsMoved from error


def read_topics(connection: Connection, workflow: str) -> dict[str, "TopicState"]:
    """The topics of a workflow that questions may join, by id, the one asked longest ago first."""
    query = select(topics).filter_by(workflow=workflow).order_by(topics.c.asked_at, topics.c.id)
    return _states(connection, query)


def states_of(connection: Connection, topic_ids: Collection[str]) -> dict[str, "TopicState"]:
    """What these topics keep; a closed one is absent."""
    return _states(connection, select(topics).where(topics.c.id.in_(list(topic_ids))))


def put_topics(
    connection: Connection,
    workflow: str,
    changed: Mapping[str, "TopicState"],
    *,
    was: Mapping[str, int],
    closed: Collection[str] = (),
) -> None:
    """Keep topics that had the sizes in `was`, where they are not new; take closed ones out.

    Raises TopicsMoved when one had another size.
    """
    rows = [_topic(topic_id, workflow, state) for topic_id, state in changed.items()]
    fresh = [row for row in rows if row["id"] not in was]
    if fresh:
        connection.execute(insert(topics), fresh)
    for row in rows:
        if row["id"] in was:
            before = {"id": row["id"], "size": was[row["id"]]}
            if connection.execute(update(topics).filter_by(**before).values(**row)).rowcount != 1:
                raise TopicsMoved
    if closed:
        connection.execute(delete(topics).where(topics.c.id.in_(list(closed))))


def stored_questions(connection: Connection, workflow: str) -> tuple[Question, ...]:
    """Every question of a workflow, in the order in which they were asked."""
    query = (
        select(*(questions.c[name] for name in _QUESTION))
        .where(questions.c.workflow == workflow)
        .order_by(questions.c.asked_at, questions.c.run_id)
    )
    return tuple(Question(*row) for row in connection.execute(query))


def move_questions(connection: Connection, topic_of: Mapping[str, str]) -> None:
    """Put questions into other topics, by run id."""
    by_topic: dict[str, list[str]] = {}
    for run_id, topic_id in topic_of.items():
        by_topic.setdefault(topic_id, []).append(run_id)
    for topic_id, run_ids in by_topic.items():
        for start in range(0, len(run_ids), 500):
            mine = questions.c.run_id.in_(run_ids[start : start + 500])
            connection.execute(update(questions).where(mine).values(topic_id=topic_id))


def _states(connection: Connection, query: Select[Any]) -> dict[str, "TopicState"]:
    from bot.quality.clustering import TopicState

    rows = connection.execute(query).all()
    means = unpacked([row.centre for row in rows], "<f4")
    return {
        row.id: TopicState(mean, row.size, row.asked_at.timestamp())
        for row, mean in zip(rows, means, strict=True)
    }


def _topic(topic_id: str, workflow: str, state: "TopicState") -> dict[str, Any]:
    return {
        "id": topic_id,
        "workflow": workflow,
        "centre": state.mean.astype("<f4").tobytes(),
        "size": state.size,
        "asked_at": datetime.fromtimestamp(state.asked_at, UTC),
    }


_RUN = ("id", "workflow", "inputs", "created_at", "finished_at", "ending")
_QUESTION = tuple(Question.__dataclass_fields__)
