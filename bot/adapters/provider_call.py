"""One call to one provider through litellm, whose objects and errors stay in here."""

import asyncio
import codecs
import functools
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.adapters import prices
from bot.adapters.prices import Tokens
from bot.adapters.profiles import ModelProfile
from bot.adapters.provider_errors import CallFailed, facts_of, failure_of
from bot.adapters.reply_ending import ReplyEnding
from workflows.ports import EmptyReply, ModelRefused, ModelRequest, ModelUnavailable, Task
from workflows.run import Usage

BUILT_IN = "spanwise"
"""The provider that runs in this process."""

SCHEMA_PROVIDERS = frozenset({BUILT_IN, "ollama_chat", "hosted_vllm", "lm_studio"})
"""Providers that take a JSON Schema with any model, which litellm's list of models cannot say."""

CHARACTERS_PER_TOKEN = 4
"""For replies that came without a count."""

USUAL_REPLY = 1000
"""Tokens of a reply without a limit, for an estimate."""

LONGEST_REPLY = 4096
"""Tokens at which a reply ends that a budget pays for, when neither step nor profile sets a limit."""

PER_MESSAGE, PER_REQUEST = 16, 512
"""Tokens that a provider may add around a message, and for a schema or a system prompt of its own."""

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TaskInHand:
    """The step's task on its way through litellm to the built-in provider."""

    task: Task
    alias: str


@dataclass(frozen=True, slots=True)
class CallResult:
    """What one call gave."""

    text: str
    is_cut: bool = False
    """The provider stopped at its length limit."""


class ProviderCalls:
    """Calls providers; the import of litellm, which takes seconds, waits for the first call."""

    def __init__(self, answerer: object, environ: Mapping[str, str]) -> None:
        self._answerer = answerer
        self._environ = environ
        self._litellm: Any = None

    async def prepare(self, profile: ModelProfile, request: ModelRequest) -> "ProviderCall":
        """Make one call ready."""
        library = await self.load()
        return ProviderCall(library, profile, request, self.key_of(profile), self._answerer)

    async def estimate(self, profile: ModelProfile, request: ModelRequest) -> Decimal:
        """Dollars of a call with as long a reply as is asked for; 0 for a model without a known price."""
        limits = [n for n in (request.max_output_tokens, profile.max_output_tokens) if n]
        sent = sum(len(m.content) for m in request.messages) // CHARACTERS_PER_TOKEN + 1
        tokens = Tokens(sent, min(limits, default=USUAL_REPLY))
        return _cost(await self.load(), profile, tokens, datetime.now(UTC)) or Decimal(0)

    async def load(self) -> Any:
        """litellm, imported off the loop at first use: it takes seconds, and a minute on a busy machine."""
        if self._litellm is None:
            self._litellm = await asyncio.to_thread(load_litellm)
        return self._litellm

    def key_of(self, profile: ModelProfile) -> str | None:
        """The key to send, from the environment."""
        if profile.api_key_env is not None:
            return self._environ.get(profile.api_key_env, "")
        if profile.api_base is not None:
            # otherwise litellm would send the key of the provider's own service to this address
            return "none"
        return self._environ.get(f"{profile.provider.upper()}_API_KEY")


class ProviderCall:
    """One request to one provider, and what it has used so far."""

    def __init__(
        self, litellm: Any, profile: ModelProfile, request: ModelRequest, key: str | None, answerer: object
    ) -> None:
        self.profile = profile
        self.request = request
        self._litellm = litellm
        self._answerer = answerer
        self._received: list[str] = []
        self._characters = codecs.getincrementaldecoder("utf-16-le")("replace")
        self._usage: Any = None
        self.served_by = ""
        """What the provider says that answered."""
        self._ending = ReplyEnding()
        self._is_billed = False
        """Whether the provider may have worked on it."""
        limits = [n for n in (request.max_output_tokens, profile.max_output_tokens) if n]
        limits_s = profile.timeouts
        self._arguments: dict[str, Any] = {
            **profile.params,
            "model": profile.model,
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "api_base": profile.api_base,
            "api_key": key,
            "temperature": profile.temperature,
            "max_tokens": min(limits) if limits else None,
            "response_format": _response_format(litellm, profile, request),
            "timeout": litellm.main.httpx.Timeout(limits_s.reply_s, connect=limits_s.connect_s),
            "max_retries": 0,
            "drop_params": True,
        }
        if profile.provider == BUILT_IN:
            self._arguments["spanwise_task"] = TaskInHand(request.task, request.alias)

    async def run(self, on_text: OnText | None) -> CallResult:
        """Ask once, streaming when somebody listens. Raises CallFailed."""
        try:
            return await (self._streamed(on_text) if self._is_streamed(on_text) else self._whole())
        except CallFailed:
            raise
        except Exception as error:
            self._is_billed = isinstance(error, TimeoutError)
            # the provider's error quotes the request and the key
            raise failure_of(error, self.profile, self.request.alias) from None
        except asyncio.CancelledError:
            self._is_billed = True
            raise

    def _is_streamed(self, on_text: OnText | None) -> bool:
        wanted = self.profile.stream
        return wanted == "always" or (wanted == "auto" and on_text is not None)

    def usage(self, at: datetime) -> Usage:
        """What was used so far, as the provider counted it, else roughly; nothing for a refused call."""
        tokens = self._tokens()
        dollars = _cost(self._litellm, self.profile, tokens, at, self._usage)
        return Usage(tokens.input, tokens.output, dollars or Decimal(0))

    def most_dollars(self, at: datetime) -> Decimal | None:
        """The most that it can cost, having seen to it that the reply has an end; None without a price."""
        if self.profile.provider == BUILT_IN:
            return Decimal(0)
        tokens = Tokens(self._most_input(), self._longest_reply())
        return _cost(self._litellm, self.profile, tokens, at)

    def expected_tokens(self) -> int:
        """Roughly what is sent and the most that may come back, which is what providers count in a rate."""
        return self._sent_tokens() + self._longest_reply()

    def _longest_reply(self) -> int:
        longest: int | None = self._arguments["max_tokens"]
        if longest is None:
            known = prices.most_output(self._litellm, self.profile.model) or LONGEST_REPLY
            longest = self._arguments["max_tokens"] = min(known, LONGEST_REPLY)
        return longest

    def _sent_tokens(self) -> int:
        return sum(len(m.content) for m in self.request.messages) // CHARACTERS_PER_TOKEN + 1

    def _most_input(self) -> int:
        # no tokenizer makes more tokens than there are bytes; counting them truly would take milliseconds
        sent = sum(len(m.content.encode()) + PER_MESSAGE for m in self.request.messages)
        schema = self._arguments["response_format"]
        return sent + PER_REQUEST + (len(str(schema).encode()) if schema else 0)

    def _tokens(self) -> Tokens:
        usage = self._usage
        if usage is not None and usage.total_tokens:
            cached, written = _cache_counts(usage)
            return Tokens(usage.prompt_tokens or 0, usage.completion_tokens or 0, cached, written)
        if not self._is_billed and not self._received:
            return Tokens(0, 0)
        received = sum(map(len, self._received))
        return Tokens(self._sent_tokens(), received // CHARACTERS_PER_TOKEN)

    @property
    def is_silent(self) -> bool:
        """Whether nothing of a reply has come."""
        return not self._received

    @property
    def cached_tokens(self) -> int:
        """Of the input, what the provider had in its cache."""
        return self._tokens().cached

    def is_priced(self, at: datetime) -> bool:
        """False when nobody knows the model's price, so that its cost counts as 0."""
        return self.profile.provider == BUILT_IN or prices.is_priced(self._litellm, self.profile, at)

    async def _whole(self) -> CallResult:
        async with asyncio.timeout(self._patience(self.profile.timeouts.reply_s)):
            response = await self._start()
        self._usage = getattr(response, "usage", None)
        self.served_by = response.model or ""
        for choice in (response.choices or [])[:1]:
            self._take(choice.message.content or "")
            self._ending.take(choice)
        return self._result()

    async def _streamed(self, on_text: OnText | None) -> CallResult:
        self._arguments.update(stream=True, stream_options={"include_usage": True})
        now = asyncio.get_running_loop().time
        async with asyncio.timeout(self._patience(self.profile.timeouts.first_token_s)) as silence:
            stream = await self._start()
            self._ending.watch(stream)
            try:
                async for chunk in stream:
                    if silence.when() is not None:
                        silence.reschedule(now() + self.profile.timeouts.between_tokens_s)
                    piece = self._read(chunk)
                    if piece and on_text is not None:
                        on_text(piece)
            finally:
                if hasattr(stream, "aclose"):
                    await stream.aclose()
        self._ending.finish(stream)
        return self._result()

    def _patience(self, seconds: float) -> float | None:
        # what runs in this process cannot be unreachable, only slow
        return None if self.profile.provider == BUILT_IN else seconds

    def _read(self, chunk: Any) -> str:
        self._usage = getattr(chunk, "usage", None) or self._usage
        self.served_by = self.served_by or chunk.model or ""
        for choice in chunk.choices[:1]:
            self._ending.take(choice)
            if choice.delta.content:
                return self._take(choice.delta.content)
        return ""

    def _take(self, text: str) -> str:
        """What came, in whole characters: halves that come apart are joined, one alone cannot be stored."""
        whole = self._characters.decode(text.encode("utf-16-le", "surrogatepass"))
        self._received.append(whole)
        return whole

    async def _start(self) -> Any:
        # litellm.acompletion runs this same function in a thread to get this same coroutine, and wraps
        # it in callbacks; going straight to it halves the CPU time of a call
        log = _quiet_logging()(
            model=self.profile.model,
            messages=self._arguments["messages"],
            stream=self._arguments.get("stream", False),
            call_type="acompletion",
            start_time=datetime.now(),  # noqa: DTZ005 - litellm subtracts naive times from it
            litellm_call_id="",
            function_id="",
        )
        log.ending = self._ending
        log.stream_options = self._arguments.get("stream_options")
        if self.profile.provider == BUILT_IN:
            self._litellm.custom_provider_map = [{"provider": BUILT_IN, "custom_handler": self._answerer}]
            self._litellm.utils.custom_llm_setup()
        pending = self._litellm.main.completion(acompletion=True, litellm_logging_obj=log, **self._arguments)
        try:
            return await pending if asyncio.iscoroutine(pending) else pending
        except Exception as error:
            # what each provider's words mean (content policy, too long) is litellm's knowledge
            provider = self.profile.provider
            raise self._litellm.exception_type(self.profile.model, error, provider) from error

    def _result(self) -> CallResult:
        text = "".join(self._received) + self._characters.decode(b"", final=True)
        facts, ending = facts_of(self.profile), self._ending
        if ending.kind == "filtered":
            refused = ModelRefused(self.request.alias, reason="content_policy", **facts)
            raise CallFailed(refused, may_fall_back=False)
        if ending.kind == "broken" and (ending.is_said or self._received):
            cut_off = ModelUnavailable(self.request.alias, reason="cut_off", **facts)
            raise CallFailed(cut_off, may_retry=True)
        if not text.strip():
            raise CallFailed(EmptyReply(self.request.alias, **facts))
        return CallResult(text, is_cut=ending.kind == "length")


@functools.cache
def load_litellm() -> Any:
    """Import litellm with everything off that this product does itself or does not want."""
    for name, value in (
        ("LITELLM_LOCAL_MODEL_COST_MAP", "True"),  # otherwise the import asks the internet for prices
        ("LITELLM_MODE", "PRODUCTION"),  # otherwise the import reads .env into the environment
        ("LITELLM_LOG", "CRITICAL"),  # its log lines quote requests
        ("EXPERIMENTAL_OPENAI_BASE_LLM_HTTP_HANDLER", "True"),  # without the openai SDK: half the CPU time
    ):
        os.environ.setdefault(name, value)
    import litellm

    litellm.suppress_debug_info = True
    litellm.telemetry = False
    litellm.drop_params = True
    # otherwise most providers get one limit for connecting and for each read alike
    vars(litellm.main)["supports_httpx_timeout"] = lambda _provider: True
    return litellm


@functools.cache
def _quiet_logging() -> type[Any]:
    """litellm's log object of a call, without callbacks, copies and a second cost count."""
    load_litellm()
    from litellm.litellm_core_utils.litellm_logging import Logging

    def nothing(*_args: Any, **_kwargs: Any) -> None:
        return None

    async def nothing_later(*_args: Any, **_kwargs: Any) -> None:
        return None

    def remember(log: Any, **call: Any) -> None:
        log.litellm_params = call.get("litellm_params") or {}
        log.optional_params = call.get("optional_params") or {}
        log.model_call_details.update(call)

    def look(log: Any, original_response: object = None, **_more: object) -> None:
        log.ending.note(original_response)

    replaced: dict[str, Any] = {"update_environment_variables": remember, "post_call": look}
    for name in ("pre_call", "success_handler", "failure_handler"):
        replaced[name] = nothing
    for name in ("should_run_prompt_management_hooks", "response_cost_calculator"):
        replaced[name] = nothing
    for name in ("async_success_handler", "async_failure_handler"):
        replaced[name] = nothing_later
    for name in ("dispatch_success_handlers", "dispatch_failure_handlers"):
        replaced[name] = nothing_later
    return type("QuietLogging", (Logging,), replaced)


def _response_format(litellm: Any, profile: ModelProfile, request: ModelRequest) -> dict[str, Any] | None:
    if request.schema is None:
        return None
    mode = _json_mode(litellm, profile.model) if profile.json_mode == "auto" else profile.json_mode
    if mode == "schema":
        name = re.sub(r"[^A-Za-z0-9_-]", "_", request.step_id)[:64] or "reply"
        return {"type": "json_schema", "json_schema": {"name": name, "schema": dict(request.schema)}}
    return {"type": "json_object"} if mode == "object" else None


@functools.cache
def _json_mode(litellm: Any, model: str) -> str:
    if model.partition("/")[0] in SCHEMA_PROVIDERS or litellm.supports_response_schema(model=model):
        return "schema"
    supported = litellm.get_supported_openai_params(model=model) or []
    return "object" if "response_format" in supported else "none"


def _cost(
    litellm: Any, profile: ModelProfile, tokens: Tokens, at: datetime, usage: Any = None
) -> Decimal | None:
    """Dollars, or None when nobody knows the price."""
    return Decimal(0) if profile.provider == BUILT_IN else prices.cost_of(litellm, profile, tokens, at, usage)


def _cache_counts(usage: Any) -> tuple[int, int]:
    """Tokens read from the provider's cache and written to it."""
    details = getattr(usage, "prompt_tokens_details", None)
    read = getattr(details, "cached_tokens", None) or getattr(usage, "cache_read_input_tokens", None) or 0
    return read, getattr(usage, "cache_creation_input_tokens", None) or 0
