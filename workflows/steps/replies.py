"""From a model's reply to JSON that keeps its schema: read it, and once ask for a repair."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from workflows.ports import Message, ModelError, ModelReply, ModelRequest
from workflows.run import Json, Usage
from workflows.steps.base import AskingStep, StepContext

MAX_REPLY = 200_000
MAX_SCHEMA_DEPTH = 12
# fmt: off
_KEYWORDS = frozenset({
    "type", "title", "description", "properties", "required", "additionalProperties", "items", "enum",
    "const", "anyOf", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems",
})
# fmt: on
"""No references and no patterns: a schema from a file must not fetch anything or run a regular expression."""
_REPAIR = "That reply cannot be used: {why}. Reply again with the JSON only, nothing before or after it."


class BadReply(ModelError):
    """The reply was not JSON, or did not keep the schema, and neither did its repair."""


class NotASchema(Exception):
    """It does not keep the rules of JSON Schema; fact `why`."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.facts = {"why": why[:200]}


class Shape:
    """A JSON Schema, ready to check with."""

    def __init__(self, schema: dict[str, Any]) -> None:
        """Raises NotASchema."""
        # most workflows have no schema, and processes that acknowledge do without the library
        import jsonschema

        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except jsonschema.SchemaError as error:
            raise NotASchema(error.message) from None
        self.schema = schema
        self._validator = jsonschema.Draft202012Validator(schema)

    def problem(self, value: Json) -> str:
        """The first thing that does not fit; empty when all does."""
        error = next(self._validator.iter_errors(value), None)
        if error is None:
            return ""
        where = ".".join(map(str, error.absolute_path)) or "the whole"
        return f"{where}: {error.message[:200]}"


def _shape(value: object) -> Shape:
    problem = _unwanted(value, 0)
    if problem:
        raise PydanticCustomError("schema", "{why}", {"why": problem})
    try:
        return Shape(value)  # type: ignore[arg-type]  # _unwanted has seen that it is a dict
    except NotASchema as error:
        raise PydanticCustomError("schema", "is not a JSON Schema: {why}", error.facts) from None


def _unwanted(schema: object, depth: int) -> str:
    if not isinstance(schema, dict):
        return "must be a JSON Schema: a mapping" if depth == 0 or not isinstance(schema, bool) else ""
    if depth > MAX_SCHEMA_DEPTH:
        return "is too deep"
    strange = set(schema) - _KEYWORDS
    if strange:
        return f"the keyword `{min(strange)}` is not allowed in a schema here"
    properties = schema.get("properties", {})
    parts = list(properties.values()) if isinstance(properties, dict) else []
    parts += [schema[key] for key in ("items", "additionalProperties") if key in schema]
    parts += schema.get("anyOf", []) if isinstance(schema.get("anyOf", []), list) else []
    return next(filter(None, (_unwanted(part, depth + 1) for part in parts)), "")


SchemaField = Annotated[
    Shape,
    PlainValidator(_shape),
    WithJsonSchema({"type": "object", "description": "JSON Schema that the reply must keep."}),
]


def read_json(text: str, shape: Shape) -> tuple[Json, str]:
    """The JSON in a reply, and why it cannot be used ("" when it can)."""
    body = text.strip()
    if body.startswith("```"):
        body = body.split("\n", 1)[-1].rsplit("```", 1)[0]
    if len(body) > MAX_REPLY:
        return None, "it is too long"
    try:
        value: Json = json.loads(body, parse_constant=_refuse)
        # half a character, written as an escape, could be stored nowhere
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None, "it is not JSON"
    return value, shape.problem(value)


def _refuse(constant: str) -> None:
    raise ValueError(constant)


async def ask_for_json(
    request: ModelRequest, shape: Shape, context: StepContext
) -> tuple[Json, ModelReply, Usage]:
    """Ask, and where the reply does not keep the schema ask once more. Raises BadReply."""
    reply = await context.model.complete(request)
    value, why = read_json(reply.text, shape)
    if not why:
        return value, reply, reply.usage
    repair = (Message("assistant", reply.text[:MAX_REPLY]), Message("user", _REPAIR.format(why=why)))
    second = await context.model.complete(_with_messages(request, (*request.messages, *repair)))
    value, why = read_json(second.text, shape)
    if why:
        raise BadReply(request.alias, why=why, step=request.step_id)
    return value, second, reply.usage + second.usage


def _with_messages(request: ModelRequest, messages: tuple[Message, ...]) -> ModelRequest:
    return ModelRequest(
        request.alias,
        messages,
        request.task,
        request.step_id,
        request.purpose,
        request.schema,
        request.max_output_tokens,
        request.deadline_s,
    )


def plain_schema(properties: Mapping[str, Json]) -> dict[str, Json]:
    """An object with exactly these properties, all of them required."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def asked(step: AskingStep, messages: tuple[Message, ...], **rest: Any) -> ModelRequest:
    """The request of a step, with what all of them have in common."""
    return ModelRequest(
        alias=step.model,
        messages=messages,
        step_id=step.id,
        max_output_tokens=step.max_output_tokens,
        deadline_s=step.timeout_s,
        **rest,
    )
