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
_SILENT = re.compile(
    r"\b(?:not|n't|no|nothing|nor)\b.*\b(?:cover|covered|say|said|mention|mentioned|state|stated|address|specify|find)"
    r"|\b(?:silent|unclear)\b",
    re.IGNORECASE,
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
        invented = figures - known_numbers
        if invented:
            return sentence, f"{', '.join(sorted(invented))} is not in the cited passages"
        if len(wanted) < MIN_WORDS or _SILENT.search(sentence):
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
