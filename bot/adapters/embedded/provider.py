"""The provider `spanwise/quote`, in the form litellm calls a custom provider."""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

from bot.adapters.embedded.quoting import quote
from knowledge.embedding import Embedder
from workflows.ports import NeedsWritingModel, Task

QUOTED_NOTE = "Quoted by the built-in model; connect a writing model with SPANWISE_MODELS."
SETTING = "SPANWISE_MODELS"
CHARACTERS_PER_TOKEN = 4

_PIECE = re.compile(r"\S+\s*")


class Quoter:
    """Answers tasks without a language model."""

    def __init__(self, embedder: Embedder | None) -> None:
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
        return await asyncio.to_thread(self._reply, in_hand.task, in_hand.alias)

    def _reply(self, task: Task, alias: str) -> str:
        embedder = self._embedder or Embedder.load()
        if task.kind == "answer":
            return quote(task, embedder)
        raise NeedsWritingModel(alias, setting=SETTING)


def _usage(messages: list[dict[str, str]], text: str) -> dict[str, Any]:
    sent = sum(len(m["content"]) for m in messages) // CHARACTERS_PER_TOKEN
    given = len(text) // CHARACTERS_PER_TOKEN
    return {"prompt_tokens": sent, "completion_tokens": given, "total_tokens": sent + given}
