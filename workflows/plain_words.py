"""Conditions, their findings and outcomes in the words of people."""

import re
from collections.abc import Mapping, Sequence

from workflows.plain_conditions import UnclearCondition, reader_of, said
from workflows.plain_grammar import And, Bare, Literal, Named, Node, Not, Or
from workflows.table_names import KnownName

_WORDS: Mapping[str, str] = {
    "==": "is",
    "!=": "is not",
    ">=": "is at least",
    "<=": "is at most",
    ">": "is more than",
    "<": "is less than",
}
_LOOSE_NOT = re.compile(r"![\s]*[\w.]+\s*(?:==|!=|[<>])")
"""CEL binds `!` closer than we read it."""
_EXAMPLE = re.compile(r"([A-Za-z_][\w.]*) = (\"(?:[^\"\\]|\\.)*\"|[^,]+)(?:, |$)")


def in_words(source: str, names: Sequence[KnownName]) -> str:
    """The condition in words that `to_condition` reads back; as it stands where there are none for it."""
    if _LOOSE_NOT.search(source):
        return source
    reader = reader_of(source, names)
    if reader.strange:
        return source
    try:
        return _said(reader.whole(), names)
    except UnclearCondition:
        return source


def example_in_words(example: str, names: Sequence[KnownName]) -> str:
    """Values that show a finding: `amount is 6000 and label is "purchase"`."""
    known = {str(name): name.reference for name in names}
    parts = [
        f"{said(known[name], names) if name in known else name} is {_value(value.strip())}"
        for name, value in _EXAMPLE.findall(example)
    ]
    return " and ".join(parts)


def outcome_in_words(outcome: str) -> str:
    """`finance_approval` as finance approval."""
    return outcome.replace("_", " ")


def outcome_of(text: str) -> str:
    """What was typed as an outcome's name: small letters, digits and underscores."""
    return re.sub(r"[\s-]+", "_", text.strip().lower())


def _value(value: str) -> str:
    return {"null": "missing", "true": "yes", "false": "no"}.get(value, value)


def _said(node: Node, names: Sequence[KnownName]) -> str:
    if isinstance(node, Or):
        return " or ".join(_bracketed(part, names, And) for part in node.parts)
    if isinstance(node, And):
        return " and ".join(_bracketed(part, names, Or) for part in node.parts)
    if isinstance(node, Not):
        return f"not ({_said(node.part, names)})"
    if isinstance(node, Bare):
        return f"{_side(node.part, names)} is true" if isinstance(node.part, Named) else str(node)
    if node.right == Literal("null") and node.operator in ("==", "!="):
        return f"{_side(node.left, names)} is {'missing' if node.operator == '==' else 'known'}"
    return f"{_side(node.left, names)} {_WORDS[node.operator]} {_side(node.right, names)}"


def _bracketed(node: Node, names: Sequence[KnownName], kind: type[And] | type[Or]) -> str:
    text = _said(node, names)
    return f"({text})" if isinstance(node, kind) else text


def _side(side: Literal | Named, names: Sequence[KnownName]) -> str:
    return said(side.reference, names) if isinstance(side, Named) else str(side)
