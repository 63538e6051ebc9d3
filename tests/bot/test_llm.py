import asyncio
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from bot.adapters.circuit import PROBE_AFTER
from bot.adapters.llm import CUT_NOTE
from bot.adapters.store.database import Store
from tests.bot.model_bench import Bench
from tests.openai_server import EMPTY, GARBAGE, HANG, NO_CHOICES, OpenAIServer, Reply, rejection
from workflows.ports import (
    EmptyReply,
    ModelError,
    ModelRefused,
    ModelResting,
    ModelTimeout,
    ModelUnavailable,
    UnknownAlias,
)


@pytest.fixture
async def bench(model_store: Store) -> AsyncIterator[Bench]:
    async with OpenAIServer() as server:
        yield Bench(server, model_store)


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_and_its_ledger_entry(bench: Bench, streamed: bool) -> None:
    bench.server.script.append(Reply("Five days [1]."))
    reply = await bench.ask(streamed=streamed, purpose="evaluation", max_output_tokens=50)
    assert (reply.text, reply.model) == ("Five days [1].", "openai/gpt-4o-mini")
    assert "".join(bench.pieces) == ("Five days [1]." if streamed else "")
    (entry,) = bench.entries
    assert (entry.run_id, entry.step_id, entry.purpose, entry.alias) == (
        "r_1",
        "answer",
        "evaluation",
        "default",
    )
    assert (entry.input_tokens, entry.output_tokens, entry.outcome) == (3, 3, "ok")
    assert entry.cost_usd == Decimal("0.00000225")
    assert reply.usage.cost_usd == entry.cost_usd
    (call,) = bench.server.history
    assert call.headers["Authorization"] == "Bearer sk-secret"
    assert call.body["max_tokens"] == 50
    assert "spanwise_task" not in call.body


async def test_no_key_of_another_service_goes_to_a_gateway(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-the-real-one")
    await bench.ask("spare")
    assert "sk-the-real-one" not in str(bench.server.history[0].headers)


async def test_the_price_of_the_profile_counts(bench: Bench) -> None:
    reply = await bench.ask("spare")
    assert reply.usage.cost_usd == Decimal(3 * 3 + 9 * 12) / 1_000_000
    assert bench.entries[0].priced


async def test_an_unknown_price_is_said(bench: Bench) -> None:
    reply = await bench.ask("backed")
    assert reply.usage.cost_usd == 0
    assert not bench.entries[0].priced


SCHEMA: Mapping[str, Any] = {"type": "object", "properties": {"label": {"enum": ["a", "b"]}}}


@pytest.mark.parametrize(
    ("alias", "kind"), [("default", "json_schema"), ("spare", "json_object")], ids=["listed", "unlisted"]
)
@pytest.mark.parametrize("streamed", [False, True])
async def test_structured_replies(bench: Bench, alias: str, kind: str, streamed: bool) -> None:
    reply = await bench.ask(alias, schema=SCHEMA, streamed=streamed)
    assert reply.text in ('{"label": "a"}', "{}")
    asked = bench.server.history[0].body["response_format"]
    assert asked["type"] == kind
    if kind == "json_schema":
        assert asked["json_schema"]["schema"] == SCHEMA


RETRIED = [
    pytest.param(rejection(500), id="500"),
    pytest.param(rejection(503), id="503"),
    pytest.param(rejection(429), id="429"),
    pytest.param(rejection(408), id="408"),
    pytest.param(rejection(409), id="409"),
]


@pytest.mark.parametrize("fault", RETRIED)
async def test_a_passing_fault_is_retried(bench: Bench, fault: Reply) -> None:
    bench.server.script.append(fault)
    reply = await bench.ask()
    assert reply.text
    assert [outcome for _, outcome in bench.outcomes][-1] == "ok"
    assert len(bench.entries) == 2
    assert len(bench.clock.sleeps) == 1


@pytest.mark.parametrize("fault", RETRIED)
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_lasting_fault_falls_back(bench: Bench, fault: Reply, streamed: bool) -> None:
    bench.server.script.extend([fault] * 3)
    reply = await bench.ask("backed", streamed=streamed)
    assert reply.model == "openai/spare"
    assert [model for model, _ in bench.outcomes] == ["first", "first", "first", "spare"]


async def test_what_cannot_be_read_is_not_paid_for_twice(bench: Bench) -> None:
    bench.server.script.append(GARBAGE)
    assert (await bench.ask("backed")).model == "openai/spare"
    assert [model for model, _ in bench.outcomes] == ["first", "spare"]


async def test_retry_after_is_honoured_up_to_the_deadline(bench: Bench) -> None:
    bench.server.script.append(rejection(429, retry_after="7"))
    await bench.ask()
    assert 7 <= bench.clock.sleeps[0] < 8
    bench.server.script.append(rejection(429, retry_after="90"))
    with pytest.raises(ModelRefused) as caught:
        await bench.ask(deadline_s=60)
    assert caught.value.facts["reason"] == "quota"
    assert len(bench.clock.sleeps) == 1


REFUSED = [
    pytest.param(rejection(400), "request", id="400"),
    pytest.param(rejection(401, "invalid_api_key"), "key", id="401"),
    pytest.param(rejection(400, "content_policy_violation"), "content_policy", id="policy"),
    pytest.param(rejection(400, "context_length_exceeded"), "too_long", id="too long"),
    pytest.param(Reply("", finish_reason="content_filter"), "content_policy", id="filtered"),
    pytest.param(Reply("Half an", finish_reason="content_filter"), "content_policy", id="cut by a filter"),
]


@pytest.mark.parametrize(("fault", "reason"), REFUSED)
async def test_a_refusal_is_neither_retried_nor_taken_elsewhere(
    bench: Bench, fault: Reply, reason: str
) -> None:
    bench.server.script.append(fault)
    with pytest.raises(ModelRefused) as caught:
        await bench.ask("backed")
    assert caught.value.facts["reason"] == reason
    assert bench.outcomes == [("first", "ModelRefused")]


async def test_a_missing_model_is_looked_for_elsewhere(bench: Bench) -> None:
    bench.server.script.append(rejection(404, "model_not_found"))
    assert (await bench.ask("backed")).model == "openai/spare"


@pytest.mark.parametrize("fault", [NO_CHOICES, EMPTY, Reply(" \n ")])
@pytest.mark.parametrize("streamed", [False, True])
async def test_an_empty_reply_is_no_answer(bench: Bench, fault: Reply, streamed: bool) -> None:
    bench.server.script.append(fault)
    with pytest.raises(EmptyReply):
        await bench.ask(streamed=streamed)
    assert bench.outcomes == [("gpt-4o-mini", "EmptyReply")]
    bench.server.script.append(fault)
    assert (await bench.ask("backed")).model == "openai/spare"


async def test_nobody_answers(bench: Bench) -> None:
    with pytest.raises(ModelUnavailable) as caught:
        await bench.ask("dead")
    assert caught.value.facts["reason"] == "unreachable"
    assert caught.value.facts["host"] == "127.0.0.1:9"
    assert len(bench.entries) == 3


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_silent_provider_is_left_for_the_next(bench: Bench, streamed: bool) -> None:
    bench.server.script.extend([HANG, HANG, HANG])
    reply = await bench.ask("hasty", streamed=streamed)
    assert reply.model == "openai/spare"
    assert bench.outcomes[0] == ("hasty", "ModelTimeout")


async def test_a_stream_that_stalls_between_pieces(bench: Bench) -> None:
    bench.server.script.append(Reply("one two three", between_s=0.15))
    assert (await bench.ask("hasty", streamed=True)).text == "one two three"
    bench.server.script.extend([Reply("one two", between_s=0.5)] * 3)
    assert (await bench.ask("hasty", streamed=True)).model == "openai/spare"


async def test_the_deadline_is_for_the_whole_call(bench: Bench) -> None:
    bench.server.script.append(Reply("slow " * 50, between_s=0.05))
    started = asyncio.get_running_loop().time()
    with pytest.raises(ModelTimeout):
        await bench.ask(streamed=True, deadline_s=0.4)
    assert asyncio.get_running_loop().time() - started < 2
    (entry,) = bench.entries
    assert entry.outcome == "ModelTimeout"
    assert entry.output_tokens > 0


@pytest.mark.parametrize("streamed", [False, True])
async def test_half_a_character_is_replaced(bench: Bench, streamed: bool) -> None:
    bench.server.script.append(Reply("Five \U0001f600 days \ud83d [1]. \ud83d"))
    reply = await bench.ask(streamed=streamed)
    assert reply.text == "Five \U0001f600 days \ufffd [1]. \ufffd"
    assert reply.text.startswith("".join(bench.pieces))


async def test_a_character_that_comes_in_two_pieces_is_one(bench: Bench) -> None:
    bench.server.script.append(Reply(pieces=("Five \ud83d", "\ude00 days.")))
    assert (await bench.ask(streamed=True)).text == "Five \U0001f600 days."
    assert bench.pieces == ["Five ", "\U0001f600 days."]


async def test_a_broken_stream_is_tried_again_in_silence(bench: Bench) -> None:
    bench.server.script.extend([Reply("one two three", drop_after=2), Reply("one two three")])
    reply = await bench.ask(streamed=True)
    assert reply.text == "one two three"
    assert "".join(bench.pieces) == "one two "
    assert [outcome for _, outcome in bench.outcomes] == ["ModelUnavailable", "ok"]
    assert bench.entries[0].output_tokens > 0


async def test_cancelling_leaves_an_entry(bench: Bench) -> None:
    bench.server.script.append(HANG)
    task = asyncio.create_task(bench.ask())
    while not bench.server.history:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.outcomes == [("gpt-4o-mini", "Cancelled")]


async def test_a_cut_reply_says_so(bench: Bench) -> None:
    bench.server.script.append(Reply("Half an ans", finish_reason="length"))
    assert (await bench.ask()).notes == (CUT_NOTE,)


async def test_a_try_that_told_nothing_leaves_the_next_call_to_try(bench: Bench) -> None:
    """One that was stopped, or had no money: those after it would be put off for a call never made."""
    bench.server.script.extend([rejection(500)] * 5)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            await bench.ask()
    bench.clock.at += PROBE_AFTER
    bench.server.script.extend([rejection(400), HANG])
    with pytest.raises(ModelRefused):
        await bench.ask()
    stopped = asyncio.create_task(bench.ask())
    async with asyncio.timeout(10):
        while len(bench.server.history) < 7:
            await asyncio.sleep(0.01)
    stopped.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stopped
    assert (await bench.ask()).text
    assert not await bench.models.unusable()


async def test_a_failing_provider_rests(bench: Bench) -> None:
    bench.server.script.extend([rejection(500)] * 5)
    for _ in range(2):
        with pytest.raises(ModelUnavailable):
            await bench.ask()
    assert len(bench.server.history) == 5
    with pytest.raises(ModelResting) as caught:
        await bench.ask()
    assert 29 <= int(caught.value.facts["again_s"]) <= 30
    assert len(bench.server.history) == 5
    await bench.clock.sleep(31)
    assert (await bench.ask()).text


async def test_without_usage_tokens_are_counted_roughly(bench: Bench) -> None:
    bench.server.script.append(Reply("x" * 400, has_usage=False))
    reply = await bench.ask()
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (4, 100)


async def test_an_unknown_alias(bench: Bench) -> None:
    with pytest.raises(UnknownAlias) as caught:
        await bench.ask("careful")
    assert caught.value.facts["setting"] == "SPANWISE_MODELS"
    assert not bench.entries


async def test_no_error_of_a_provider_gets_out(bench: Bench) -> None:
    bench.server.script.append(rejection(401))
    with pytest.raises(ModelError) as caught:
        await bench.ask()
    error: BaseException | None = caught.value
    assert error is not None
    assert error.__cause__ is None
    assert error.__suppress_context__
    assert "sk-secret" not in str(caught.value.facts)


async def test_many_calls_at_once(bench: Bench) -> None:
    replies = await asyncio.gather(*(bench.ask() for _ in range(64)))
    assert len({reply.text for reply in replies}) == 1
    assert len(bench.entries) == 64
