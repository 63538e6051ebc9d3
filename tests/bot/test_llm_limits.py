"""How long a provider may take to connect, to begin and between pieces; what is left when it takes longer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from bot.adapters.profiles import read_profiles
from bot.adapters.provider_call import ProviderCalls
from bot.adapters.provider_errors import CallFailed
from bot.adapters.store.circuits_log import read_circuits
from bot.adapters.store.database import Store
from tests.bot.model_bench import Bench
from tests.openai_server import HANG, OpenAIServer, Reply
from workflows.ports import Message, ModelRequest, ModelTimeout, Task


@pytest.fixture
async def bench(model_store: Store) -> AsyncIterator[Bench]:
    async with OpenAIServer() as server:
        yield Bench(server, model_store)


@contextmanager
def nobody_accepts() -> Iterator[int]:
    """A port whose queue of connections is full, so that another one waits for ever."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        others = [socket.socket() for _ in range(3)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
        for other in others:
            other.close()


@pytest.mark.parametrize("model", ["openai/x", "hosted_vllm/x", "ollama_chat/x", "anthropic/x"])
async def test_connecting_has_a_limit_of_its_own(model: str) -> None:
    calls = ProviderCalls(object(), {})
    await calls.load()
    with nobody_accepts() as port:
        profile = read_profiles(
            f'default: {{model: {model}, api_base: "http://127.0.0.1:{port}", timeouts: {{connect_s: 0.2}}}}'
        ).profile("default")
        request = ModelRequest("default", (Message("user", "Hello"),), Task("answer"), "answer")
        call = await calls.prepare(profile, request)
        with pytest.raises(CallFailed) as caught:
            async with asyncio.timeout(10):
                await call.run(None)
    assert caught.value.error.facts["reason"] == "unreachable"
    assert caught.value.may_retry


async def test_a_reply_may_come_in_pieces_though_nobody_reads_along(bench: Bench) -> None:
    bench.server.script.append(Reply("one two three"))
    assert (await bench.ask("pieces")).text == "one two three"
    assert bench.server.history[0].body["stream"] is True
    bench.server.script.extend([Reply("one two three", between_s=0.5)] * 3)
    assert (await bench.ask("pieces")).model == "openai/spare", "silence between pieces counts as well"


async def test_a_provider_that_cannot_stream_is_not_asked_to(bench: Bench) -> None:
    bench.server.script.append(Reply("one two three"))
    assert (await bench.ask("whole", streamed=True)).text == "one two three"
    assert not bench.server.history[0].body.get("stream")
    assert bench.pieces == []


async def test_a_stream_that_just_ends_is_no_whole_reply(bench: Bench) -> None:
    bench.server.script.extend([Reply("one two", finish_reason=None), Reply("one two three")])
    assert (await bench.ask("pieces")).text == "one two three"
    assert bench.outcomes == [("pieces", "ModelUnavailable"), ("pieces", "ok")]
    assert bench.entries[0].output_tokens > 0


@pytest.mark.parametrize("alias", ["pieces", "whole"])
async def test_at_the_deadline_the_connection_is_closed(bench: Bench, alias: str) -> None:
    """A provider that is still at work hears that nobody waits any more."""
    bench.server.script.append(HANG if alias == "whole" else Reply("word " * 200, between_s=0.05))
    with pytest.raises(ModelTimeout):
        await bench.ask(alias, deadline_s=0.5)
    async with asyncio.timeout(5):
        await bench.server.abandoned.wait()
    (entry,) = bench.entries
    assert entry.outcome == "ModelTimeout"
    assert entry.input_tokens > 0, "what was asked may have been paid for"
    assert (entry.output_tokens > 0) == (alias == "pieces")


async def test_silence_until_the_deadline_counts_for_the_circuit(bench: Bench) -> None:
    bench.server.script.append(HANG)
    with pytest.raises(ModelTimeout):
        await bench.ask("hasty", streamed=True, deadline_s=0.15)
    assert not await bench.models.unusable(), "it had no time to begin"
    bench.server.script.append(HANG)
    with pytest.raises(ModelTimeout):
        await bench.ask("slow", deadline_s=0.3)
    await bench.store.write(lambda _: None)
    assert [circuit.recent for circuit in bench.store.read_now(read_circuits).values()] == ["-"]
