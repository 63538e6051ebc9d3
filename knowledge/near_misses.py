"""Whether a passage answers, or only speaks of the same thing with a name, number or turn changed."""

import functools
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from knowledge.embedding import Encoding, Vectors
from knowledge.sentences import split_sentences
from knowledge.token_store import Text
from knowledge.words import STOP_WORDS, WORD, content_words, stem

Rarity = Callable[[str], float]
"""How rare a stem is in the collection: 0 in every chunk, 1 in none."""

FULL_SENTENCE = 8
"""Words from which a sentence that ends like one says something by itself."""
NOT_ASKED = 0.6
"""Similarity that stands for a kind of word which the question has none of."""

_ASKING = frozenset(("what", "which", "who", "whose", "how", "when", "where", "many", "much"))
_BETWEEN = frozenset(("of", "the"))
_NEGATION = re.compile(
    r"\b(not|no|never|without|neither|nor|none|cannot|un\w{4,}|least|fewest|smallest|lowest|worst"
    r"|last(?! (?:year|month|week|quarter|night|time))|unlike|except"
    r"|fail\w*|refus\w*|prevent\w*|stop\w*|avoid\w*)\b|n't\b"
)
_ENDS = re.compile(r"[.!?][\"')\]]*$")
_LISTED = re.compile(r"[-*+•|>#]|\d+[.)]")
_OPPOSITES = """
    most/least more/less more/fewer increase/decrease high/low higher/lower highest/lowest large/small
    largest/smallest big/small first/last before/after early/late earliest/latest north/south
    northern/southern east/west eastern/western best/worst better/worse win/lose won/lost rise/fall
    gain/lose old/new oldest/newest major/minor majority/minority begin/end began/ended start/end
    started/ended public/private strong/weak support/oppose supported/opposed internal/external
    maximum/minimum fast/slow long/short longest/shortest allow/prevent allowed/prohibited accept/reject
    legal/illegal positive/negative rich/poor male/female king/queen upper/lower above/below
    inside/outside easy/hard easy/difficult always/never all/none hot/cold young/old include/exclude
    join/leave
"""


@dataclass(frozen=True, slots=True)
class Cues:
    """What a question and a passage have in common, word by word.

    A *match* is the cosine of a word's vectors with the nearest token. The *sentence* and the *pair* are the
    sentence and the two neighbouring sentences of the passage that match best. Means are weighted by rarity.
    """

    in_passage: float
    """Share of the words that stand in the passage."""
    missing: float
    """Rarity of the rarest word that does not stand in the sentence."""
    pair: float
    """Mean match within the pair."""
    passage: float
    """Mean match within the passage."""
    sentence: float
    """Mean match within the sentence."""
    sentence_worst: float
    """Match of the worst word within the sentence."""
    name_worst: float
    """Match of the worst name within the passage."""
    lost_numbers: float
    """Numbers that do not stand in the pair."""
    plain_words: float
    """Words that are neither names nor numbers."""
    plain_worst: float
    """Match of the worst of them within the passage."""
    opposites: float
    """Words that the pair has only the opposite of."""
    negations: float
    """Negations and extremes in the question."""
    lost_negations: float
    """Those of them that do not stand in the pair."""
    nearest: float
    """Cosine of the nearest sentence of all passages."""


@dataclass(frozen=True, slots=True)
class _Word:
    lowered: str
    stem: str
    rarity: float
    tokens: tuple[int, ...]
    is_name: bool
    is_number: bool
    names_kind: bool
    """Says what is asked for, like `year` in `which year`; the answer need not repeat it."""


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the passage: its stems, its lower-case text, and the match of each token of the question."""

    stems: frozenset[str]
    lowered: str
    matches: Vectors

    def match(self, word: _Word) -> float:
        return float(self.matches[list(word.tokens)].mean()) if word.tokens else 0.5

    def holds(self, word: _Word) -> bool:
        return word.stem in self.stems


def read_by_cues(cues: Cues) -> float:
    """Log odds that the passage answers: above 0 for, below 0 against."""
    bias, weights = _weights()
    return bias + float(np.dot(weights, astuple(cues)))


def prose_share(text: str) -> float:
    """Share of the words that stand in full sentences: 0 for a list or a heading, 1 for running prose."""
    words = sum(len(sentence.split()) for sentence in split_sentences(text))
    full = (len(sentence.split()) for sentence in _prose(text) if _ENDS.search(sentence))
    return sum(count for count in full if count >= FULL_SENTENCE) / max(words, 1)


def _prose(text: str) -> list[str]:
    return [sentence for sentence in split_sentences(text) if not _LISTED.match(sentence)]


@functools.cache
def _weights() -> tuple[float, tuple[float, ...]]:
    """Fitted by `benchmarks/grounding_near_misses.py`."""
    path = Path(__file__).parent / "embedding_data" / "near_miss_weights.json"
    fitted = json.loads(path.read_text(encoding="utf-8"))
    return fitted["bias"], tuple(fitted["weights"][field.name] for field in fields(Cues))


def read_cues(
    question: str,
    encoding: Encoding,
    passage: Text,
    matches: Vectors,
    sentences: npt.NDArray[np.uint8],
    *,
    token_weight: Vectors,
    rarity: Rarity,
    nearest: float,
) -> Cues:
    """Compare a question with a passage.

    `matches` has a row for each token of the question and a column for each of the passage, `sentences` the
    sentence of each column, from 1, and `token_weight` how much each token of the question counts.
    """
    words = _words(question, encoding, rarity)
    sentence, pair, whole = _views(passage, matches, sentences, token_weight)
    asked = [word for word in words if not word.names_kind] or words
    names, plain, numbers = _sorted_out(words)
    negations = {match[0] for match in _NEGATION.finditer(question.lower())}
    return Cues(
        in_passage=_mean(asked, whole.holds),
        missing=max((word.rarity for word in asked if not sentence.holds(word)), default=0.0),
        pair=_mean(words, pair.match),
        passage=_mean(words, whole.match),
        sentence=_mean(words, sentence.match),
        sentence_worst=_worst(words, sentence),
        name_worst=_worst(names, whole),
        lost_numbers=sum(not pair.holds(word) for word in numbers),
        plain_words=len(plain),
        plain_worst=_worst(plain, whole),
        opposites=_opposites(words, pair),
        negations=len(negations),
        lost_negations=sum(negation not in pair.lowered for negation in negations),
        nearest=nearest,
    )


def _words(question: str, encoding: Encoding, rarity: Rarity) -> list[_Word]:
    """The words that carry meaning, each with its tokens."""
    found: list[_Word] = []
    names_kind = False
    for match in WORD.finditer(question):
        word, lowered = match[0], match[0].lower()
        if lowered in _ASKING:
            names_kind = True
        elif lowered in STOP_WORDS:
            names_kind &= lowered in _BETWEEN
        else:
            tokens = tuple(
                place
                for place, (start, end) in enumerate(encoding.offsets)
                if match.start() <= start and end <= match.end()
            )
            is_name = word[0].isupper() and match.start() > 0
            is_number = any(character.isdigit() for character in word)
            cut = stem(lowered)
            found.append(_Word(lowered, cut, rarity(cut), tokens, is_name, is_number, names_kind))
            names_kind = False
    return found


def _sorted_out(words: Sequence[_Word]) -> tuple[list[_Word], list[_Word], list[_Word]]:
    """Names, plain words and numbers."""
    names = [word for word in words if word.is_name]
    plain = [word for word in words if not word.is_name and not word.is_number]
    return names, plain, [word for word in words if word.is_number]


def _views(
    passage: Text, matches: Vectors, sentences: npt.NDArray[np.uint8], weight: Vectors
) -> tuple[_View, _View, _View]:
    """The best sentence, the best two neighbouring sentences and the whole passage."""
    texts = split_sentences(passage.body)
    numbers = [int(number) for number in np.unique(sentences) if number > 0]
    # a section's heading is said of each of its sentences
    above = matches[:, sentences == 0].max(axis=1, initial=-1)
    by_sentence = {
        number: np.maximum(above, matches[:, sentences == number].max(axis=1)) for number in numbers
    }
    pairs = {number: np.maximum(one, by_sentence.get(number + 1, one)) for number, one in by_sentence.items()}
    whole = f"{passage.header} {passage.body}"
    everything = _view(whole, matches.max(axis=1, initial=-1))
    if not numbers:
        return everything, everything, everything
    one = max(numbers, key=lambda number: float(weight @ by_sentence[number]))
    two = max(numbers, key=lambda number: float(weight @ pairs[number]))
    return (
        _view(f"{passage.header} {' '.join(texts[one - 1 : one]) or passage.body}", by_sentence[one]),
        _view(f"{passage.header} {' '.join(texts[two - 1 : two + 1]) or passage.body}", pairs[two]),
        everything,
    )


def _view(text: str, matches: Vectors) -> _View:
    return _View(frozenset(content_words(text)), text.lower(), matches)


def _mean(words: Sequence[_Word], value: Callable[[_Word], float]) -> float:
    total = sum(word.rarity for word in words)
    return sum(word.rarity * value(word) for word in words) / max(total, 1e-9)


def _worst(words: Collection[_Word], view: _View) -> float:
    return min(map(view.match, words), default=NOT_ASKED)


def _opposites(words: Sequence[_Word], view: _View) -> int:
    there = set(WORD.findall(view.lowered))
    return sum(
        bool(_opposite_of().get(word.lowered, frozenset()) & there)
        for word in words
        if word.lowered not in there
    )


@functools.cache
def _opposite_of() -> dict[str, frozenset[str]]:
    pairs = [tuple(pair.split("/")) for pair in _OPPOSITES.split()]
    both = [*pairs, *((right, left) for left, right in pairs)]
    return {word: frozenset(right for left, right in both if left == word) for word, _ in both}
