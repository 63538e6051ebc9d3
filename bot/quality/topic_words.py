"""What a topic is called: a question in its middle, or only words that several people used. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from knowledge.embedding import Vectors
from knowledge.words import content_words

SHORT, LONGEST = 70, 140
"""Characters of a question that can name a topic; of one that is quoted."""

PEOPLE = 3
"""People who must have used a word before it is shown to somebody who may not see what they asked."""

LABEL_WORDS = 3

_WORD = re.compile(r"[^\W\d_]{3,}")


def question_of(inputs: Mapping[str, Any], longest: int = 2000) -> str:
    """What a run asked, as one text: what was typed into its inputs."""
    return " ".join(str(value) for value in inputs.values() if value)[:longest]


def quoted(text: str, longest: int = LONGEST) -> str:
    """A text on one line, cut at a word."""
    line = " ".join(text.split())
    if len(line) <= longest:
        return line
    return line[: longest - 1].rsplit(" ", 1)[0] + "…"


def representative(texts: Sequence[str], vectors: Vectors, most: int = 4) -> list[str]:
    """What a topic is called, then examples of it: questions nearest its middle, each said once.

    The name is a short one where there is any.
    """
    if not texts:
        return []
    lines = [" ".join(text.split()) for text in texts]
    order = (-(vectors @ vectors.mean(axis=0))).argsort(kind="stable")
    near = list({lines[int(index)].casefold(): lines[int(index)] for index in order}.values())
    first = next((line for line in near if 0 < len(line) <= SHORT), near[0])
    return [quoted(line) for line in [first, *(line for line in near if line != first)][:most] if line]


def shared_words(asked: Iterable[tuple[str, str]], others: Iterable[str]) -> str:
    """Words that mark questions off from others, each used by several people; empty when none is.

    `asked` is person and text.
    """
    people: dict[str, set[str]] = defaultdict(set)
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for person, text in asked:
        for word, stem in _stems(text):
            people[stem].add(person)
            forms[stem][word] += 1
    texts = [{stem for _, stem in _stems(text)} for text in others]
    common = Counter(stem for stems in texts for stem in stems)
    weight = {
        stem: len(who) / (len(texts) + 10 * common[stem] + 1)
        for stem, who in people.items()
        if len(who) >= PEOPLE
    }
    best = sorted(weight, key=lambda stem: (-weight[stem], stem))[:LABEL_WORDS]
    return ", ".join(forms[stem].most_common(1)[0][0] for stem in best)


def _stems(text: str) -> list[tuple[str, str]]:
    return [(word, stem) for word in _WORD.findall(text.lower()) for stem in content_words(word)]
