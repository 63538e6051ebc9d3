"""What people asked in a week, by topic: what was covered, and what was not."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from sqlalchemy import Connection

from bot.adapters.store import question_counts
from bot.adapters.store.question_counts import Sample, TopicCount
from bot.adapters.store.questions_log import states_of
from bot.quality.clustering import merged
from bot.quality.topic_words import PEOPLE, question_of, quoted, representative, shared_words
from bot.quality.week_insights import Example, Gap, Topic

COMPARED = 300
"""Topics of a workflow and week that are looked at for being the same."""

FEWEST = 2
"""Questions that make a topic worth a line."""

SHOWN, EXAMPLES = 5, 3


@dataclass(frozen=True, slots=True)
class Group:
    """Topics that are shown as one; `id` is that of the largest."""

    id: str
    topic_ids: tuple[str, ...]
    questions: int
    uncovered: int


@dataclass(frozen=True, slots=True)
class TopicReader:
    """Reads the topics of one workflow in one stretch of time."""

    connection: Connection
    workflow: str
    since: datetime
    until: datetime
    may_see: bool
    """Whether the reader may see what people asked."""

    def topics(self, groups: Sequence[Group]) -> tuple[Topic, ...]:
        """Those asked most."""
        chosen = self._chosen(groups, lambda group: group.questions)
        samples = {group.id: self._sample(group) for group in chosen}
        found = []
        for group in chosen:
            facts = question_counts.facts_of(*self._place(group))
            if not self.may_see and facts.people < PEOPLE:
                continue
            name, examples = self._names(samples, group)
            found.append(
                Topic(
                    group.id,
                    self.workflow,
                    name,
                    group.questions,
                    facts.people,
                    before=self._before(group),
                    uncovered=group.uncovered,
                    votes_down=facts.votes_down,
                    examples=examples,
                )
            )
        return tuple(found)

    def gaps(self, groups: Sequence[Group]) -> tuple[Gap, ...]:
        """Those most often asked without an answer."""
        chosen = self._chosen(groups, lambda group: group.uncovered)
        samples = {group.id: self._sample(group, is_gap=True) for group in chosen}
        found = []
        for group in chosen:
            facts = question_counts.facts_of(*self._place(group), is_gap=True)
            if not self.may_see and facts.people < PEOPLE:
                continue
            name, examples = self._names(samples, group)
            found.append(
                Gap(
                    group.id,
                    self.workflow,
                    name,
                    group.uncovered,
                    facts.people,
                    escalated=facts.escalated,
                    examples=examples,
                    newest_run_id=samples[group.id].run_ids[0],
                )
            )
        return tuple(sorted(found, key=lambda gap: (-gap.people, -gap.questions, gap.topic_id)))

    def groups(self) -> tuple[Group, ...]:
        """The topics of that time, those that are alike together, those asked most first."""
        counts = question_counts.count_topics(
            self.connection, self.workflow, self.since, self.until, COMPARED
        )
        states = states_of(self.connection, [each.topic_id for each in counts])
        known = [each for each in counts if each.topic_id in states]
        kept = [states[each.topic_id] for each in known]
        leads = merged(np.stack([each.mean for each in kept]), [each.size for each in kept]) if kept else []
        parts: dict[str, list[TopicCount]] = {}
        for each, lead in zip(known, leads, strict=True):
            parts.setdefault(known[lead].topic_id, []).append(each)
        # a closed topic stands alone
        parts |= {each.topic_id: [each] for each in counts if each.topic_id not in states}
        found = (_group(name, each) for name, each in parts.items())
        return tuple(sorted(found, key=lambda group: (-group.questions, group.id)))

    def _chosen(self, groups: Iterable[Group], count: Callable[[Group], int]) -> list[Group]:
        found = [group for group in groups if count(group) >= FEWEST]
        return sorted(found, key=lambda group: (-count(group), group.id))[:SHOWN]

    def _place(self, group: Group) -> tuple[Connection, str, Collection[str], datetime, datetime]:
        return self.connection, self.workflow, group.topic_ids, self.since, self.until

    def _sample(self, group: Group, *, is_gap: bool = False) -> Sample:
        return question_counts.sample(*self._place(group), is_gap=is_gap)

    def _before(self, group: Group) -> int:
        earlier = self.since - (self.until - self.since)
        return question_counts.count_asked(
            self.connection, self.workflow, group.topic_ids, earlier, self.since
        )

    def _names(self, samples: dict[str, Sample], group: Group) -> tuple[str, tuple[Example, ...]]:
        """What to call it, and examples, as far as the reader may see any."""
        mine = samples[group.id]
        texts = [question_of(inputs) for inputs in mine.inputs]
        if not self.may_see:
            others = [
                question_of(inputs) for each in samples.values() if each is not mine for inputs in each.inputs
            ]
            return shared_words(zip(mine.people, texts, strict=True), others), ()
        named = representative(texts, mine.vectors, EXAMPLES + 1)
        asked = {quoted(text): run_id for run_id, text in zip(mine.run_ids, texts, strict=True)}
        examples = named[1:] or named[:1]
        return (named[0] if named else ""), tuple(Example(asked[each], each) for each in examples)


def _group(name: str, parts: Sequence[TopicCount]) -> Group:
    return Group(
        name,
        tuple(each.topic_id for each in parts),
        sum(each.questions for each in parts),
        sum(each.uncovered for each in parts),
    )
