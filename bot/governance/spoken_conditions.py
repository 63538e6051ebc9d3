"""Conditions as people say them, as CEL over the names a workflow declares: "the amount is over 5000".

What the form of a decision table reads is read the same here (workflows/plain_conditions.py). A sentence says
more loosely what it means: articles, currencies, "it is a purchase", and a name that two steps share. Pure.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.governance.vocabulary import nearest_of
from workflows.decision_tables import table_steps
from workflows.inputs import Input
from workflows.plain_conditions import to_condition
from workflows.rules import InvalidCondition, parse_condition
from workflows.steps.classify import ClassifyStep
from workflows.steps.extract import ExtractStep
from workflows.steps.retrieve import RetrieveStep
from workflows.table_names import names_for
from workflows.workflow import Workflow

MAX_CLAUSES = 6
_NUMERIC = frozenset({"number", "integer", "amount"})
_JOIN = re.compile(r"\s+(and|or|&&|\|\|)\s+", re.IGNORECASE)
_OPERATORS: tuple[tuple[str, str], ...] = (
    (r"is not less than|is no less than|is at least|at least|>=|≥", ">="),
    (r"is not more than|is no more than|is at most|is up to|at most|up to|<=|≤", "<="),
    (
        r"is (?:over|above|more than|greater than|higher than|larger than|bigger than)|exceeds|goes over"
        r"|over|above|more than|greater than|>",
        ">",
    ),
    (r"is (?:under|below|less than|lower than|smaller than)|goes below|under|below|less than|<", "<"),
    (r"contains|mentions", "contains"),
    (r"is not|isn't|!=", "!="),
    (r"is equal to|equals|is|==|=", "=="),
)
_ANY = re.compile("|".join(f"(?:(?<=\\s)(?:{words})(?=\\s))" for words, _ in _OPERATORS), re.IGNORECASE)
_ORMORE = re.compile(r"\s+or\s+(more|above|over|less|below|under)$", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?:[€$£]|eur|usd|gbp|cad)?\s*(-?\d{1,3}(?:[, ']\d{3})+|-?\d{1,15})(\.\d{1,6})?\s*(k|%)?\s*"
    r"(?:[€$£]|eur|euros?|usd|dollars?|gbp|pounds?|cad)?",
    re.IGNORECASE,
)


class UnclearCondition(Exception):
    """The words name nothing that the workflow declares, or compare it with what it cannot be."""

    def __init__(self, said: str, why: str) -> None:
        super().__init__(said)
        self.why = why
        self.facts = {"said": said, "why": why}


@dataclass(frozen=True, slots=True)
class Subject:
    """A name that conditions may use."""

    reference: str
    kind: str
    words: tuple[str, ...]
    """What people call it."""
    choices: tuple[str, ...] = ()
    absent: str = ""
    """How it reads when nobody gave it: null, or the default of an optional number; empty for never."""


def condition_of(said: str, workflow: Workflow) -> str:
    """The condition in CEL. Raises UnclearCondition."""
    said = said.strip().removesuffix(",").strip()
    written = _as_in_a_form(said, workflow)
    if written:
        return written
    pieces = _JOIN.split(_ORMORE.sub(r" or-\1", said))
    if len(pieces) > 2 * MAX_CLAUSES:
        raise UnclearCondition(said, "that is more than I can read at once")
    subjects, found, last = subjects_of(workflow), list[str](), ""
    for position, piece in enumerate(pieces):
        if position % 2:
            found.append("||" if piece.lower() in ("or", "||") else "&&")
            continue
        clause, last = _clause(piece, subjects, workflow, last)
        found.append(f"({clause})" if len(pieces) > 1 and "||" in clause else clause)
    return " ".join(found)


def concerns(said: str, workflow: Workflow) -> bool:
    """Whether the words can be read as a condition of this workflow."""
    try:
        condition_of(said, workflow)
    except UnclearCondition:
        return False
    return True


def subjects_of(workflow: Workflow) -> tuple[Subject, ...]:
    """Everything that a condition may compare."""
    return (*_given(workflow), *_made(workflow))


def _given(workflow: Workflow) -> Iterator[Subject]:
    for name, each in workflow.inputs.items():
        words = (_spaced(name), each.label.split(",")[0].casefold())
        yield Subject(f"inputs.{name}", each.kind, words, tuple(each.choices), _absent(each))


def _absent(given: Input) -> str:
    if given.required:
        return ""
    if given.default is None:
        return "null"
    is_number = given.kind in ("number", "integer") and not isinstance(given.default, bool | str)
    return f"{given.default:g}" if is_number else ""


def _made(workflow: Workflow) -> Iterator[Subject]:
    for step in workflow.steps:
        if isinstance(step, ExtractStep):
            for name, row in step.fields.items():
                reference = f"{step.id}.fields.{name}"
                yield Subject(reference, row.kind, (_spaced(name),), tuple(row.choices), "null")
        elif isinstance(step, ClassifyStep):
            kinds = ("label", "kind", "kind of request", "request", "it", "category", _spaced(step.id))
            yield Subject(f"{step.id}.label", "choice", kinds, tuple(step.labels))
            yield Subject(f"{step.id}.confidence", "number", ("confidence", "certainty"))
        elif isinstance(step, RetrieveStep):
            yield Subject(f"{step.id}.support", "number", ("support",))
            yield Subject(f"{step.id}.count", "integer", ("count", "passages", "number of passages"))


def _as_in_a_form(said: str, workflow: Workflow) -> str:
    """The words as the form of a decision table reads them, CEL included; "" when it asks back."""
    for step in table_steps(workflow):
        try:
            found = to_condition(said, names_for(workflow, step))
            if parse_condition(found).references:
                return found
        except InvalidCondition:
            continue
    return ""


def _clause(piece: str, subjects: tuple[Subject, ...], workflow: Workflow, last: str) -> tuple[str, str]:
    """One comparison as CEL, and what it is about, for a following "and under 900"."""
    ending = re.search(r" or-(more|above|over|less|below|under)$", piece, re.IGNORECASE)
    bare = piece[: ending.start()] if ending else piece
    place = _ANY.search(f" {bare} ")
    if place is None:
        return _flag(bare, subjects), last
    left, right = bare[: max(place.start() - 1, 0)].strip(), bare[place.end() - 1 :].strip()
    operator = next(sign for words, sign in _OPERATORS if re.fullmatch(words, place[0], re.IGNORECASE))
    if ending:
        operator = ">=" if ending[1].lower() in ("more", "above", "over") else "<="
    named = left or last
    found = _named(named, subjects)
    if not found:
        raise UnclearCondition(piece, f"“{named}” is nothing that this workflow knows: {_known(subjects)}")
    values = [_comparison(each, operator, right, workflow) for each in found]
    return " || ".join(values), named


def _flag(piece: str, subjects: tuple[Subject, ...]) -> str:
    found = [each for each in _named(piece, subjects) if each.kind == "boolean"]
    if not found:
        raise UnclearCondition(piece, f"I can compare {_known(subjects)} with a value, as in “is over 5000”")
    return found[0].reference


def _named(words: str, subjects: tuple[Subject, ...]) -> tuple[Subject, ...]:
    """What is called so: what is given and what is read out of the text may both be."""
    likely = re.sub(r"^(?:the|a|an|its|their|his|her|this|total)\s+", "", words.strip().casefold())
    by_reference = tuple(each for each in subjects if each.reference == likely)
    exact = by_reference or tuple(each for each in subjects if likely in each.words)
    if exact:
        return exact
    near = nearest_of(likely, tuple(dict.fromkeys(each.words[0] for each in subjects)))
    return tuple(each for each in subjects if len(near) == 1 and each.words[0] == near[0])


def _comparison(subject: Subject, operator: str, said: str, workflow: Workflow) -> str:
    value = _value(subject, said, workflow)
    name = subject.reference
    is_search = operator == "contains"
    compared = f"{name}.contains({value})" if is_search else f"{name} {operator} {value}"
    # a default below the limit would hold whenever nobody gave a value
    is_guarded = subject.absent == "null" or (subject.absent and operator in ("<", "<="))
    return f"{name} != {subject.absent} && {compared}" if is_guarded else compared


def _value(subject: Subject, said: str, workflow: Workflow) -> str:
    if subject.kind in _NUMERIC:
        return _number(said) or _parameter(said, workflow) or _refuse(subject, said, "a number")
    if subject.kind == "boolean":
        flags = {"yes": "true", "true": "true", "on": "true", "no": "false", "false": "false", "off": "false"}
        return flags.get(said.strip().casefold(), "") or _refuse(subject, said, "yes or no")
    if subject.choices:
        found = nearest_of(said, subject.choices)
        if len(found) != 1:
            _refuse(subject, said, f"one of {', '.join(subject.choices)}")
        return json.dumps(found[0], ensure_ascii=False)
    return json.dumps(said.strip().strip('"“”'), ensure_ascii=False)


def _refuse(subject: Subject, said: str, wanted: str) -> str:
    raise UnclearCondition(said, f"“{said}” is not {wanted}, which `{subject.reference}` needs")


def _number(said: str) -> str:
    found = _NUMBER.fullmatch(said.strip())
    if found is None:
        return ""
    value = float(re.sub(r"[, ']", "", found[1]) + (found[2] or ""))
    value = value * 1000 if found[3] in ("k", "K") else value / 100 if found[3] == "%" else value
    return f"{value:.0f}" if value.is_integer() else f"{value:g}"


def _parameter(said: str, workflow: Workflow) -> str:
    found = nearest_of(said, tuple(workflow.parameters))
    numeric = [name for name in found if workflow.parameters[name].kind in ("number", "integer")]
    return f"parameters.{numeric[0]}" if len(numeric) == 1 else ""


def _known(subjects: tuple[Subject, ...]) -> str:
    names = list(dict.fromkeys(each.words[0] for each in subjects))
    return ", ".join(names[:12]) or "nothing"


def _spaced(name: str) -> str:
    return name.replace("_", " ").casefold()
