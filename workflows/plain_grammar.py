"""The words of conditions as people write them: tokens, operators, and the tree they make."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from workflows.template import Reference


def _ordered(sign: str, *ways: str) -> dict[tuple[str, ...], str]:
    """Each way to say it, with `is` before it or without."""
    return {words: sign for way in ways for words in (("is", *way.split(" ")), tuple(way.split(" ")))}


OPERATORS: Mapping[tuple[str, ...], str] = {
    ("is", "not", "known"): "missing",
    ("is", "not", "given"): "missing",
    ("is", "not", "missing"): "known",
    ("is", "missing"): "missing",
    ("is", "unknown"): "missing",
    ("is", "known"): "known",
    ("is", "given"): "known",
    ("is", "equal", "to"): "==",
    ("starts", "with"): "startsWith",
    ("ends", "with"): "endsWith",
    ("contains",): "contains",
    ("mentions",): "contains",
    ("equals",): "==",
    **_ordered(">", "over", "above", "exceeds", "goes over"),
    **_ordered(">", *(f"{word} than" for word in ("more", "greater", "higher", "larger", "bigger"))),
    **_ordered("<", "under", "below", "goes below"),
    **_ordered("<", *(f"{word} than" for word in ("less", "lower", "smaller"))),
    **_ordered(">=", "at least", "not less than", "no less than"),
    **_ordered("<=", "at most", "up to", "not more than", "no more than"),
    ("is", "not"): "!=",
    ("is",): "==",
}
"""Words to what they mean; those that are the beginning of others come after them."""

_SIGNS: Mapping[str, str] = {"=": "==", "≤": "<=", "≥": ">=", "≠": "!="}
_CONSTANTS: Mapping[str, str] = {
    "true": "true",
    "yes": "true",
    "false": "false",
    "no": "false",
    "null": "null",
}
_QUOTES = str.maketrans({"“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'"})
_TOKEN = re.compile(
    r"\s*(?:(?P<text>\"[^\"\\]*\"|'[^'\\]*')"
    r"|(?P<number>[€$£]?-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[€$£]|\b))"
    r"|(?P<sign>==|!=|<=|>=|<|>|=|≤|≥|≠)|(?P<join>&&|\|\||!|\(|\))"
    r"|(?P<word>[^\W\d]\w*(?:\.[^\W\d]\w*)*)|(?P<strange>\S+))"
)
_JOINS: Mapping[str, str] = {"&&": "and", "||": "or", "!": "not"}


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text."""

    kind: str
    """text, number, constant, sign, join, word or strange."""
    text: str

    def is_(self, what: str) -> bool:
        """Whether it is this joining word or bracket."""
        return self.kind == "join" and self.text == what


@dataclass(frozen=True, slots=True)
class Literal:
    """A value, as CEL writes it."""

    source: str

    def __str__(self) -> str:
        return self.source


@dataclass(frozen=True, slots=True)
class Named:
    """A name that exists."""

    reference: Reference

    def __str__(self) -> str:
        return ".".join(self.reference)


@dataclass(frozen=True, slots=True)
class Bare:
    """A name that is true or false by itself."""

    part: Literal | Named

    def __str__(self) -> str:
        return str(self.part)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides and what must hold between them."""

    left: Literal | Named
    operator: str
    right: Literal | Named

    def __str__(self) -> str:
        if self.operator.isalpha():
            return f"{self.left}.{self.operator}({self.right})"
        return f"{self.left} {self.operator} {self.right}"


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    part: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Either(Or):
    """The same comparison of each of the names that one word means."""


Node: TypeAlias = Bare | Compared | Not | And | Or


def read_tokens(text: str) -> list[Token]:
    """The pieces of a text; what cannot be one is `strange`."""
    return [_token(match) for match in _TOKEN.finditer(text.translate(_QUOTES)) if match[0].strip()]


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "strange"
    text = match[kind]
    if kind == "text":
        return Token(kind, f'"{text[1:-1]}"') if '"' not in text[1:-1] else Token(kind, text)
    if kind == "number":
        return Token(kind, re.sub(r"[,€$£]", "", text))
    if kind == "sign":
        return Token(kind, _SIGNS.get(text, text))
    if kind == "join":
        return Token(kind, _JOINS.get(text, text))
    word = text.lower()
    if word in ("and", "or", "not"):
        return Token("join", word)
    return Token("constant", _CONSTANTS[word]) if word in _CONSTANTS else Token(kind, text)


def operator_at(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """The operator that begins at a place and how many tokens it takes; "" when there is none."""
    if at < len(tokens) and tokens[at].kind == "sign":
        return tokens[at].text, 1
    for words, meaning in OPERATORS.items():
        part = tuple(token.text.lower() for token in tokens[at : at + len(words)])
        if part == words:
            return meaning, len(words)
    return "", 0
