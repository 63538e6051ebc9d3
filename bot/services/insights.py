"""What a week of runs tells: topics, gaps, bad answers, documents, what is unusual, what a month costs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from bot.adapters.store.bad_answers import bad_answers
from bot.adapters.store.database import Store
from bot.adapters.store.row_codec import answer_from
from bot.adapters.store.run_log import read_runs
from bot.quality.complaint import REASONS, Reason
from bot.quality.topic_words import question_of, quoted
from bot.quality.week_insights import Gap, Topic, WeekInsights, WorstAnswer
from bot.services.catalogue import Catalogue
from bot.services.complaints import Complaint, standing_complaints
from bot.services.contents import UnknownWorkflow
from bot.services.discretion import drawn_from
from bot.services.insight_documents import documents
from bot.services.insight_figures import forecasts, unusual
from bot.services.pinning import Pinned
from bot.services.readers import Audience
from workflows.ports import Clock

TOPICS, GAPS, WORST = 10, 10, 5
ANSWER, WORDS = 300, 300
"""Characters of a bad answer, and of what it should have said."""

EVERYBODY = Audience(None)


class Insights:
    """Reads only. Who may ask for which workflows is decided by who calls."""

    def __init__(self, store: Store, catalogue: Catalogue, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._clock = clock

    async def for_week(
        self,
        workflows: Sequence[str],
        since: datetime,
        until: datetime,
        may_see: bool,
        audience: Audience = EVERYBODY,
    ) -> WeekInsights:
        """What there is to tell of some workflows from `since` up to `until`.

        `may_see`: whether the readers may see what people asked and were answered. `audience`: who they are;
        documents that not all of them may read are left out.
        """
        return await self._store.read(
            lambda connection: self.for_week_in(connection, workflows, since, until, may_see, audience)
        )

    def for_week_in(
        self,
        connection: Connection,
        workflows: Sequence[str],
        since: datetime,
        until: datetime,
        may_see: bool,
        audience: Audience = EVERYBODY,
    ) -> WeekInsights:
        """As `for_week`, within the caller's transaction."""
        pinned = self._pinned(connection, workflows)
        topics, gaps = _asked(connection, workflows, since, until, may_see)
        collections = {name for each in pinned.values() for name in each.collections()}
        found = documents(connection, workflows, collections, since, until, audience)
        return WeekInsights(
            since,
            until,
            topics=topics,
            gaps=gaps,
            worst=_worst(connection, workflows, since, until) if may_see else (),
            documents_used=found.used,
            documents_unused=found.unused,
            stale=found.stale,
            anomalies=unusual(connection, pinned, since, until),
            forecasts=forecasts(connection, workflows, self._clock.now()),
            documents=found.count,
        )

    def _pinned(self, connection: Connection, workflows: Sequence[str]) -> Mapping[str, Pinned]:
        """What each is made of today; one that was taken away is left out."""
        found = {}
        for name in workflows:
            with suppress(UnknownWorkflow):
                found[name] = self._catalogue.resolve(connection, name)
        return found


def _asked(
    connection: Connection, workflows: Sequence[str], since: datetime, until: datetime, may_see: bool
) -> tuple[tuple[Topic, ...], tuple[Gap, ...]]:
    # numpy stays out of processes that only tell what a digest found
    from bot.services.insight_topics import TopicReader

    topics: list[Topic] = []
    gaps: list[Gap] = []
    for name in workflows:
        reader = TopicReader(connection, name, since, until, may_see)
        groups = reader.groups()
        topics += reader.topics(groups)
        gaps += reader.gaps(groups)
    topics.sort(key=lambda topic: (-topic.questions, topic.workflow, topic.id))
    gaps.sort(key=lambda gap: (-gap.people, -gap.questions, gap.workflow, gap.topic_id))
    return tuple(topics[:TOPICS]), tuple(gaps[:GAPS])


def _worst(
    connection: Connection, workflows: Sequence[str], since: datetime, until: datetime
) -> tuple[WorstAnswer, ...]:
    found = bad_answers(connection, workflows, since, until, WORST)
    ids = [each.run_id for each in found]
    rows, against = read_runs(connection, ids), standing_complaints(connection, ids)
    worst = []
    for each in found:
        row, complaints = rows[each.run_id], against[each.run_id]
        answer = answer_from(row.answer)
        worst.append(
            WorstAnswer(
                each.run_id,
                row.workflow,
                quoted(question_of(row.inputs)),
                quoted(answer.text, ANSWER) if answer else "",
                votes_down=each.votes_down,
                votes_up=each.votes_up,
                reasons=_reasons(complaints),
                words=tuple(quoted(one.correction, WORDS) for one in complaints if one.correction),
                asked_at=row.created_at,
                drawn=tuple(sorted(drawn_from(row.answer))),
            )
        )
    return tuple(worst)


def _reasons(complaints: Sequence[Complaint]) -> tuple[Reason, ...]:
    counted = Counter(one.reason for one in complaints if one.reason in REASONS)
    return tuple(Reason(reason) for reason, _ in counted.most_common())
