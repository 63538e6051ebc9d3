"""Conditions as people say them, as CEL over the names a workflow declares: "the amount is over 5000".

One reader takes both (workflows/plain_conditions.py). A sentence says more loosely what it means: articles,
currencies, "it is a purchase", words without quotes, and a name that two steps share. Pure.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence

from bot.governance.vocabulary import nearest_of
from workflows.decision_tables import table_steps
from workflows.plain_conditions import Reader, phrases_of, to_condition
from workflows.plain_conditions import UnclearCondition as Unreadable
from workflows.plain_grammar import Either, Literal, Named, Node, operator_at, read_tokens
from workflows.plain_writing import ORDERED, SEARCHES, Guard
from workflows.rules import InvalidCondition, parse_condition
from workflows.steps.classify import ClassifyStep
from workflows.table_names import KnownName, names_for
from workflows.template import Reference
from workflows.workflow import Workflow

MAX_COMPARISONS = 6
_JOIN = re.compile(r"\s(?:and|or|&&|\|\|)\s", re.IGNORECASE)
_QUOTED = re.compile(r"(\"[^\"]*\")")
_FLAGS: Mapping[str, str] = {"on": "true", "off": "false"}
_CURRENCY = r"(?:[€$£]|\b(?:eur|euros?|usd|dollars?|gbp|pounds?|cad)\b)"
_NUMBER = re.compile(
    rf"{_CURRENCY}?\s*(?<![\w.])(-?\d{{1,3}}(?:[, ']\d{{3}})+|-?\d{{1,15}})(\.\d{{1,6}})?"
    rf"\s?(k\b|%)?(?:\s*{_CURRENCY})?",
    re.IGNORECASE,
)
_DOTTED = r"(?<![\w.,])(\d{1,3}(?:\.\d{3})+)(?:,\d{2})?(?![\d.,]\d|\d)"
_DOTTED_MONEY = re.compile(rf"(?:{_CURRENCY}\s*){_DOTTED}|{_DOTTED}(?=\s*{_CURRENCY})", re.IGNORECASE)
"""Money has no third decimal, so that the points of `5.000 €` part thousands."""
_WRITTEN_TEXT = re.compile(r"(?<!\S)(?:[\w.+-]+@[\w.-]+\w|\d{4}-\d\d?-\d\d?)(?!\S)")
"""An address or a date, which is text also without quotes."""
_LEFT_OUT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\bisn['’]t\b", re.IGNORECASE), "is not"),
    (re.compile(r"(?<![\w.])(?:the|a|an|its|their|his|her|this|total)\s+(?=\w)", re.IGNORECASE), ""),
    (re.compile(r"(?:\bis )?(-?\b[\d.]+) or (?:more|above|over)\b", re.IGNORECASE), r"is at least \1"),
    (re.compile(r"(?:\bis )?(-?\b[\d.]+) or (?:less|below|under)\b", re.IGNORECASE), r"is at most \1"),
)


class UnclearCondition(Exception):
    """The words name nothing that the workflow declares, or compare it with what it cannot be."""

    def __init__(self, said: str, why: str) -> None:
        super().__init__(said)
        self.why = why
        self.facts = {"said": said, "why": why}


def condition_of(said: str, workflow: Workflow) -> str:
    """The condition in CEL. Raises UnclearCondition."""
    said = said.strip().removesuffix(",").strip()
    if len(_JOIN.findall(said)) >= MAX_COMPARISONS:
        raise UnclearCondition(said, "that is more than I can read at once")
    why = "this workflow decides nothing by rules"
    for reads in (None, _speech_of(workflow)):
        for step in table_steps(workflow):
            try:
                found = to_condition(said, names_for(workflow, step), reads)
            except InvalidCondition as error:
                why = _why(error)
                continue
            if parse_condition(found).references:
                return found
            why = "it compares nothing that this workflow knows"
    raise UnclearCondition(said, why)


def _why(error: InvalidCondition) -> str:
    if not isinstance(error, Unreadable):
        return "it cannot be read as a condition"
    return f"{error}" if f"{error}".startswith(("“", '"', "there ")) else f"it {error}"


def concerns(said: str, workflow: Workflow) -> bool:
    """Whether the words can be read as a condition of this workflow."""
    try:
        condition_of(said, workflow)
    except UnclearCondition:
        return False
    return True


def _speech_of(workflow: Workflow) -> Callable[[str, Sequence[KnownName]], Reader]:
    called = _called(workflow)

    def speech(text: str, names: Sequence[KnownName]) -> Reader:
        phrases = dict(phrases_of(names))
        for words, reference in called:
            if any(name.reference == reference for name in names):
                phrases[words] = phrases.get(words, frozenset()) | {reference}
        return _Speech(read_tokens(_tidied(text)), phrases, names)

    return speech


def _called(workflow: Workflow) -> list[tuple[tuple[str, ...], Reference]]:
    """What people call things beside their names: the label of an input, and `it` for what was sorted."""
    found = [
        (tuple(each.label.split(",")[0].casefold().split()), ("inputs", name))
        for name, each in workflow.inputs.items()
    ]
    for step in workflow.steps:
        if isinstance(step, ClassifyStep):
            words = ("kind", "kind of request", "request", "it", "category", step.id.replace("_", " "))
            found += [(tuple(each.casefold().split()), (step.id, "label")) for each in words]
            found.append((("certainty",), (step.id, "confidence")))
        if step.kind == "retrieve":
            found += [(words, (step.id, "count")) for words in (("passages",), ("number", "of", "passages"))]
    return [(words, reference) for words, reference in found if words]


def _tidied(text: str) -> str:
    """The same without articles and currencies, numbers plain; what stands in quotes stays."""
    text = _WRITTEN_TEXT.sub(r'"\g<0>"', text.replace("“", '"').replace("”", '"'))
    return "".join(piece if piece.startswith('"') else f" {_tidy(piece)} " for piece in _QUOTED.split(text))


def _tidy(text: str) -> str:
    text = plain_numbers(text)
    for pattern, instead in _LEFT_OUT:
        text = pattern.sub(instead, text)
    return text


def plain_numbers(text: str) -> str:
    """The same with each number as digits: `€5,000`, `5.000 €` and `5k` are 5000, `40%` is 0.4."""
    text = _DOTTED_MONEY.sub(lambda found: (found[1] or found[2]).replace(".", ""), text)
    return " ".join(_NUMBER.sub(_plain_number, text).split())


def _plain_number(found: re.Match[str]) -> str:
    value = float(re.sub(r"[, ']", "", found[1]) + (found[2] or ""))
    value = value * 1000 if found[3] in ("k", "K") else value / 100 if found[3] == "%" else value
    # the blanks around it may have been taken for those around a currency
    return f" {value:.0f} " if value.is_integer() else f" {value:g} "


class _Speech(Reader):
    """Reads what is said rather than written: of several names one word may mean, each is compared."""

    __slots__ = ("last",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.last: Sequence[Reference] = ()

    def guards(self) -> Mapping[Reference, Guard]:
        """As in a form, for every comparison; a default below a limit would hold when nobody gave a value."""
        every = ORDERED | SEARCHES | {"==", "!="}
        below = {
            name.reference: Guard(name.default, frozenset({"<", "<="})) for name in self.names if name.default
        }
        missing = {name.reference: Guard("null", every) for name in self.names if name.may_be_missing}
        return below | missing

    def _comparison(self) -> Node:
        if not (self.last and operator_at(self.tokens, self.at)[0]):
            self.last = self._subjects()
        start = self.at
        parts = tuple(self._compared_from(start, Named(reference)) for reference in self.last)
        return parts[0] if len(parts) == 1 else Either(parts)

    def _compared_from(self, start: int, left: Named) -> Node:
        self.at = start
        return self._compared(left)

    def _subjects(self) -> Sequence[Reference]:
        """Every name that the words may mean, in the order they are declared in; else the nearest one."""
        start = self.at
        for length in range(min(6, len(self.tokens) - start), 0, -1):
            words = tuple(token.text.lower() for token in self.tokens[start : start + length])
            meant = self.phrases.get(words)
            if meant:
                self.at += length
                return [name.reference for name in self.names if name.reference in meant]
        end = next(
            (i for i in range(start, len(self.tokens)) if operator_at(self.tokens, i)[0]), len(self.tokens)
        )
        likely = " ".join(token.text for token in self.tokens[start:end])
        near = nearest_of(likely, [" ".join(phrase) for phrase in self.phrases])
        if len(near) != 1:
            self._operand(None)
            raise Unreadable(f"has `{likely}` where a name was expected")
        self.at = end
        return sorted(self.phrases[tuple(near[0].split(" "))])

    def _operand(self, beside: Literal | Named | None) -> Literal | Named:
        """As written, or a word without quotes where the name takes any text."""
        start = self.at
        try:
            found = super()._operand(beside)
        except Unreadable:
            self.at = start
            value = self._unquoted(beside) if isinstance(beside, Named) else ""
            if not value:
                raise
            return Literal(value)
        if isinstance(found, Literal) and isinstance(beside, Named):
            self._check(beside, found)
        return found

    def _check(self, name: Named, value: Literal) -> None:
        """A number takes a number, and what has choices one of them."""
        known = self._known(name)
        if known.kind == "number" and value.source.startswith('"'):
            raise Unreadable(f"{value} is not a number, which `{name}` needs")
        if known.choices and value.source.strip('"') not in (*known.choices, "null"):
            raise Unreadable(f"{value} is none of {', '.join(known.choices)}, which `{name}` needs")

    def _known(self, name: Named) -> KnownName:
        return next(each for each in self.names if each.reference == name.reference)

    def _unquoted(self, beside: Named) -> str:
        name = self._known(beside)
        end = next(
            (i for i in range(self.at, len(self.tokens)) if self.tokens[i].kind == "join"), len(self.tokens)
        )
        words = " ".join(token.text for token in self.tokens[self.at : end])
        self.at = end
        if name.kind == "yes or no":
            return _FLAGS.get(words.lower(), "")
        if name.choices:
            near = nearest_of(words, name.choices)
            return json.dumps(near[0], ensure_ascii=False) if len(near) == 1 else ""
        return json.dumps(words, ensure_ascii=False) if name.kind == "text" and words else ""
