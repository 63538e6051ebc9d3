"""Conditions as people write and read them: `amount over 5000 and label is purchase`, to CEL and back.

What is written in CEL already, with names that exist, is kept as it is. Anything that is neither is refused
with what was not understood. Nothing is guessed: a name that fits two things is asked back.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from workflows.plain_grammar import (
    And,
    Bare,
    Compared,
    Literal,
    Named,
    Node,
    Not,
    Or,
    Token,
    operator_at,
    read_tokens,
)
from workflows.plain_writing import ORDERED, SEARCHES, Guard, emit
from workflows.rules import InvalidCondition, parse_condition
from workflows.table_names import KnownName
from workflows.template import Reference, nearest

SHOWN = 4
"""Names that are listed where one was not understood."""
DEEPEST = 40
"""Brackets and `not` within each other."""


class UnclearCondition(InvalidCondition):
    """The words cannot be read as a condition; the message says which and what would do."""


def to_condition(
    text: str, names: Sequence[KnownName], reads: "Callable[[str, Sequence[KnownName]], Reader] | None" = None
) -> str:
    """The condition in CEL, its words read by `reads`.

    Raises UnclearCondition, and InvalidCondition for broken CEL.
    """
    reads = reads or reader_of
    text = " ".join(text.split())
    if not text:
        raise UnclearCondition("is empty: write when the rule holds, like `amount over 5000`")
    known = {name.reference for name in names}
    roots = {name.reference[0] for name in names}
    try:
        condition = parse_condition(text)
    except InvalidCondition as error:
        return _translated(reads(text, names), error)
    if condition.references and all(
        reference in known or _is_deeper(reference, known, roots) for reference in condition.references
    ):
        return text
    return _translated(reads(text, names), None)


def _is_deeper(reference: Reference, known: Iterable[Reference], roots: Iterable[str]) -> bool:
    """A name of a root we know that is not listed: text, passages and the like, checked with the workflow."""
    first = {each[:2] for each in known}
    return len(reference) > 1 and reference[0] in roots and reference[:2] not in first


def _translated(reader: "Reader", broken: InvalidCondition | None) -> str:
    if reader.strange:
        if broken is not None:
            raise broken
        raise UnclearCondition(f"cannot be read at `{reader.strange}`")
    return parse_condition(emit(reader.whole(), reader.guards())).source


def reader_of(text: str, names: Sequence[KnownName]) -> "Reader":
    """What reads a condition as the form of a decision table takes it."""
    return Reader(read_tokens(text), phrases_of(names), names)


def phrases_of(names: Sequence[KnownName]) -> dict[tuple[str, ...], frozenset[Reference]]:
    """Every way to say each name, in small letters, with what it may mean."""
    found: dict[tuple[str, ...], set[Reference]] = {}
    for name in names:
        for phrase in _ways(name.reference):
            found.setdefault(phrase, set()).add(name.reference)
    return {phrase: frozenset(meant) for phrase, meant in found.items()}


def _ways(reference: Reference) -> set[tuple[str, ...]]:
    """`inputs.amount`: amount, input amount, inputs amount, inputs.amount."""
    root, last = reference[0], tuple(reference[-1].lower().split("_"))
    roots = {tuple(root.lower().split("_"))}
    if root in ("inputs", "parameters"):
        roots.add((root[:-1],))
    dotted = (".".join(reference).lower(),)
    return {last, (reference[-1].lower(),), dotted, *((*each, *last) for each in roots)}


def said(reference: Reference, names: Sequence[KnownName]) -> str:
    """The shortest way to say a name that means nothing else."""
    phrases = phrases_of(names)
    last = tuple(reference[-1].lower().split("_"))
    root = reference[0][:-1] if reference[0] in ("inputs", "parameters") else reference[0]
    for words in (last, (*root.lower().split("_"), *last)):
        if phrases.get(words) == frozenset({reference}):
            return " ".join(words)
    return ".".join(reference)


@dataclass(slots=True)
class Reader:
    """Reads the tokens of one text, left to right."""

    tokens: list[Token]
    phrases: Mapping[tuple[str, ...], frozenset[Reference]]
    names: Sequence[KnownName]
    at: int = 0
    depth: int = 0
    strange: str = field(init=False)
    """A piece that belongs to no condition in words; empty when there is none."""

    def __post_init__(self) -> None:
        self.strange = next((token.text for token in self.tokens if token.kind == "strange"), "")

    def whole(self) -> Node:
        """The tree of the whole text. Raises UnclearCondition."""
        node = self._or()
        if self.at < len(self.tokens):
            left = self.tokens[self.at].text
            raise UnclearCondition(f"has `{left}` where `and`, `or` or the end was expected")
        return node

    def guards(self) -> Mapping[Reference, Guard]:
        """Names that may be missing, which are asked for before they are put in order with another."""
        return {
            name.reference: Guard("null", ORDERED | SEARCHES) for name in self.names if name.may_be_missing
        }

    def _or(self) -> Node:
        parts = [self._and()]
        while self._takes("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _and(self) -> Node:
        parts = [self._not()]
        while self._takes("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _not(self) -> Node:
        if not (self._is("not") or self._is("(")):
            return self._comparison()
        self.depth += 1
        if self.depth > DEEPEST:
            raise UnclearCondition(f"has more than {DEEPEST} brackets within each other")
        inner = self._negated() if self._takes("not") else self._bracketed()
        self.depth -= 1
        return inner

    def _negated(self) -> Node:
        return Not(self._not())

    def _bracketed(self) -> Node:
        self.at += 1
        inner = self._or()
        if not self._takes(")"):
            raise UnclearCondition("has a bracket that is never closed")
        return inner

    def _comparison(self) -> Node:
        return self._compared(self._operand(None))

    def _compared(self, left: Literal | Named) -> Node:
        operator, length = operator_at(self.tokens, self.at)
        if not operator:
            return Bare(self._yes_or_no(left))
        self._beware(left, length)
        self.at += length
        if operator in ("missing", "known"):
            return Compared(left, "==" if operator == "missing" else "!=", Literal("null"))
        right = self._operand(left)
        if operator in SEARCHES:
            return Compared(left, operator, right)
        node: Node = Compared(left, operator, right)
        if operator == "==" and isinstance(left, Named):
            node = self._alternatives(left, node)
        return node

    def _yes_or_no(self, side: Literal | Named) -> Named:
        """Only a name that is yes or no can stand alone."""
        if isinstance(side, Literal):
            raise UnclearCondition(f"has {side} where a comparison was expected, like `amount over 5000`")
        kind = next((name.kind for name in self.names if name.reference == side.reference), "")
        if kind in ("number", "text"):
            raise UnclearCondition(f"does not say what “{said(side.reference, self.names)}” should be")
        return side

    def _beware(self, left: Literal | Named, length: int) -> None:
        """`is not covered`, where both `covered` and `not_covered` are values, is asked back."""
        words = [token.text.lower() for token in self.tokens[self.at : self.at + length]]
        if words != ["is", "not"] or not isinstance(left, Named):
            return
        first, _ = self._choice(left, self.at + 1)
        second, _ = self._choice(left, self.at + length)
        if first:
            other = f' or is not "{second}"' if second else ""
            raise UnclearCondition(f'may mean is "{first}"{other}: put the value in quotes')

    def _alternatives(self, left: Named, first: Node) -> Node:
        """`label is payroll or expenses`: the name is not said again."""
        parts = [first]
        while self._is("or") and self._word_of(left, self.at + 1):
            self.at += 1
            parts.append(Compared(left, "==", self._operand(left)))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _operand(self, beside: Literal | Named | None) -> Literal | Named:
        if self.at >= len(self.tokens):
            raise UnclearCondition("ends where a name or a value was expected")
        token = self.tokens[self.at]
        if token.kind in ("number", "text", "constant"):
            self.at += 1
            return Literal(token.text)
        if isinstance(beside, Named):
            word, length = self._choice(beside, self.at)
            if word:
                self.at += length
                return Literal(f'"{word}"')
        if token.kind == "word":
            return self._name(beside)
        raise UnclearCondition(f"has `{token.text}` where a name or a value was expected")

    def _name(self, beside: Literal | Named | None) -> Named:
        for length in range(min(6, len(self.tokens) - self.at), 0, -1):
            part = self.tokens[self.at : self.at + length]
            meant = self.phrases.get(tuple(token.text.lower() for token in part))
            if meant and all(token.kind == "word" for token in part):
                self.at += length
                return Named(self._only(" ".join(token.text for token in part), meant))
        raise UnclearCondition(self._unknown(self.tokens[self.at].text, beside))

    def _only(self, words: str, meant: frozenset[Reference]) -> Reference:
        if len(meant) == 1:
            return next(iter(meant))
        both = " or ".join(f"`{'.'.join(each)}`" for each in sorted(meant))
        raise UnclearCondition(f"“{words}” may mean {both}: write the one you mean")

    def _unknown(self, word: str, beside: Literal | Named | None) -> str:
        choices = self._choices(beside)
        if choices:
            return f"“{word}” is none of its values: {', '.join(choices)}"
        hint = nearest(word, {" ".join(phrase) for phrase in self.phrases})
        if "did you mean" not in hint:
            some = sorted({said(name.reference, self.names) for name in self.names})[:SHOWN]
            hint = f"; there is {', '.join(f'`{each}`' for each in some)} and more" if some else ""
        quotes = f'; a word stands in quotes: "{word}"' if beside is not None else ""
        return f"there is no “{word}”{hint or ''}{quotes}"

    def _choices(self, beside: Literal | Named | None) -> tuple[str, ...]:
        if not isinstance(beside, Named):
            return ()
        return next((name.choices for name in self.names if name.reference == beside.reference), ())

    def _choice(self, beside: Named, at: int) -> tuple[str, int]:
        """A value of the name beside it, written without quotes; "" when there is none."""
        for choice in sorted(self._choices(beside), key=len, reverse=True):
            words = (
                [choice.lower()] if "_" not in choice else [choice.lower(), choice.lower().replace("_", " ")]
            )
            for said_as in words:
                parts = said_as.split()
                tokens = [token.text.lower() for token in self.tokens[at : at + len(parts)]]
                if tokens == parts:
                    return choice, len(parts)
        return "", 0

    def _word_of(self, left: Named, at: int) -> bool:
        if at >= len(self.tokens):
            return False
        _, length = self._choice(left, at)
        size = length or (1 if self.tokens[at].kind in ("text", "number") else 0)
        return bool(size) and not operator_at(self.tokens, at + size)[0]

    def _is(self, what: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].is_(what)

    def _takes(self, what: str) -> bool:
        found = self._is(what)
        self.at += found
        return found
