"""Block Kit, checked as Slack checks it: the JSON Schema, and the rules a schema cannot say."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Literal

from jsonschema import Draft7Validator
from jsonschema.exceptions import ValidationError

from bot.workspace.noticeboard import Json

Surface = Literal["message", "modal", "home"]
CHART = "data_visualization"
MESSAGE_ONLY = frozenset({"markdown", "context_actions", "table", "data_table", "task_card", "plan", CHART})
MARKDOWN_LIMIT = 12_000
"""Characters in all markdown blocks of a message together."""
TABLES_LIMIT = 1
CHARTS_LIMIT = 2
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100


@dataclass(frozen=True, slots=True)
class BlockProblem:
    """One thing wrong with blocks or a view; the pointer is a JSON pointer into what was checked."""

    code: str
    message: str
    pointer: str
    constraint: Any = None

    def as_slack(self) -> Json:
        """As blocks.validate answers it."""
        body: Json = {"code": self.code, "message": self.message, "pointer": self.pointer}
        return body if self.constraint is None else body | {"constraint": self.constraint}

    def sentence(self, root: str = "") -> str:
        """As chat.* and views.* answer it; the root is prefixed to the pointer."""
        return f"{self.message} [json-pointer:{root}{self.pointer}]"


def check_blocks(blocks: Any) -> tuple[BlockProblem, ...]:
    """Problems of a message's blocks; empty when Slack would take them."""
    problems = _by_block(blocks, MESSAGE_BLOCKS, "")
    return problems or tuple(_by_rule(blocks, "message", ""))


def check_view(view: Any) -> tuple[BlockProblem, ...]:
    """Problems of a modal or home view."""
    kind = view.get("type") if isinstance(view, dict) else None
    if kind not in ("modal", "home"):
        return (BlockProblem("enum", "must be one of: modal, home", "/type"),)
    frame = view | {"blocks": []} if "blocks" in view else view
    problems = _by_schema("Surface_modal" if kind == "modal" else "Surface_home", frame)
    problems += _by_block(view.get("blocks", []), VIEW_BLOCKS, "/blocks")
    return problems or (*_by_view_rule(view), *_by_rule(view["blocks"], kind, "/blocks"))


def check_chunks(chunks: Any) -> tuple[BlockProblem, ...]:
    """Problems of the chunks of a streamed message."""
    return _by_schema("Surface_chunks", chunks)


@cache
def _definitions() -> Json:
    folder = files("bot.workspace") / "data"
    definitions: Json = {}
    for name in ("blockkit.schema.json", "chart.schema.json"):
        definitions |= json.loads((folder / name).read_text(encoding="utf-8"))["definitions"]
    return definitions


@cache
def _validator(definition: str) -> Draft7Validator:
    return Draft7Validator({"definitions": _definitions(), "$ref": f"#/definitions/{definition}"})


@cache
def _block_definitions() -> dict[str, str]:
    """Block type to its definition: going there at once spares trying all twenty."""
    choices = _definitions()["KnownBlock"]["allOf"]
    known = {
        one["if"]["properties"]["type"]["const"]: one["then"]["$ref"].rpartition("/")[2] for one in choices
    }
    return known | {CHART: "DataVisualizationBlock"}


def _by_block(blocks: Any, limit: int, root: str) -> tuple[BlockProblem, ...]:
    if not isinstance(blocks, list):
        return (BlockProblem("type", "must provide a value of type array", root, "array"),)
    if len(blocks) > limit:
        return (BlockProblem("maxItems", f"no more than {limit} items allowed", root, limit),)
    return tuple(
        replace(problem, pointer=f"{root}/{place}{problem.pointer}")
        for place, block in enumerate(blocks)
        for problem in _block_problems(json.dumps(block))
    )


@lru_cache(maxsize=4096)
def _block_problems(text: str) -> tuple[BlockProblem, ...]:
    """Problems of one block, as JSON text: an edited message repeats most of its blocks."""
    block = json.loads(text)
    kind = block.get("type") if isinstance(block, dict) else None
    definition = _block_definitions().get(kind) if isinstance(kind, str) else None
    return _by_schema(definition or "KnownBlock", block)


def _by_schema(definition: str, instance: Any) -> tuple[BlockProblem, ...]:
    found = [leaf for error in _validator(definition).iter_errors(instance) for leaf in _leaves(error)]
    return tuple(dict.fromkeys(_problem(error) for error in found))


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """The causes of an error: within a choice, those of the branch whose `type` fits."""
    branches: dict[Any, list[ValidationError]] = {}
    for cause in error.context or ():
        branches.setdefault(cause.relative_schema_path[0], []).append(cause)
    fitting = [causes for causes in branches.values() if not any(_is_about_type(one) for one in causes)]
    if len(fitting) != 1:
        yield error
        return
    for cause in fitting[0]:
        yield from _leaves(cause)


def _is_about_type(error: ValidationError) -> bool:
    wrong_kind = error.validator == "type" and not error.relative_path
    return (
        wrong_kind or list(error.relative_path) == ["type"] or any(map(_is_about_type, error.context or ()))
    )


def _problem(error: ValidationError) -> BlockProblem:
    pointer = "".join(f"/{part}" for part in error.absolute_path)
    keyword, limit = str(error.validator), error.validator_value
    constraint = limit if isinstance(limit, (int, float, str)) else None
    return BlockProblem(keyword, _sentence(keyword, limit, error), pointer, constraint)


def _sentence(keyword: str, limit: Any, error: ValidationError) -> str:
    instance: Any = error.instance
    match keyword:
        case "maxLength":
            return f"must be less than {limit + 1} characters"
        case "minLength":
            return f"must be more than {limit - 1} characters"
        case "maxItems":
            return f"no more than {limit} items allowed"
        case "minItems":
            return f"must have at least {limit} items"
        case "required":
            missing = [name for name in limit if name not in instance]
            return f"missing required field: {', '.join(missing)}"
        case "additionalProperties":
            schema: Any = error.schema
            extra = [name for name in instance if name not in schema.get("properties", {})]
            return f"invalid additional property: {', '.join(extra)}"
        case "enum" | "const":
            choices = limit if isinstance(limit, list) else [limit]
            return f"must be one of: {', '.join(map(str, choices))}"
        case "type":
            return f"must provide a value of type {limit}"
        case _:
            return "failed to match all allowed schemas"


def _by_rule(blocks: Sequence[Json], surface: Surface, root: str) -> Iterator[BlockProblem]:
    yield from _repeats([block.get("block_id") for block in blocks], "block_id", root)
    for place, block in enumerate(blocks):
        pointer = f"{root}/{place}"
        if surface != "message" and block["type"] in MESSAGE_ONLY:
            yield BlockProblem("surface", f"unsupported type: {block['type']}", f"{pointer}/type", surface)
        ids = [element.get("action_id") for element in block.get("elements", ()) if isinstance(element, dict)]
        yield from _repeats(ids, "action_id", f"{pointer}/elements")
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    if markdown > MARKDOWN_LIMIT:
        yield BlockProblem(
            "maxLength",
            f"must be less than {MARKDOWN_LIMIT + 1} characters in all markdown blocks",
            root,
            MARKDOWN_LIMIT,
        )
    if sum(block["type"] == "table" for block in blocks) > TABLES_LIMIT:
        yield BlockProblem("maxItems", "only_one_table_allowed", root, TABLES_LIMIT)
    if sum(block["type"] == CHART for block in blocks) > CHARTS_LIMIT:
        yield BlockProblem("maxItems", f"no more than {CHARTS_LIMIT} charts allowed", root, CHARTS_LIMIT)


def _repeats(ids: Sequence[str | None], name: str, root: str) -> Iterator[BlockProblem]:
    for value, times in Counter(one for one in ids if one).items():
        if times > 1:
            yield BlockProblem("unique", f"{name} already exists: {value}", root, name)


def _by_view_rule(view: Json) -> Iterator[BlockProblem]:
    if len(view.get("external_id", "")) > 255:
        yield BlockProblem("maxLength", "must be less than 256 characters", "/external_id", 255)
    has_input = any(block.get("type") == "input" for block in view["blocks"])
    if view["type"] == "modal" and has_input and not view.get("submit"):
        yield BlockProblem("required", "missing required field: submit", "", "submit")
