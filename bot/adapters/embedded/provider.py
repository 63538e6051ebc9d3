"""The provider `spanwise/quote`, in the form litellm calls a custom provider."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bot.adapters.embedded.fields import extract, may_be_null, spec_of
from workflows.ports import ABSTAINED, NeedsWritingModel, Task

if TYPE_CHECKING:
    from knowledge.embedding import Embedder

QUOTED_NOTE = "Quoted by the built-in model; connect a writing model with SPANWISE_MODELS."
SETTING = "SPANWISE_MODELS"
CHARACTERS_PER_TOKEN = 4

_PIECE = re.compile(r"\S+\s*")


class Quoter:
    """Answers tasks without a language model."""

    def __init__(self, embedder: "Embedder | None") -> None:
        self._embedder = embedder

    async def acompletion(
        self,
        *,
        model: str,
        messages: list[dict[str, str]],
        model_response: Any,
        optional_params: dict[str, Any],
        **_: Any,
    ) -> Any:
        """The whole reply, filled into litellm's object."""
        from litellm.types.utils import Usage

        text = await self._answer(optional_params)
        model_response.model = model
        model_response.choices[0].message.content = text
        model_response.choices[0].finish_reason = "stop"
        model_response.usage = Usage(**_usage(messages, text))
        return model_response

    async def astreaming(
        self, *, messages: list[dict[str, str]], optional_params: dict[str, Any], **_: Any
    ) -> AsyncIterator[dict[str, Any]]:
        """The reply word by word."""
        text = await self._answer(optional_params)
        pieces = _PIECE.findall(text) or [text]
        for number, piece in enumerate(pieces, start=1):
            is_last = number == len(pieces)
            yield {
                "text": piece,
                "is_finished": is_last,
                "finish_reason": "stop" if is_last else "",
                "usage": _usage(messages, text) if is_last else None,
                "index": 0,
                "tool_use": None,
            }

    async def _answer(self, optional_params: dict[str, Any]) -> str:
        in_hand = optional_params["spanwise_task"]
        wanted = (optional_params.get("response_format") or {}).get("json_schema") or {}
        # the models of the encoder are busy for tenths of a second
        return await asyncio.to_thread(self.reply, in_hand.task, in_hand.alias, wanted.get("schema"))

    def reply(self, task: Task, alias: str, schema: Mapping[str, Any] | None = None) -> str:
        """The text of the reply, JSON where a schema is given. Raises NeedsWritingModel."""
        # what reads vectors is loaded where answers are made, not where requests are taken
        from bot.adapters.embedded.labels import classify
        from bot.adapters.embedded.quoting import quote
        from bot.adapters.embedded.summary import summarise
        from knowledge.embedding import Embedder

        embedder = self._embedder or Embedder.load()
        if task.kind == "classify":
            return json.dumps(asdict(classify(task.text, task.labels, embedder)), ensure_ascii=False)
        if task.kind == "extract":
            return json.dumps(extract(task.text, task.fields), ensure_ascii=False)
        if schema is not None:
            return _filled(task, alias, schema)
        if task.kind in ("answer", "write") and task.passages:
            return quote(task, embedder)
        if task.kind in ("summarise", "write") and task.text.strip():
            return summarise(task.text, task.max_sentences, embedder)
        if task.kind == "answer":
            return ABSTAINED
        raise NeedsWritingModel(alias, setting=SETTING)


def _filled(task: Task, alias: str, schema: Mapping[str, Any]) -> str:
    """What of a schema can be picked out of the material; the rest would have to be written."""
    material = "\n".join([task.text or task.question, *(passage.text for passage in task.passages)])
    properties = schema.get("properties", {})
    values = extract(material, {name: spec_of(part) for name, part in properties.items()})
    for name, part in properties.items():
        if values[name] is None and not may_be_null(part):
            if name in schema.get("required", ()):
                raise NeedsWritingModel(alias, setting=SETTING, field=name)
            del values[name]
    return json.dumps(values, ensure_ascii=False)


def _usage(messages: list[dict[str, str]], text: str) -> dict[str, Any]:
    sent = sum(len(m["content"]) for m in messages) // CHARACTERS_PER_TOKEN
    given = len(text) // CHARACTERS_PER_TOKEN
    return {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given}
