"""Pydantic's findings in our words, each at its line."""

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from workflows.reader import Path, Problem, YamlDocument
from workflows.run import Json
from workflows.template import nearest

_SENTENCES: Mapping[str, str] = {
    "missing": "is missing",
    "string_type": "must be text; put quotes around it",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
    "string_too_long": "is longer than {max_length} characters",
    "string_too_short": "is empty",
    "too_long": "has more than {max_length} entries",
    "too_short": "needs at least {min_length} entries",
    "literal_error": "must be {expected}",
    "union_tag_not_found": "needs a `kind`",
    "union_tag_invalid": "has the kind `{tag}`, which does not exist; there is {expected_tags}",
    "value_error": "{error}",
    "string_pattern_mismatch": "may hold only small letters, digits, and - or _ between them",
}
"""Type of finding to the sentence; what is not here is worded where it is raised."""


def problem_of(document: YamlDocument, error: ErrorDetails, model: type[BaseModel], at: Path = ()) -> Problem:
    """One finding, placed in the file. `at` is where the validated part stands."""
    path = _in_file(document.value, (*at, *error["loc"]), len(at))
    if error["type"] == "extra_forbidden":
        known = set(_keys(model, error["loc"]))
        return document.problem(path, f"is not a key here{nearest(str(error['loc'][-1]), known)}")
    template = _SENTENCES.get(error["type"])
    message = template.format(**error.get("ctx", {})) if template else error["msg"]
    if error["type"] == "missing":
        path = (*path, error["loc"][-1])
    return document.problem(path, message)


def _in_file(value: Json, loc: tuple[int | str, ...], known: int) -> Path:
    """The part of a location that is in the file: pydantic adds names of kinds and branches of its own."""
    path: list[int | str] = []
    here: Any = value
    for position, part in enumerate(loc):
        is_there = (
            part in here if isinstance(here, dict) else isinstance(part, int) and isinstance(here, list)
        )
        if is_there:
            here = here[part]
            path.append(part)
        elif position < known:
            break
    return tuple(path)


def _keys(model: type[BaseModel], loc: tuple[int | str, ...]) -> Iterator[str]:
    """The keys that would have been known where an unknown one stands."""
    models = {model}
    for part in loc[:-1]:
        inner = {each for one in models for each in _inner(one, part)}
        models = inner or models
    for one in models:
        yield from (info.alias or name for name, info in one.model_fields.items())


def _inner(model: type[BaseModel], part: int | str) -> Iterator[type[BaseModel]]:
    for name, info in model.model_fields.items():
        if part in (name, info.alias):
            yield from _models(info.annotation)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for each in get_args(annotation):
        yield from _models(each)
