"""How a reply ended in its provider's own word: litellm says "stop" of one it does not know, and of none."""

import json
from typing import Any, Literal

Kind = Literal["whole", "length", "filtered", "broken"]

_WHOLE = frozenset(
    {
        *("stop", "stop_sequence", "end_turn", "complete", "eos", "eos_token"),
        *("tool_calls", "tool_use", "function_call"),
    }
)
_LENGTH = frozenset({"length", "max_tokens", "model_length", "model_context_window_exceeded"})


class ReplyEnding:
    """Reads what comes in OpenAI's protocol or Gemini's; of any other litellm's word is taken."""

    def __init__(self) -> None:
        self._is_shown = False
        self._said: str | None = None
        self._translated: str | None = None
        self._passed_on: str | None = None

    @property
    def is_said(self) -> bool:
        """Whether there was a word for the end, whichever."""
        return self._word is not None

    @property
    def kind(self) -> Kind:
        """What the word means."""
        word = (self._word or "").lower()
        if self._translated == "content_filter":
            return "filtered"
        if self._translated == "length" or word in _LENGTH:
            return "length"
        return "whole" if word in _WHOLE else "broken"

    @property
    def _word(self) -> str | None:
        return self._said if self._is_shown else self._passed_on

    def note(self, payload: object) -> None:
        """Look at a reply, or a piece of one, as its provider sent it."""
        sent = _read(payload)
        choices = sent.get("choices") or sent.get("candidates")
        for choice in choices[:1] if isinstance(choices, list) else ():
            self._is_shown = True
            self._said = choice.get("finish_reason") or choice.get("finishReason") or self._said

    def watch(self, stream: Any) -> None:
        """Look at each piece of a stream before litellm does."""
        pieces = getattr(stream, "completion_stream", None)
        parse = getattr(pieces, "chunk_parser", None)
        if pieces is None or parse is None:
            return

        def look_and_parse(chunk: Any) -> Any:
            self.note(chunk)
            return parse(chunk)

        pieces.chunk_parser = look_and_parse

    def take(self, choice: Any) -> None:
        """Take litellm's word of a choice, and the one behind it where litellm kept that."""
        self._translated = choice.finish_reason or self._translated
        kept = getattr(choice, "provider_specific_fields", None) or {}
        self._passed_on = kept.get("native_finish_reason") or self._translated

    def finish(self, stream: Any) -> None:
        """Take what a stream was given; litellm itself says "stop" of one that merely ended."""
        if hasattr(stream, "received_finish_reason"):
            self._passed_on = stream.received_finish_reason or stream.intermittent_finish_reason


def _read(payload: object) -> dict[str, Any]:
    if isinstance(payload, str):
        try:
            payload = json.loads(payload)
        except ValueError:
            return {}
    return payload if isinstance(payload, dict) else {}
