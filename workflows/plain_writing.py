"""Conditions read from words, written in CEL; what may be missing is asked for before it is compared."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from workflows.plain_grammar import And, Bare, Compared, Either, Literal, Named, Node, Not, Or
from workflows.template import Reference

ORDERED = frozenset({"<", "<=", ">", ">="})
SEARCHES = frozenset({"contains", "startsWith", "endsWith"})


@dataclass(frozen=True, slots=True)
class Guard:
    """What a name holds when nobody gave it, and the operators that must not be tried on that."""

    absent: str
    operators: frozenset[str]


Guards: TypeAlias = Mapping[Reference, Guard]


def emit(node: Node, guards: Guards, known: frozenset[Reference] = frozenset()) -> str:
    """The node in CEL. A name that may be missing is asked for before it is compared."""
    if isinstance(node, Either):
        return " || ".join(emit(part, guards, known) for part in node.parts)
    if isinstance(node, Or):
        return " || ".join(_disjuncts(node.parts, guards, known))
    if isinstance(node, And):
        return " && ".join(_conjuncts(node.parts, guards, known))
    if isinstance(node, Not):
        inner = emit(node.part, guards, known)
        return f"!({inner})" if not isinstance(node.part, Bare) else f"!{inner}"
    return " && ".join(_conjuncts((node,), guards, known))


def _disjuncts(parts: Iterable[Node], guards: Guards, known: frozenset[Reference]) -> Iterator[str]:
    for part in parts:
        yield _inside(part, guards, known)
        # what is missing was taken care of by the part before
        if isinstance(part, Compared) and part.operator == "==" and part.right == Literal("null"):
            known |= {part.left.reference} if isinstance(part.left, Named) else frozenset()


def _inside(node: Node, guards: Guards, known: frozenset[Reference]) -> str:
    text = emit(node, guards, known)
    return f"({text})" if "&&" in text or "||" in text else text


def _conjuncts(parts: Iterable[Node], guards: Guards, known: frozenset[Reference]) -> list[str]:
    found: list[str] = []
    for part in parts:
        if isinstance(part, Compared):
            for name in _needed(part, guards, known):
                found.append(f"{'.'.join(name)} != {guards[name].absent}")
                known |= {name}
            is_true = part.operator == "==" and part.right == Literal("true")
            found.append(str(part.left) if is_true else str(part))
            if part.operator == "!=" and isinstance(part.left, Named) and str(part.right) == "null":
                known |= {part.left.reference}
        elif isinstance(part, Bare):
            found.append(str(part))
        elif isinstance(part, Not):
            found.append(emit(part, guards, known))
        else:
            found.append(_inside(part, guards, known))
    return found


def _needed(part: Compared, guards: Guards, known: frozenset[Reference]) -> list[Reference]:
    """Names to ask for first; a comparison with null asks by itself."""
    sides = [side.reference for side in (part.left, part.right) if isinstance(side, Named)]
    if part.right == Literal("null"):
        return []
    return [
        name
        for name in dict.fromkeys(sides)
        if name in guards and name not in known and part.operator in guards[name].operators
    ]
