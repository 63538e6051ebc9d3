"""Questions into topics, as they come in: each joins the topic whose questions it is nearest, or begins one.

Pure. Near is the mean of the cosines to all questions of a topic, which a topic keeps as one sum of vectors.
Questions are taken strictly in order, so adding them in parts gives what adding them at once gives, up to the
rounding of sums (of the order of 1e-5 of a cosine).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from knowledge.embedding import DIMENSION, Vectors

JOIN: Final = 0.55
"""Mean cosine from which a question belongs to a topic."""

MERGE: Final = 0.47
"""Mean cosine from which two topics are shown as one: early questions of a topic often begin several."""

MOST, KEPT = 4096, 3584
"""Topics of one workflow that questions may join; beyond the first, those asked longest ago are closed until
so many are left. It bounds the time a question takes."""

BLOCK: Final = 128
"""Questions compared at once."""


@dataclass(frozen=True, slots=True)
class TopicState:
    """What a topic keeps of its questions."""

    mean: Vectors
    """Of the vectors; shape (384,)."""
    size: int
    asked_at: float
    """When it was last asked, as a timestamp."""


class Topics:
    """The topics of one workflow. An index names a topic for as long as this object lives."""

    def __init__(self, known: Sequence[TopicState] = ()) -> None:
        """With at most `MOST` topics that are known; their indexes are their places in the list."""
        self._sums = np.zeros((MOST, DIMENSION), dtype=np.float32)
        # an empty place has a sum of 0 and a size of 1, so that its mean is 0 from everything
        self._sizes = np.ones(MOST, dtype=np.float32)
        self._asked = np.full(MOST, np.inf)
        self._names = [-1] * MOST
        self._places: dict[int, int] = {}
        self._begun = self._used = 0
        self._free: list[int] = []
        for state in known:
            place = self._begin()
            self._sums[place] = state.mean * np.float32(state.size)
            self._sizes[place], self._asked[place] = state.size, state.asked_at

    def add(self, vectors: Vectors, asked_at: Sequence[float]) -> list[int]:
        """The topic of each question, in the order they were asked; vectors of length 1, shape (n, 384)."""
        found: list[int] = []
        for start in range(0, len(vectors), BLOCK):
            block = vectors[start : start + BLOCK].astype(np.float32)
            found += self._add_block(block, asked_at[start : start + BLOCK])
        return found

    def state(self, index: int) -> TopicState | None:
        """What a topic keeps now; None once it is closed."""
        place = self._places.get(index)
        if place is None:
            return None
        size = self._sizes[place]
        return TopicState(self._sums[place] / size, int(size), float(self._asked[place]))

    def indexes(self) -> set[int]:
        """Of the topics that are not closed."""
        return set(self._places)

    def _add_block(self, block: Vectors, asked_at: Sequence[float]) -> list[int]:
        # one column a topic, kept up to date while the questions of the block join
        near = np.zeros((len(block), min(self._used + len(block), MOST)), dtype=np.float32)
        near[:, : self._used] = block @ self._sums[: self._used].T
        among = block @ block.T
        found = []
        for row, at in enumerate(asked_at):
            best, mean = self._nearest(near[row])
            if mean < JOIN:
                if self._used == MOST and not self._free:
                    near[:, self._close()] = 0.0
                best = self._begin()
            near[row:, best] += among[row, row:]
            self._sums[best] += block[row]
            self._sizes[best] += 1.0
            self._asked[best] = at
            found.append(self._names[best])
        return found

    def _nearest(self, near: Vectors) -> tuple[int, float]:
        if not self._used:
            return -1, -1.0
        means = near[: self._used] / self._sizes[: self._used]
        best = int(means.argmax())
        return best, float(means[best])

    def _begin(self) -> int:
        """An empty place for one more topic."""
        if self._free:
            place = self._free.pop()
        else:
            place = self._used
            self._used += 1
        self._sizes[place] = 0.0
        self._names[place] = self._begun
        self._places[self._begun] = place
        self._begun += 1
        return place

    def _close(self) -> list[int]:
        """Empty the places of those asked longest ago; where that is equal, of the earliest."""
        order = sorted(range(MOST), key=lambda place: (self._asked[place], self._names[place]))
        self._free = order[: MOST - KEPT][::-1]
        self._sums[self._free], self._sizes[self._free], self._asked[self._free] = 0.0, 1.0, np.inf
        for place in self._free:
            del self._places[self._names[place]]
        return self._free


def merged(means: Vectors, sizes: Sequence[int]) -> list[int]:
    """For each topic the index of the one it is shown as part of, the largest of those that are alike."""
    sums = means.astype(np.float64) * np.asarray(sizes, dtype=np.float64)[:, None]
    counts = np.asarray(sizes, dtype=np.float64)
    near = (means @ means.T).astype(np.float64)
    np.fill_diagonal(near, -1.0)
    leads = list(range(len(sizes)))
    while len(sizes) and (best := int(near.argmax())) >= 0 and near.flat[best] >= MERGE:
        one, other = divmod(best, len(sizes))
        if (counts[other], -other) > (counts[one], -one):
            one, other = other, one
        sums[one] += sums[other]
        counts[one] += counts[other]
        leads = [one if lead == other else lead for lead in leads]
        near[other, :] = near[:, other] = -1.0
        alive = near[one] > -1.0
        near[one, alive] = near[alive, one] = (sums[alive] @ sums[one]) / (counts[alive] * counts[one])
    return leads
