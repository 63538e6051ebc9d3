"""What kind of answer a question wants, and whether a passage holds something of that kind."""

import re
from enum import StrEnum

from knowledge.words import content_words


class AnswerKind(StrEnum):
    """The form an answer takes."""

    DATE = "date"
    NUMBER = "number"
    NAME = "name"
    OPEN = "open"


_ASKS = (
    (AnswerKind.DATE, re.compile(r"\b(when|(what|which) (year|date|day|month|time|century|decade))\b")),
    (
        AnswerKind.NUMBER,
        re.compile(
            r"\bhow (many|much|long|old|far|large|big|high|tall|often|deep|wide|fast|late|early)\b"
            r"|\b(what|which) (percent|percentage|number|amount|share|age|limit)\b"
        ),
    ),
    (AnswerKind.NAME, re.compile(r"\b(who|whom|whose|where)\b")),
)
_TIME = re.compile(
    r"\b(1\d{3}|20\d\d|\d{3}|(\d+(st|nd|rd|th) )?century|january|february|march|april|may|june|july|august"
    r"|september|october|november|december|(mon|tues|wednes|thurs|fri|satur|sun)day|days?|weeks?|months?|years?"
    r"|quarter|hours?|minutes?|noon|midnight|once|as soon as|before|after|until|\d\d?:\d\d)\b",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|hundred|thousand"
    r"|million|half|quarter|once|twice|daily|weekly|monthly|yearly|no|all)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_CAPITALISED = re.compile(r"(?<![.!?:]\s)(?<!^)(?<!\w)[A-Z][\w'-]*")
_EXTREME = re.compile(
    r"\b(not|no|never|least|fewest|smallest|lowest|worst|without|unlike|except|neither|nor|fail\w*|refus\w*|un\w{5,})\b"
)


def answer_kind(question: str) -> AnswerKind:
    """The kind of answer wanted, as far as the question's first words tell."""
    lowered = question.lower()
    for kind, pattern in _ASKS:
        if pattern.search(lowered):
            return kind
    return AnswerKind.OPEN


def holds_kind(question: str, text: str) -> bool:
    """Whether the text has a date, number or name that the question does not already give."""
    kind = answer_kind(question)
    if kind is AnswerKind.DATE:
        return _TIME.search(text) is not None
    if kind is AnswerKind.NUMBER:
        fresh = set(_NUMBER.findall(text)) - set(_NUMBER.findall(question))
        return bool(fresh) or _NUMBER_WORD.search(text) is not None
    if kind is AnswerKind.NAME:
        given = set(content_words(question))
        return any(set(content_words(name)) - given for name in re.findall(r"\b[A-Z][\w'-]+", text))
    return True


def unmet_specifics(question: str, text: str) -> int:
    """Numbers, names and turns of meaning (`not`, `least`) in the question that the text knows nothing of."""
    lowered = text.lower()
    words = set(content_words(text))
    numbers = sum(number not in text for number in set(_NUMBER.findall(question)))
    names = {name.lower() for name in _CAPITALISED.findall(question) if name != "I"}
    unknown = sum(not set(content_words(name)) <= words for name in names)
    turns = {match[0] for match in _EXTREME.finditer(question.lower())}
    turned = sum(turn not in lowered for turn in turns)
    return numbers + unknown + turned
