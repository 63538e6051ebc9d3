"""From what somebody would have wanted to read to what a case can expect. Pure; owners correct the guess."""

import re
from collections.abc import Iterable

from bot.quality.complaint import plain_words

PHRASE_CHARACTERS = 80
"""A longer text is hardly ever found word for word in an answer."""

_WORD = re.compile(r"\w[\w.,'/:%-]*\w|\w")
_BREAK = re.compile(r"[.!?;\n]\s|\n")
# fmt: off
_SMALL = frozenset({
    "a", "all", "an", "and", "are", "as", "at", "be", "but", "by", "can", "could", "do", "does", "for",
    "from", "has", "have", "if", "in", "is", "it", "its", "may", "might", "must", "no", "not", "of",
    "on", "only", "or", "shall", "see", "should", "since", "so", "that", "the", "their", "then",
    "there", "these", "they", "this", "to", "until", "up", "was", "were", "which", "who", "will",
    "with", "would", "you", "your",
})
# fmt: on
"""Words that carry no fact."""


def phrase_of(correction: str, answer: str) -> str:
    """The first few words of a correction that the answer lacks; empty when it lacks none of substance."""
    known = _SMALL | set(_words(answer))
    for sentence in _BREAK.split(correction):
        spans = list(_WORD.finditer(sentence))
        is_new = [plain_words(span.group()) not in known for span in spans]
        if any(is_new):
            first, last = _stretch(is_new)
            if first == last and _counts(sentence, spans[last : last + 2]):
                last += 1
            return str(sentence[spans[first].start() : spans[last].end()][:PHRASE_CHARACTERS])
    return ""


def _stretch(is_new: list[bool]) -> tuple[int, int]:
    """The first words that are new, over single ones between them that are not."""
    first = last = is_new.index(True)
    while any(is_new[last + 1 : last + 3]):
        last += 1
    return first, last


def _counts(sentence: str, pair: list[re.Match[str]]) -> bool:
    """Whether the second word belongs to the first: a number says little without what it counts."""
    if len(pair) < 2 or plain_words(pair[1].group()) in _SMALL:
        return False
    return not sentence[pair[0].end() : pair[1].start()].strip()


def named_in(text: str, documents: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Paths of the documents, each with its title, that a text names by title or by path."""
    said = plain_words(text)
    return tuple(
        path
        for path, title in documents
        if (len(title) > 3 and plain_words(title) in said) or plain_words(path) in said
    )


def file_name(title: str) -> str:
    """A path for a new document: `carry-over-of-leave.md`."""
    words = re.findall(r"[a-z0-9]+", title.lower())
    return ("-".join(words)[:60].strip("-") or "note") + ".md"


def _words(text: str) -> Iterable[str]:
    return (plain_words(found.group()) for found in _WORD.finditer(text))
