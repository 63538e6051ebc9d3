"""What was asked in some time, by topic, and the words of some of it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Connection, Select, case, func, select

from bot.adapters.store.questions_log import questions, unpacked
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import VOTE, scores
from workflows.run import Ending

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

SAMPLE = 60
"""Newest questions of a topic whose words are read."""


@dataclass(frozen=True, slots=True)
class TopicCount:
    """How often a topic was asked for."""

    topic_id: str
    questions: int
    uncovered: int


@dataclass(frozen=True, slots=True)
class Sample:
    """The newest questions of some topics."""

    run_ids: tuple[str, ...]
    people: tuple[str, ...]
    inputs: tuple[Mapping[str, Any], ...]
    vectors: "Vectors"


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What else is said of some topics together."""

    people: int
    escalated: int
    votes_down: int
    """Questions whose answer somebody voted down."""


def count_topics(
    connection: Connection, workflow: str, since: datetime, until: datetime, limit: int
) -> tuple[TopicCount, ...]:
    """The topics asked most in that time."""
    uncovered = func.sum(case((questions.c.is_covered.is_(True), 0), else_=1))
    query = (
        select(questions.c.topic_id, func.count().label("asked"), uncovered)
        .where(*_in_time(workflow, since, until))
        .group_by(questions.c.topic_id)
        .order_by(func.count().desc(), questions.c.topic_id)
        .limit(limit)
    )
    return tuple(TopicCount(*row) for row in connection.execute(query))


def count_asked(
    connection: Connection, workflow: str, topic_ids: Collection[str], since: datetime, until: datetime
) -> int:
    """How many questions of some topics were asked in that time."""
    query = select(func.count()).where(*_in_time(workflow, since, until, topic_ids))
    return int(connection.execute(query).scalar_one())


def facts_of(
    connection: Connection,
    workflow: str,
    topic_ids: Collection[str],
    since: datetime,
    until: datetime,
    *,
    is_gap: bool = False,
) -> TopicFacts:
    """Of the questions asked in that time; of those not covered alone, when it is about a gap."""
    where = _in_time(workflow, since, until, topic_ids, is_gap)
    escalated = func.sum(case((runs.c.ending == Ending.ESCALATED.value, 1), else_=0))
    people = select(func.count(runs.c.actor_id.distinct()), func.coalesce(escalated, 0))
    counted = connection.execute(people.join(questions, questions.c.run_id == runs.c.id).where(*where)).one()
    voted = (
        select(func.count(scores.c.run_id.distinct()))
        .join(questions, questions.c.run_id == scores.c.run_id)
        .where(*where, scores.c.name == VOTE, scores.c.value < 0)
    )
    return TopicFacts(int(counted[0]), int(counted[1]), int(connection.execute(voted).scalar_one()))


def sample(
    connection: Connection,
    workflow: str,
    topic_ids: Collection[str],
    since: datetime,
    until: datetime,
    *,
    is_gap: bool = False,
) -> Sample:
    """The newest questions of that time, the newest first."""
    query: Select[Any] = (
        select(questions.c.run_id, runs.c.actor_id, runs.c.inputs, questions.c.vector)
        .join(runs, runs.c.id == questions.c.run_id)
        .where(*_in_time(workflow, since, until, topic_ids, is_gap))
        .order_by(questions.c.asked_at.desc(), questions.c.run_id)
        .limit(SAMPLE)
    )
    rows = connection.execute(query).all()
    return Sample(
        tuple(row.run_id for row in rows),
        tuple(row.actor_id for row in rows),
        tuple(row.inputs for row in rows),
        unpacked([row.vector for row in rows]),
    )


def _in_time(
    workflow: str,
    since: datetime,
    until: datetime,
    topic_ids: Collection[str] | None = None,
    is_gap: bool = False,
) -> list[ColumnElement[bool]]:
    found = [
        questions.c.workflow == workflow,
        questions.c.asked_at >= since,
        questions.c.asked_at < until,
    ]
    if topic_ids is not None:
        found.append(questions.c.topic_id.in_(list(topic_ids)))
    return [*found, questions.c.is_covered.is_(False)] if is_gap else found
