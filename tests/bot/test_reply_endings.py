"""What providers say of the end of a reply, where litellm says "stop" of every word that it does not know."""

from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from bot.adapters.reply_ending import ReplyEnding
from bot.adapters.store.database import Store
from tests.bot.model_bench import Bench
from tests.openai_server import OpenAIServer, Reply
from workflows.ports import ModelUnavailable


@pytest.fixture
async def bench(model_store: Store) -> AsyncIterator[Bench]:
    async with OpenAIServer() as server:
        yield Bench(server, model_store)


BROKEN = [
    Reply("You may", finish_reason="error"),
    Reply("You may", finish_reason="insufficient_system_resource"),
    Reply("You may", finish_reason="network_error", has_usage=False),
    Reply("You may", finish_reason=None, has_done=True),
    Reply("You may", finish_reason=None, has_done=True, has_usage=False),
    Reply("", finish_reason="error"),
]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("broken", BROKEN, ids=range(len(BROKEN)))
async def test_a_reply_that_its_provider_did_not_finish_is_none(
    bench: Bench, broken: Reply, streamed: bool
) -> None:
    bench.server.script.extend([broken, Reply("You may carry five days.")])
    assert (await bench.ask(streamed=streamed)).text == "You may carry five days."
    assert [outcome for _, outcome in bench.outcomes] == ["ModelUnavailable", "ok"]


@pytest.mark.parametrize("streamed", [False, True])
async def test_what_is_never_finished_says_that_it_was_cut_off(bench: Bench, streamed: bool) -> None:
    bench.server.script.extend([Reply("You may", finish_reason="error")] * 3)
    with pytest.raises(ModelUnavailable) as caught:
        await bench.ask(streamed=streamed)
    assert caught.value.facts["reason"] == "cut_off"
    assert bench.entries[0].output_tokens > 0, "what came is paid for"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    "reason", ["stop", "end_turn", "eos", "eos_token", "stop_sequence", "COMPLETE", "STOP", "tool_calls"]
)
async def test_each_providers_word_for_a_normal_end(bench: Bench, reason: str, streamed: bool) -> None:
    bench.server.script.append(Reply("Five days.", finish_reason=reason))
    reply = await bench.ask(streamed=streamed)
    assert (reply.text, reply.notes) == ("Five days.", ())


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "model_length"])
async def test_each_providers_word_for_its_length_limit(bench: Bench, reason: str, streamed: bool) -> None:
    bench.server.script.append(Reply("Five da", finish_reason=reason))
    assert (await bench.ask(streamed=streamed)).notes


OTHERS: list[Any] = [
    {"message": {"content": "Five days."}, "done": True, "done_reason": "stop"},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"choices": None},
    {"choices": []},
    "<html>",
    None,
    [],
]


@pytest.mark.parametrize("other", OTHERS, ids=range(len(OTHERS)))
def test_another_providers_protocol_is_left_to_litellm(other: Any) -> None:
    ending = ReplyEnding()
    ending.note(other)
    ending.take(SimpleNamespace(finish_reason="stop"))
    assert ending.kind == "whole"


def test_what_is_said_once_stands() -> None:
    ending = ReplyEnding()
    for reason in (None, "error", None):
        ending.note({"choices": [{"delta": {}, "finish_reason": reason}]})
    assert ending.kind == "broken"


@pytest.mark.parametrize(
    ("said", "kind"), [("STOP", "whole"), ("MALFORMED_RESPONSE", "broken"), (None, "broken")]
)
def test_geminis_word_counts(said: str | None, kind: str) -> None:
    ending = ReplyEnding()
    ending.note({"candidates": [{"content": {}, "finishReason": said}]})
    ending.take(SimpleNamespace(finish_reason="stop"))
    assert ending.kind == kind


def test_the_word_behind_litellms_counts_where_it_is_kept() -> None:
    ending = ReplyEnding()
    kept = {"native_finish_reason": "MALFORMED_RESPONSE"}
    ending.take(SimpleNamespace(finish_reason="stop", provider_specific_fields=kept))
    assert ending.kind == "broken"
