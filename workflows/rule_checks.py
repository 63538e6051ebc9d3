"""What can be known of a decision table before it decides: rules that never fire, what `otherwise` gets.

Only conditions made of comparisons with `&&`, `||` and `!` are judged; of the others nothing is claimed.
Every name is given each value that could make a difference (the constants, and points between them) and the
rules are evaluated on all combinations, so what is found is certain.
"""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from workflows.rules import Condition, ConditionFailed, Rule, prepared
from workflows.run import Json
from workflows.template import Reference

MAX_COMBINATIONS = 1_500
"""More are not tried, and nothing is claimed: loading must stay quick."""

ANYTHING_ELSE = "\N{BLACK SQUARE}"
"""Stands for every text that no rule names."""

_TOKEN = re.compile(
    r"\s*(?:(?P<word>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)|(?P<number>-?\d+(?:\.\d+)?)"
    r"|(?P<text>\"[^\"\\]*\"|'[^'\\]*')|(?P<compare>==|!=|<=|>=|<|>)|(?P<join>&&|\|\||!|\(|\)))"
)
_CONSTANTS: Mapping[str, Json] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written in a condition."""

    value: Json


Operand: TypeAlias = Reference | Constant
Comparison: TypeAlias = tuple[Operand, str, Operand]
Point: TypeAlias = tuple[tuple[Reference, Json], ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a reader of the table should know."""

    kind: Literal["duplicate", "impossible", "unreachable", "overlap", "gap"]
    rules: tuple[int, ...]
    """Numbers from 1: the rule it is about, then the one it meets."""
    example: str = ""
    """Values that show it, e.g. `find.support = 0.2`."""


def findings(table: Sequence[Rule]) -> tuple[Finding, ...]:
    """Duplicates, rules that cannot hold or never fire, overlaps of different outcomes, and what is left."""
    duplicates = tuple(_duplicates(table))
    return duplicates or tuple(_by_trial(table))


def pair_findings(table: Sequence[Rule]) -> tuple[Finding, ...]:
    """As `findings`, looking at two rules at a time: for tables with too many combinations to try as a whole.

    What is found is certain; what is left for `otherwise`, and rules that several others cover together,
    are not seen.
    """
    judged = {
        number: found
        for number, rule in enumerate(table, 1)
        if rule.when and (found := comparisons(rule.when))
    }
    return tuple(finding for number in judged for finding in _beside(number, judged, table))


def _beside(
    number: int, judged: Mapping[int, tuple[Comparison, ...]], table: Sequence[Rule]
) -> Iterator[Finding]:
    """What the first rule that takes something away from this one does to it."""
    for earlier in (each for each in judged if each < number):
        both = {each: table[each - 1] for each in (earlier, number)}
        points = _points([*judged[earlier], *judged[number]])
        cases = [(point, held) for point in points if number in (held := _holding(both, point))]
        if points and not cases:
            yield Finding("impossible", (number,))
            return
        if cases and all(held[0] == earlier for _, held in cases):
            yield Finding("unreachable", (number, earlier), _shown(cases[0][0]))
            return
        overlaps = list(_overlap(number, cases, both))
        if overlaps:
            yield overlaps[0]
            return


def _duplicates(table: Sequence[Rule]) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for number, rule in enumerate(table, 1):
        source = re.sub(r"\s+", " ", rule.when.source.strip()) if rule.when else ""
        if source in seen:
            yield Finding("duplicate", (number, seen[source]))
        seen.setdefault(source, number)


def _by_trial(table: Sequence[Rule]) -> Iterator[Finding]:
    """Evaluate every rule that can be judged on every combination of values."""
    judged: dict[int, Rule] = {}
    pairs: list[Comparison] = []
    for number, rule in enumerate(table, 1):
        found = comparisons(rule.when) if rule.when else None
        if found is not None:
            judged[number] = rule
            pairs += found
    points = _points(pairs)
    if not points or not judged:
        return
    holding = [(point, _holding(judged, point)) for point in points]
    for number in judged:
        cases = [(point, held) for point, held in holding if number in held]
        if not cases:
            yield Finding("impossible", (number,))
        elif all(held[0] < number for _, held in cases):
            yield Finding("unreachable", (number, cases[0][1][0]), _shown(cases[0][0]))
        else:
            yield from _overlap(number, cases, judged)
    if len(judged) == len(table) - 1:
        left = next((point for point, held in holding if not held), None)
        yield Finding("gap", (len(table),), _shown(left)) if left else Finding("unreachable", (len(table), 1))


def _overlap(
    number: int, found: list[tuple[Point, list[int]]], judged: Mapping[int, Rule]
) -> Iterator[Finding]:
    """The first earlier rule with another outcome that takes cases away from this one."""
    for point, held in found:
        if held[0] < number and judged[held[0]].then != judged[number].then:
            yield Finding("overlap", (number, held[0]), _shown(point))
            return


def _holding(judged: Mapping[int, Rule], point: Point) -> list[int]:
    """Numbers of the rules that hold at a point, in order. One that fails there does not hold."""
    scope: dict[str, Json] = {}
    for reference, value in point:
        here = scope
        for key in reference[:-1]:
            here = here.setdefault(key, {})  # type: ignore[assignment]  # made here, so a dict
        here[reference[-1]] = value
    context, found = prepared(scope), list[int]()
    for number, rule in judged.items():
        try:
            if rule.when and rule.when.decide(context):
                found.append(number)
        except ConditionFailed:
            continue
    return found


def comparisons(condition: Condition) -> tuple[Comparison, ...] | None:
    """The comparisons a condition is made of; None when there is more to it."""
    found: list[Comparison] = []
    tokens = _tokens(condition.source)
    if tokens is None:
        return None
    position = 0
    while position < len(tokens):
        token = tokens[position]
        following = tokens[position + 1 : position + 3]
        if isinstance(token, str):
            position += 1
            if token not in ("&&", "||", "!", "(", ")"):
                return None
        elif len(following) == 2 and _is_comparison(following[0]) and not isinstance(following[1], str):
            found.append((token, str(following[0]), following[1]))
            position += 3
        else:
            found.append((token, "==", Constant(True)))
            position += 1
    return tuple(found)


def _is_comparison(token: Operand | str) -> bool:
    return isinstance(token, str) and token in ("==", "!=", "<=", ">=", "<", ">")


def _tokens(source: str) -> list[Operand | str] | None:
    found: list[Operand | str] = []
    position = 0
    while source[position:].strip():
        match = _TOKEN.match(source, position)
        if match is None or (match["word"] and re.match(r"\s*[(\[]", source[match.end() :])):
            return None
        position = match.end()
        if match["word"]:
            word = match["word"]
            if word == "in":
                return None
            found.append(Constant(_CONSTANTS[word]) if word in _CONSTANTS else tuple(word.split(".")))
        elif match["number"]:
            found.append(Constant(float(match["number"])))
        elif match["text"]:
            found.append(Constant(match["text"][1:-1]))
        else:
            found.append(match["compare"] or match["join"])
    return found


def _points(pairs: Sequence[Comparison]) -> list[Point]:
    """Every combination of the values that could make a difference; none when there are too many to try."""
    groups: list[tuple[set[Reference], list[Json]]] = []
    for left, _, right in pairs:
        names = {each for each in (left, right) if not isinstance(each, Constant)}
        values = [each.value for each in (left, right) if isinstance(each, Constant)]
        for group in [group for group in groups if group[0] & names]:
            groups.remove(group)
            names, values = names | group[0], values + group[1]
        groups.append((names, values))
    domains: list[list[tuple[Reference, Json]]] = []
    size = 1
    for names, values in groups:
        domain = _domain(values, len(names))
        size *= max(1, len(domain)) ** len(names)
        if not domain or size > MAX_COMBINATIONS:
            return []
        domains += ([(name, value) for value in domain] for name in sorted(names))
    roots = {reference for group in groups for reference in group[0]}
    if any(one != other and other[: len(one)] == one for one in roots for other in roots):
        return []
    return list(itertools.product(*domains))


def _domain(values: list[Json], names: int) -> list[Json]:
    """The constants and, between and around them, as many points as there are names to order."""
    kinds = {type(value) for value in values if value is not None}
    nothing: list[Json] = [None] if None in values else []
    if len(kinds) > 1:
        return []
    if kinds == {bool}:
        return [True, False, *nothing]
    if kinds == {str}:
        texts = sorted({str(value) for value in values if value is not None})
        return [*texts, ANYTHING_ELSE, *nothing]
    numbers = sorted({float(value) for value in values if isinstance(value, float)})
    edges = [numbers[0] - 1, *numbers, numbers[-1] + 1] if numbers else [0.0, 1.0]
    between = {
        low + (high - low) * step / (names + 1)
        for low, high in itertools.pairwise(edges)
        for step in range(1, names + 1)
    }
    return [*sorted({*between, *edges}, key=_oddness), *nothing]


def _oddness(number: float) -> tuple[bool, bool, float]:
    """Plain numbers first, so that the examples people read are plain."""
    return number < 0, not number.is_integer(), number


def _shown(point: Point) -> str:
    return ", ".join(f"{'.'.join(name)} = {_value(value)}" for name, value in point)


def _value(value: Json) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "anything else" if value == ANYTHING_ELSE else json.dumps(value)
