"""Questions into topics: that planted ones are found, in parts as at once, within bounds."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.quality import clustering
from bot.quality.clustering import Topics, TopicState, merged
from knowledge.embedding import DIMENSION, Embedder, Vectors, unit
from tests.bot.planted import agreement, planted
from tests.bot.topic_questions import TOPICS

VECTORS, TOPIC = planted(1200, 30, alone=0.2)


def in_parts(vectors: Vectors, cuts: list[int]) -> list[int]:
    """Topics by number, with everything written down and read again between the parts."""
    numbers: dict[int, int] = {}
    topics, found, begun = Topics(), [], 0
    for start, end in zip([0, *cuts], [*cuts, len(vectors)], strict=True):
        for index in topics.add(vectors[start:end], range(start, end)):
            if index not in numbers:
                numbers[index], begun = begun, begun + 1
            found.append(numbers[index])
        kept = [
            (numbers[index], state) for index in sorted(topics.indexes()) if (state := topics.state(index))
        ]
        topics = Topics([state for _, state in kept])
        numbers = {place: number for place, (number, _) in enumerate(kept)}
    return found


def test_planted_topics_are_found() -> None:
    vectors, topic = planted(3000, 40)
    assert agreement(topic, Topics().add(vectors, range(3000))) > 0.99


@given(st.lists(st.integers(1, 1199), max_size=6, unique=True).map(sorted))
@settings(max_examples=15, deadline=None)
def test_adding_in_parts_is_adding_at_once(cuts: list[int]) -> None:
    assert in_parts(VECTORS, cuts) == in_parts(VECTORS, [])


def test_real_questions_fall_into_their_topics() -> None:
    """Sixteen topics in six wordings each: hardly ever two in one, seldom one in two."""
    asked = [(text, topic) for topic, texts in TOPICS.items() for text in texts]
    random.Random(3).shuffle(asked)
    vectors = Embedder.load().encode([text for text, _ in asked])
    topics = Topics()
    found = topics.add(vectors, range(len(asked)))
    states = {index: topics.state(index) for index in sorted(topics.indexes())}
    means = np.stack([state.mean for state in states.values() if state])
    leads = merged(means, [state.size for state in states.values() if state])
    shown = [leads[list(states).index(index)] for index in found]
    assert agreement([topic for _, topic in asked], shown) > 0.75
    groups = {
        name: [topic for (_, topic), each in zip(asked, shown, strict=True) if each == name] for name in shown
    }
    mixed = sum(len(each) - max(map(each.count, each)) for each in groups.values())
    assert mixed / len(asked) < 0.1


def test_what_a_topic_keeps_is_the_mean_of_its_questions() -> None:
    vectors, _ = planted(50, 1, noise=0.01)
    topics = Topics()
    assert set(topics.add(vectors, range(50))) == {0}
    state = topics.state(0)
    assert state is not None
    assert (state.size, state.asked_at) == (50, 49.0)
    assert np.allclose(state.mean, vectors.mean(axis=0), atol=1e-5)


def test_topics_asked_longest_ago_are_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "MOST", 8)
    monkeypatch.setattr(clustering, "KEPT", 5)
    vectors = np.eye(DIMENSION, dtype=np.float32)[:9]
    topics = Topics()
    assert topics.add(vectors[:8], range(8)) == list(range(8))
    # the first is asked again, so the three after it are those asked longest ago
    assert topics.add(vectors[[0, 8]], [8, 9]) == [0, 8]
    assert topics.indexes() == {0, 4, 5, 6, 7, 8}
    assert topics.state(1) is None
    assert topics.add(vectors[[1]], [10]) == [9]


def test_closing_is_the_same_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "MOST", 40)
    monkeypatch.setattr(clustering, "KEPT", 25)
    vectors, _ = planted(400, 20, alone=0.5)
    assert in_parts(vectors, [64, 65, 200]) == in_parts(vectors, [])


def test_topics_that_are_alike_are_shown_as_the_largest() -> None:
    one, near, far = unit(np.eye(DIMENSION, dtype=np.float32)[:3] + np.float32(0))
    near = unit(one + near)
    assert merged(np.stack([one, near, far]), [2, 5, 1]) == [1, 1, 2]
    assert merged(np.zeros((0, DIMENSION), dtype=np.float32), []) == []


def test_a_topic_of_one_question_is_that_question() -> None:
    known = TopicState(VECTORS[0], 1, 0.0)
    assert Topics([known]).add(VECTORS[:1], [1.0]) == [0]
