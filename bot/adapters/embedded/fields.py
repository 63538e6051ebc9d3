"""Picking dates, amounts, ids, e-mail addresses, numbers and listed values out of a text by their shapes."""

import re
from calendar import month_name
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from knowledge.words import content_words
from workflows.ports import FieldSpec
from workflows.run import Json
from workflows.steps.extract import LARGEST, MAGNITUDES, scaled

NEAR = 8
"""Words within which a description's word speaks for a value."""

_MONTHS = tuple(name.lower() for name in month_name[1:])
_MONTH = "|".join(rf"{name}|{name[:3]}" for name in _MONTHS)
_ISO = re.compile(r"\b(?P<y>\d{4})-(?P<m>\d{2})-(?P<d>\d{2})\b")
_DAY_FIRST = re.compile(
    rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?(?: of)? (?P<m>{_MONTH})\.?,? (?P<y>\d{{4}})\b", re.IGNORECASE
)
_MONTH_FIRST = re.compile(
    rf"\b(?P<m>{_MONTH})\.? (?P<d>\d{{1,2}})(?:st|nd|rd|th)?,? (?P<y>\d{{4}})\b", re.IGNORECASE
)
_DOTTED = re.compile(r"\b(?P<d>\d{1,2})[./](?P<m>\d{1,2})[./](?P<y>\d{4})\b")
_CURRENCY = r"(?:EUR|USD|GBP|CAD|CHF|euros?|dollars?|pounds?|€|\$|£)"
_FIGURE = r"0[.,]\d+|\d{1,3}(?:[ ,.'\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d+(?:[.,]\d{1,2})?"
_AMOUNT = re.compile(
    rf"{_CURRENCY}\s?(?P<a>{_FIGURE})(?:\s?(?P<ak>{MAGNITUDES})(?!\w))?"
    rf"|(?<![\w.,-])(?P<b>{_FIGURE})(?:\s?(?P<bk>{MAGNITUDES}))?\s?{_CURRENCY}",
    re.IGNORECASE,
)
_ID = re.compile(
    r"(?<![\w@.-])"
    r"(?:#\d{3,}|[A-Z]{1,6}(?:[-/][A-Z]{1,6})*[-/]?\d{2,}(?:[-/]\d+)*|[A-Z]{2,6} \d{3,})"
    r"(?![\w@-])"
)
_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_NUMBER = re.compile(r"(?<![\w.,#/-])-?\d+(?:[.,]\d+)?(?![\w/-]|[.,]\d)")
_TOTAL = re.compile(r"\b(?:total|altogether|in all|sum|overall)\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class _Found:
    value: Json
    start: int
    end: int


def extract(text: str, fields: Mapping[str, FieldSpec]) -> dict[str, Json]:
    """A value or None for every field; nothing is guessed that does not stand in the text."""
    return {name: _pick(text, name, spec) for name, spec in fields.items()}


def _pick(text: str, name: str, spec: FieldSpec) -> Json:
    found = list(_FINDERS[spec.kind](text, spec)) if spec.kind in _FINDERS else []
    if not found:
        return None
    wanted = set(content_words(f"{name.replace('_', ' ')} {spec.description}"))
    by_closeness = [_closeness(text, each, wanted) for each in found]
    if spec.kind in ("number", "integer") and max(by_closeness) == 0:
        return None  # a bare number says nothing about what it counts
    return found[by_closeness.index(max(by_closeness))].value


def _closeness(text: str, found: _Found, wanted: set[str]) -> float:
    """How near the description's words stand, the ones before the value counting in full."""
    before = _WORD.findall(re.split(r"[.;!?]\s|\n", text[: found.start])[-1])[-NEAR:][::-1]
    after = _WORD.findall(re.split(r"[,.;!?]\s|\n", text[found.end :], maxsplit=1)[0])[:NEAR]
    score = 0.0
    for side, weight in ((before, 1.0), (after, 0.8)):
        for distance, word in enumerate(side):
            if set(content_words(word)) & wanted or (_TOTAL.match(word) and "total" in wanted):
                score += weight / (1 + distance)
    return score


def _dates(text: str, _: FieldSpec) -> Iterator[_Found]:
    for pattern in (_ISO, _DAY_FIRST, _MONTH_FIRST, _DOTTED):
        for match in pattern.finditer(text):
            month = match["m"].lower()
            number = int(month) if month.isdigit() else 1 + [m[:3] for m in _MONTHS].index(month[:3])
            try:
                value = date(int(match["y"]), number, int(match["d"]))
            except ValueError:
                continue
            yield _Found(value.isoformat(), *match.span())


def _amounts(text: str, _: FieldSpec) -> Iterator[_Found]:
    for match in _AMOUNT.finditer(text):
        figure, magnitude = match["a"] or match["b"], match["ak"] or match["bk"]
        if magnitude:
            # nobody groups digits before `million`: 1.255 million is a little more than one
            plain = re.fullmatch(r"\d+\.\d+", figure)
            value = scaled(float(figure) if plain else as_number(figure), magnitude)
        else:
            value = as_number(figure)
        yield from _figure(value, match)


def _ids(text: str, _: FieldSpec) -> Iterator[_Found]:
    for match in _ID.finditer(text):
        yield _Found(match[0], *match.span())


def _emails(text: str, _: FieldSpec) -> Iterator[_Found]:
    for match in _EMAIL.finditer(text):
        yield _Found(match[0].rstrip("."), *match.span())


def _numbers(text: str, spec: FieldSpec) -> Iterator[_Found]:
    for match in _NUMBER.finditer(text):
        value = as_number(match[0])
        if spec.kind == "number" or value.is_integer():
            yield from _figure(value, match)


def _figure(value: float, match: re.Match[str]) -> Iterator[_Found]:
    if abs(value) < LARGEST:
        yield _Found(int(value) if value.is_integer() else value, *match.span())


def _choices(text: str, spec: FieldSpec) -> Iterator[_Found]:
    for choice in spec.choices:
        # a sign such as £ stands right before its figure
        before, after = (
            r"(?<!\w)" if choice[:1].isalnum() else "",
            r"(?!\w)" if choice[-1:].isalnum() else "",
        )
        named = re.escape(choice).replace("_", "[ _-]")
        pattern = re.compile(f"{before}{named}{after}", re.IGNORECASE)
        for match in pattern.finditer(text):
            yield _Found(choice, *match.span())


_FINDERS: Mapping[str, Callable[[str, FieldSpec], Iterator[_Found]]] = {
    "date": _dates,
    "amount": _amounts,
    "id": _ids,
    "email": _emails,
    "number": _numbers,
    "integer": _numbers,
    "choice": _choices,
}


def as_number(figure: str) -> float:
    """A figure as people write it: the last separator is a decimal sign unless three digits follow it.

    Nothing is grouped behind a nought: 0,125 is an eighth.
    """
    digits = re.sub(r"[ '\u00a0\u202f]", "", figure)
    last = max(digits.rfind("."), digits.rfind(","))
    if last >= 0 and (len(digits) - last - 1 != 3 or re.fullmatch(r"-?0[.,]\d+", digits)):
        return float(re.sub(r"[.,]", "", digits[:last]) + "." + digits[last + 1 :])
    return float(re.sub(r"[.,]", "", digits))


def spec_of(schema: Mapping[str, Json]) -> FieldSpec:
    """The field that a property of a JSON Schema stands for; text where its shape says nothing."""
    listed = schema.get("enum")
    choices = tuple(c for c in listed if isinstance(c, str)) if isinstance(listed, list) else ()
    kinds = schema.get("type")
    kind = next((k for k in (kinds if isinstance(kinds, list) else [kinds]) if k != "null"), None)
    described = str(schema.get("description", ""))
    if choices:
        return FieldSpec("choice", described, choices=choices)
    if kind == "integer":
        return FieldSpec("integer", described)
    if kind == "number":
        return FieldSpec("number", described)
    if schema.get("format") in ("date", "email"):
        return FieldSpec("date" if schema["format"] == "date" else "email", described)
    return FieldSpec("text", described)


def may_be_null(schema: Mapping[str, Json]) -> bool:
    """Whether a JSON Schema allows null."""
    kinds, listed = schema.get("type"), schema.get("enum")
    return (
        kinds == "null"
        or (isinstance(kinds, list) and "null" in kinds)
        or (isinstance(listed, list) and None in listed)
    )
