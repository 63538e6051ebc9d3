"""Answers made of sentences found in the passages, each with the number of its passage."""

import re
from collections.abc import Sequence

from bot.adapters.embedded.table_rows import beside_the_point, table_rows
from knowledge.document import Passage
from knowledge.embedding import Embedder
from knowledge.sentence_ranking import ScoredSentence, best_sentences
from knowledge.sentences import split_sentences
from workflows.ports import ABSTAINED, Task
from workflows.steps.citing import MARK

FLOOR = 0.38
"""Best sentences that score lower have nothing to do with the question."""
CLOSE = 0.8
"""A further sentence is quoted when it scores at least this share of the best."""

_LEANS_BACK = re.compile(
    r"(?:this|that|these|those|it|its|they|their|he|she|his|her|such|however|otherwise|in that case|if so|"
    r"then|also|but|instead|after that)\b",
    re.IGNORECASE,
)
_LIST_MARK = re.compile(r"^(?:[-*+•]\s+|>\s?(?!\s*(?:[€$£=]|[A-Z]{3}\s)?\s*\d))+")
"""Before a figure `>` means more than."""
_NUMBER = re.compile(r"(\d{1,3})([.)])(?:\s+|\Z)")
_CODE = re.compile(r"`([^`]+)`")
_HELD = "\0"
_EMPHASIS = re.compile(r"(?<![\w*])(\*{2,3}|__)(?=[^\s*])(.+?)(?<=\S)\1(?![\w*]|\.\w)")
_HALF = re.compile(r"^\*\*(?=\w)|(?<=[.!?:])\*\*$")
"""Emphasis over several sentences."""


def quote(task: Task, embedder: Embedder) -> str:
    """One to three sentences with [n] of their passages; the abstention word when nothing fits."""
    limit = max(1, min(task.max_sentences, 3))
    # what says nothing of what is asked takes the place of none that does
    left_out = beside_the_point(task.question, [table_rows(each.text) for each in task.passages])
    more = limit + sum(each.text.count(line) for each in task.passages for line in left_out)
    ranked = best_sentences(task.question, task.passages, limit=more, embedder=embedder)
    found = [each for each in ranked if each.text not in left_out][:limit]
    if not found or found[0].score < FLOOR:
        return ABSTAINED
    kept = [s for s in found if s.score >= found[0].score * CLOSE]
    return join_quotes(kept, task.passages, limit)


def join_quotes(sentences: Sequence[ScoredSentence], passages: Sequence[Passage], limit: int) -> str:
    """In reading order within each passage, the best passage first, each sentence once."""
    chosen: list[tuple[int, int, str]] = []
    order = list(dict.fromkeys(s.passage_index for s in sentences))
    for sentence in sentences:
        whole = split_sentences(passages[sentence.passage_index].text)
        rows = table_rows(passages[sentence.passage_index].text)
        at = sentence.position
        for position in (at - 1, at):
            if position == at - 1 and not _needs_the_one_before(whole, at):
                continue
            row = rows.get(whole[position])
            text = row.said if row else _numbered(whole, position)
            entry = (order.index(sentence.passage_index), position, text)
            if text and entry not in chosen:
                chosen.append(entry)
    chosen = sorted(chosen[: limit + 1])
    return " ".join(_cited(_plain(text), order[rank] + 1) for rank, _, text in chosen)


def _cited(sentence: str, number: int) -> str:
    if sentence.endswith((".", "!", "?")):
        return f"{sentence[:-1]} [{number}]{sentence[-1]}"
    return f"{sentence} [{number}]."


def _needs_the_one_before(sentences: Sequence[str], at: int) -> bool:
    if at == 0 or sentences[at - 1].startswith("#") or _NUMBER.fullmatch(sentences[at - 1]):
        return False
    return bool(_LEANS_BACK.match(_plain(sentences[at])))


def _numbered(sentences: Sequence[str], at: int) -> str:
    """The sentence without its number in a list; where there is no list, the number is text: 30. June."""
    number, text = _NUMBER.match(sentences[at]), sentences[at]
    if number is None and at > 0:
        number = _NUMBER.fullmatch(sentences[at - 1])
        text = f"{sentences[at - 1]} {text}" if number else text
    if number is None:
        return text
    beside = tuple(f"{int(number[1]) + step}{number[2]}" for step in (-1, 1))
    is_list = any(each.startswith(beside) for each in sentences)
    return text[number.end() :].lstrip() if is_list else text


def _plain(sentence: str) -> str:
    """The sentence without its marks; a number in brackets may not read as a citation of ours."""
    text = _LIST_MARK.sub("", sentence.strip())
    code = iter(_CODE.findall(text))
    text = _HALF.sub("", _EMPHASIS.sub(r"\2", _CODE.sub(_HELD, text)))
    text = re.sub(_HELD, lambda _: next(code, ""), text)
    return MARK.sub(r"(\1)", text).strip()
