"""Whether the passages cited carry each sentence of an answer: words shared, numbers and dates all there.

A guard against invention, not a proof of truth: a sentence may share every word with a passage and still
say the opposite. It errs on the side of letting rewording through and invented figures not.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from workflows.steps.citing import without_marks

MIN_SHARED = 0.5
"""Share of a sentence's content words that must stand in the passages."""
MIN_WORDS = 3
"""Sentences with fewer content words ("Yes.") say too little to be judged by them."""

_SENTENCE = re.compile(r"(?<=[.!?。!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f' ]\d{3}(?!\d))*(?:[.,]\d+)?")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SOURCE = r"\b(?:handbook|passage|document|source|context|text|page|polic|excerpt|material)(?:s|y|ies)?\b"
_VERB = r"(?:cover|say|mention|state|address|specif|contain|describe|explain|tell)(?:s|d|ed|y|ies|ied)?\b"
_TOLD = r"(?:covered|said|mentioned|stated|addressed|specified|described|explained)\b"
_NOT = r"(?:\s*not|n['\u2019]t)"
_FEW = r"(?:\s+[\w'\u2019-]+){0,4}?\s+"
_SILENT = re.compile(
    "|".join(
        (
            rf"^\W*(?:[\w'\u2019-]+\W+){{0,4}}?{_SOURCE}{_FEW}(?:do|does|did){_NOT}{_FEW}{_VERB}",
            rf"{_SOURCE}{_FEW}(?:(?:is|are){_FEW}(?:silent|unclear)\b|(?:say|mention|state)s?\s+nothing\b)",
            rf"{_SOURCE}{_FEW}(?:contain|give|provide|make)s?\s+no\s+(?:information|mention|detail|answer|rule)",
            rf"^\W*(?:\w+,\s+)?(?:it|this|that)\s+(?:is|was){_NOT}{_FEW}{_TOLD}",
            rf"\b(?:is|are|was|were){_NOT}{_FEW}{_TOLD}{_FEW}{_SOURCE}",
            rf"\b(?:I|we)\s+(?:could|can|did|do){_NOT}\s+find\s+(?:this|that|it|anything)\b",
            rf"\b(?:I|we)\s+(?:could|can|did|do){_NOT}\s+find(?:\s+[\w'\u2019-]+){{1,12}}?\s+in{_FEW}{_SOURCE}",
            rf"\b(?:nothing|none)\s+(?:in|of){_FEW}{_SOURCE}{_FEW}(?:{_VERB}|about\b)",
            rf"\bno\s+{_SOURCE}{_FEW}{_VERB}",
        )
    ),
    re.IGNORECASE,
)
"""What says of the sources, and of nothing else, that they are silent."""
_CLAUSE = re.compile(
    r";|,\s+(?=(?:so|and|yet)\b)|\b(?:but|because|however|therefore|although|since)\b", re.IGNORECASE
)
_BULLET = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_ENDINGS = ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y")
# fmt: off
_FIGURES = {
    "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7", "eight": "8", "nine": "9",
    "ten": "10", "eleven": "11", "twelve": "12", "thirteen": "13", "fourteen": "14", "fifteen": "15",
    "sixteen": "16", "seventeen": "17", "eighteen": "18", "nineteen": "19", "twenty": "20",
}
_MONTHS = frozenset({
    "january", "february", "april", "june", "july", "august", "september", "october", "november", "december",
})
_MONTHS_WHEN_CAPITAL = frozenset({"March", "May"})
_COMMON = frozenset({
    "the", "and", "for", "are", "was", "were", "has", "have", "had", "not", "but", "you", "your", "they",
    "their", "this", "that", "these", "those", "with", "from", "into", "than", "then", "can", "may",
    "must", "will", "shall", "would", "should", "could", "its", "our", "his", "her", "who", "what",
    "when", "where", "which", "while", "how", "all", "any", "each", "more", "most", "some", "such",
    "only", "also", "per", "via", "out", "about", "after", "before", "during", "under", "over",
    "between", "both", "either", "been", "being", "does", "did", "done", "yes",
})
# fmt: on


def ungrounded(answer: str, passages: Iterable[str]) -> tuple[str, str] | None:
    """The first sentence that the passages do not carry, and what is missing; None when all are carried."""
    known_words: set[str] = set()
    known_numbers: set[str] = set()
    for passage in passages:
        words, numbers = _of_passage(passage)
        known_words |= words.keys()
        known_numbers |= numbers
    for sentence in sentences(answer):
        wanted, figures = read(sentence)
        if _SILENT.search(sentence):
            claims = (clause for clause in _CLAUSE.split(sentence) if not _SILENT.search(clause))
            wanted, _ = read(" ".join(claims))
        invented = figures - known_numbers
        if invented:
            return sentence, f"{', '.join(sorted(invented))} is not in the cited passages"
        if len(wanted) < MIN_WORDS:
            continue
        missing = [word for word in wanted if word not in known_words]
        if len(missing) > (1 - MIN_SHARED) * len(wanted):
            return sentence, f"{', '.join(missing[:5])}: not in the cited passages"
    return None


def sentences(text: str) -> Iterator[str]:
    """The sentences of a text, without citation marks and bullets."""
    for part in _SENTENCE.split(without_marks(text)):
        sentence = _BULLET.sub("", part).strip()
        if sentence:
            yield sentence


def read(text: str) -> tuple[dict[str, None], set[str]]:
    """Content words cut to their stem, in order; and numbers, written or spelled, in one form.

    Months count as numbers, since a wrong month is a wrong date.
    """
    words: dict[str, None] = {}
    numbers = {_canonical(match) for match in _NUMBER.findall(text)}
    for word in _WORD.findall(text):
        stems, figure = _word(word)
        words.update(stems)
        if figure:
            numbers.add(figure)
    return words, numbers


@lru_cache(maxsize=512)
def _of_passage(text: str) -> tuple[dict[str, None], set[str]]:
    """As `read`; the same passages come up for question after question."""
    return read(text)


@lru_cache(maxsize=20_000)
def _word(word: str) -> tuple[dict[str, None], str]:
    """What one word counts as: its stem, or nothing when it is common; and the number or month it is."""
    lower = word.lower()
    if lower in _FIGURES:
        return {}, _FIGURES[lower]
    if lower in _MONTHS or word in _MONTHS_WHEN_CAPITAL:
        return {}, lower
    if _WIDE.search(word):
        return dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))), ""
    return ({} if len(lower) < 3 or lower in _COMMON else {_stem(lower): None}), ""


def _stem(word: str) -> str:
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


@lru_cache(maxsize=4_096)
def _canonical(number: str) -> str:
    """1,840 and 1 840 and 1840.00 are one number; 2.5 and 2,5 are another."""
    grouped = re.sub(r"[.,\u00a0\u202f' ](?=\d{3}(?!\d))", "", number).replace(",", ".")
    whole, _, part = grouped.partition(".")
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}.{part}" if part else whole.lstrip("0") or "0"
