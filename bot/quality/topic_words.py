"""What a topic is called: a question in its middle, or only words that several people used. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from knowledge.words import content_words

if TYPE_CHECKING:
    from knowledge.embedding import Vectors

LONGEST = 140
"""Characters of a question that is quoted."""

SAME = 0.92
"""Cosine from which two questions are one as examples."""

PEOPLE = 3
"""People who must have used a word before it is shown to somebody who may not see what they asked."""

LABEL_WORDS = 3

_SENTENCE_END = re.compile(r"(?<=[.!])\s+")
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


def representative(texts: Sequence[str], vectors: "Vectors", most: int = 4) -> list[str]:
    """What a topic is called, then examples of it that differ in more than a greeting.

    All are near its middle; the name is the shortest of the ten nearest.
    """
    if not texts:
        return []
    lines = [" ".join(text.split()) for text in texts]
    nearest: dict[str, int] = {}
    for index in (-(vectors @ vectors.mean(axis=0))).argsort(kind="stable"):
        nearest.setdefault(lines[index].casefold(), int(index))
    places = list(nearest.values())
    chosen = [min(places[:10], key=lambda index: len(lines[index]))]
    for index in places:
        if len(chosen) == most:
            break
        is_near = float((vectors[chosen] @ vectors[index]).max()) >= SAME
        if not is_near and not any(_ask_alike(lines[index], lines[other]) for other in chosen):
            chosen.append(index)
    return [quoted(lines[index]) for index in chosen]


def _ask_alike(one: str, other: str) -> bool:
    """Whether all but one word of what is asked are the same, whatever stands around it."""
    first, second = (set(content_words(_asked(text))) for text in (one, other))
    return len(first ^ second) <= 1 and bool(first & second)


def _asked(text: str) -> str:
    """The first sentence that asks, without what greets or thanks; the whole where none does."""
    before, mark, _ = text.partition("?")
    return _SENTENCE_END.split(before)[-1] if mark else text


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
