"""Whether each sentence of an answer stands in the passages it cites: words shared, numbers and dates all there.

A guard against invention, not a proof of truth: a sentence may share every word with a passage and still say the
opposite. It errs on the side of letting rewording through and invented figures not.
"""

import re
from collections.abc import Iterable, Iterator

from workflows.steps.citing import without_marks

MIN_SHARED = 0.5
"""Share of a sentence's content words that must stand in the passages."""
MIN_WORDS = 3
"""Sentences with fewer content words ("Yes.") say too little to be judged by them."""

_SENTENCE = re.compile(r"(?<=[.!?。!?])\s+|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_NUMBER = re.compile(r"\d+(?:[.,\u00a0\u202f' ]\d{3}(?!\d))*(?:[.,]\d+)?")
_WIDE = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_SILENT = re.compile(
    r"\b(?:not|n't|no|nothing|nor)\b.*\b(?:cover|covered|say|said|mention|mentioned|state|stated|address|specify|find)"
    r"|\b(?:silent|unclear)\b",
    re.IGNORECASE,
)
_BULLET = re.compile(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+")
_SPELLED = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"]
_MONTHS = ["january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"]
_COMMON = frozenset(
    ["the", "and", "for", "are", "was", "were", "has", "have", "had", "not", "but", "you", "your", "they", "their", "this", "that", "these", "those", "with", "from", "into", "than", "then", "can", "may", "must", "will", "shall", "would", "should", "could", "its", "our", "his", "her", "who", "what", "when", "where", "which", "while", "how", "all", "any", "each", "more", "most", "some", "such", "only", "also", "per", "via", "out", "about", "after", "before", "during", "under", "over", "between", "both", "either", "been", "being", "does", "did", "done", "yes", "if", "in", "on", "of", "to", "a", "an", "is", "it", "as", "at", "by", "be", "or", "no", "do", "so", "we", "he", "she", "i"]
)


def ungrounded(answer: str, passages: Iterable[str]) -> tuple[str, str] | None:
    """The first sentence that the passages do not carry, and what is missing; None when all are carried."""
    known_words: set[str] = set()
    known_numbers: set[str] = set()
    for passage in passages:
        known_words |= set(words(passage))
        known_numbers |= numbers(passage)
    for sentence in sentences(answer):
        invented = numbers(sentence) - known_numbers
        if invented:
            return sentence, f"{', '.join(sorted(invented))} is not in the cited passages"
        wanted = words(sentence)
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


def words(text: str) -> list[str]:
    """Content words, once each, cut to their stem; pairs of characters where a script has no spaces."""
    found: dict[str, None] = {}
    for match in _WORD.finditer(text.lower()):
        word = match[0].replace("’", "'").removesuffix("'s")
        if _WIDE.search(word):
            found.update(dict.fromkeys(word[i : i + 2] for i in range(max(1, len(word) - 1))))
        elif len(word) > 2 and word not in _COMMON and word not in _SPELLED:
            found[_stem(word)] = None
    return list(found)


def _stem(word: str) -> str:
    for ending in ("ations", "ation", "ings", "ing", "ies", "ied", "ed", "es", "ly", "s", "e", "y"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word.removesuffix(ending)
    return word


def numbers(text: str) -> set[str]:
    """Numbers, written or spelled, in one form; months too, since a wrong month is a wrong date."""
    found = {_canonical(match[0]) for match in _NUMBER.finditer(text)}
    for word in _WORD.findall(text):
        lower = word.lower()
        if lower in _SPELLED[2:]:
            found.add(str(_SPELLED.index(lower)))
        elif lower in _MONTHS and (lower not in ("may", "march") or word[0].isupper()):
            found.add(lower)
    return found


def _canonical(number: str) -> str:
    """1,840 and 1 840 and 1840.00 are one number; 2.5 and 2,5 are another."""
    grouped = re.sub(r"[.,\u00a0\u202f' ](?=\d{3}(?!\d))", "", number).replace(",", ".")
    whole, _, part = grouped.partition(".")
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}.{part}" if part else whole.lstrip("0") or "0"
