"""The cap of an evaluation: never passed by what was put aside, never stuck, never forgotten."""

import asyncio
import random
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.store.database import Store
from bot.services.spending import Account, Purse, SpendingCapReached, Tally
from tests.openai_server import OpenAIServer, Reply
from workflows.ports import Message, ModelRequest, Task

PROFILES = """
default:
  model: openai/priced
  api_base: {base}
  price: {{input_per_million: 1000, output_per_million: 1000}}
free:
  model: openai/unknown-to-anybody
  api_base: {base}
"""


def request(alias: str = "default", tokens: int | None = 10) -> ModelRequest:
    return ModelRequest(
        alias,
        (Message("user", "x" * 36),),
        Task("write"),
        "answer",
        max_output_tokens=tokens,
    )


cents = st.integers(0, 40).map(lambda each: Decimal(each) / 100)


@given(st.lists(st.tuples(cents, st.floats(0, 1)), max_size=12), cents, st.integers(0, 10**6))
def test_the_cap_holds_whatever_order_calls_end_in(
    calls: list[tuple[Decimal, float]], cap: Decimal, seed: int
) -> None:
    draw = random.Random(seed)

    async def call(purse: Purse, dollars: Decimal, share: float) -> bool:
        if not await purse.put_aside(dollars):
            return False
        for _ in range(draw.randrange(4)):
            await asyncio.sleep(0)
        purse.count((dollars * Decimal(share)).quantize(Decimal("0.0001")))
        await purse.take_back(dollars)
        return True

    async def whole() -> tuple[Purse, list[bool]]:
        purse = Purse(cap)
        async with asyncio.timeout(5):
            return purse, await asyncio.gather(*(call(purse, *each) for each in calls))

    purse, made = asyncio.run(whole())
    assert purse.spent_usd <= cap or not any(dollars for dollars, _ in calls)
    assert all(done for (dollars, _), done in zip(calls, made, strict=True) if not dollars)
    assert purse.is_closed is not all(made)


def test_what_fits_once_others_are_paid_is_not_refused() -> None:
    async def whole() -> bool:
        purse = Purse(Decimal(1))
        assert await purse.put_aside(Decimal("0.9"))
        waiting = asyncio.create_task(purse.put_aside(Decimal("0.9")))
        await asyncio.sleep(0)
        assert not waiting.done(), "it waits for what the first did cost"
        purse.count(Decimal("0.05"))
        await purse.take_back(Decimal("0.9"))
        return await waiting

    assert asyncio.run(whole())


async def test_calls_are_estimated_counted_and_kept_under_their_purpose(model_store: Store) -> None:
    kept: list[LedgerEntry] = []

    async def record(entry: LedgerEntry) -> None:
        kept.append(entry)

    async with OpenAIServer(respond=lambda _: Reply("one two three")) as server:
        models = Models(read_profiles(PROFILES.format(base=server.base_url)), model_store, environ={})
        account = Account(models, Purse(Decimal("0.03")), record, "e_1")
        tally = Tally()
        model = account.model(tally, "evaluation", "")
        assert await models.estimate(request()) == Decimal("0.02"), "ten tokens each way"
        await model.complete(request())
        assert tally.cost_usd == account.purse.spent_usd == kept[0].cost_usd > 0
        assert (kept[0].purpose, kept[0].run_id) == ("evaluation", "e_1")
        with pytest.raises(SpendingCapReached) as caught:
            await model.complete(request(tokens=100))
        assert caught.value.facts["cap"] == "0.03" and tally.hit_the_cap
        with pytest.raises(SpendingCapReached):
            await model.complete(request(tokens=1))
        assert len(server.history) == 1, "what did not fit was never sent"


async def test_a_model_without_a_price_is_free_and_says_so(model_store: Store) -> None:
    async def record(entry: LedgerEntry) -> None:
        pass

    async with OpenAIServer() as server:
        models = Models(read_profiles(PROFILES.format(base=server.base_url)), model_store, environ={})
        account = Account(models, Purse(Decimal(0)), record, "e_1")
        tally = Tally()
        await account.model(tally, "judge", "").complete(request("free"))
    assert not tally.is_priced and tally.cost_usd == 0
    assert models.writes("free") and models.has("free") and not models.has("judge")
    shipped = read_profiles("default: {model: spanwise/quote}")
    assert not Models(shipped, model_store, environ={}).writes("default")
