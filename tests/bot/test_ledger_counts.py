"""The ledger beside the provider's own statement: every call is there once, whatever happened to it."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.prices import Tokens, cost_of, own_price
from bot.adapters.profiles import read_profiles
from bot.adapters.provider_call import load_litellm
from bot.adapters.store.database import Store
from tests.bot.budget_desk import PROFILES, BudgetDesk
from tests.databases import with_tables
from tests.fakes import FakeClock
from tests.openai_server import EMPTY, GARBAGE, NO_CHOICES, OpenAIServer, Reply, rejection
from workflows.ports import ModelRefused

REPLIES = [
    Reply("Five days may be carried over [1]."),
    Reply("Yes.", cached_share=0.5),
    Reply("one two three four", finish_reason="length"),
    EMPTY,
    NO_CHOICES,
    GARBAGE,
    rejection(500),
    rejection(429),
    rejection(401),
    rejection(404, "model_not_found"),
    rejection(400, "content_policy_violation"),
    Reply("one two three four five", drop_after=2),
]
COUNTED = {"ok", "EmptyReply"}
"""Outcomes of replies that came whole, with the provider's count."""

asks = st.fixed_dictionaries(
    {
        "alias": st.sampled_from(["default", "backed", "cheap"]),
        "purpose": st.sampled_from(["answer", "judge", "evaluation", "admin"]),
        "streamed": st.booleans(),
        "words": st.integers(1, 30),
    }
)


@contextmanager
def fresh_store() -> Iterator[Store]:
    with TemporaryDirectory() as folder:
        store = Store(with_tables(Path(folder) / "spanwise.db"))
        yield store
        store.close()


async def carry_out(store: Store, script: list[Reply], wanted: list[dict[str, Any]], limit: str) -> None:
    async with OpenAIServer(respond=lambda _: Reply("Ready.")) as server:
        desk = BudgetDesk(store, server)
        if limit:
            await desk.limit(limit)
        server.script.extend(script)
        await asyncio.gather(
            *(desk.ask(run_id=f"r_{n}", **each) for n, each in enumerate(wanted)), return_exceptions=True
        )
        compare(desk)


def compare(desk: BudgetDesk) -> None:
    """Statement and ledger."""
    rows = desk.sql("SELECT model, outcome, input_tokens, output_tokens, cached_tokens, cost_usd FROM ledger")
    assert Counter(f"openai/{call.model}" for call in desk.server.history) == Counter(row[0] for row in rows)
    billed = Counter(
        (f"openai/{bill.model}", bill.input_tokens, bill.output_tokens, bill.cached_tokens)
        for bill in desk.server.bills
        if bill.input_tokens + bill.output_tokens
    )
    # a page of HTML in place of a stream is an empty reply as well, and nobody counted it
    counted = Counter((row[0], *row[2:5]) for row in rows if row[1] in COUNTED and row[2])
    assert counted - billed == Counter()
    # the statement holds as well what was refused for what it said: it is paid for and in the ledger
    assert billed - Counter((row[0], *row[2:5]) for row in rows) == Counter()
    assert sum((dollars(desk, *bill) for bill in counted.elements()), Decimal(0)) == sum(
        (Decimal(str(row[5])) for row in rows if row[1] in COUNTED), Decimal(0)
    )
    balances = desk.sql("SELECT spent_usd, reserved_usd FROM budget_balances")
    if balances:
        spent, reserved = balances[0]
        held = desk.sql("SELECT coalesce(sum(dollars), 0) FROM reservations")[0][0]
        assert (Decimal(spent) / 10**10, reserved) == (desk.spent(), held)


def dollars(desk: BudgetDesk, model: str, sent: int, given: int, cached: int) -> Decimal:
    """By the price list, worked out here."""
    profiles = read_profiles(PROFILES.format(base="http://127.0.0.1:9/v1"))
    (price,) = {
        own_price(profile.price, desk.clock.now())
        for profile in map(profiles.profile, profiles.aliases)
        if profile.model == model
    }
    assert price is not None
    low = (
        price.input_per_million if price.cached_input_per_million is None else price.cached_input_per_million
    )
    return (
        (sent - cached) * price.input_per_million + cached * low + given * price.output_per_million
    ) / 10**6


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    script=st.lists(st.sampled_from(REPLIES), max_size=20),
    wanted=st.lists(asks, min_size=1, max_size=8),
    limit=st.sampled_from(["", "0", "0.7", "3", "1000"]),
)
def test_the_ledger_is_the_providers_statement(
    script: list[Reply], wanted: list[dict[str, Any]], limit: str
) -> None:
    with fresh_store() as store:
        asyncio.run(carry_out(store, script, wanted, limit))


def test_listed_prices_are_litellms_own() -> None:
    """Each chat model of the table with plain prices: our sum is litellm's, cached input included."""
    litellm = load_litellm()
    usage = litellm.Usage(
        prompt_tokens=1000,
        completion_tokens=100,
        total_tokens=1100,
        prompt_tokens_details={"cached_tokens": 600},
    )
    profile = read_profiles("default: {model: openai/x}").profile("default")
    at = FakeClock().now()
    compared = 0
    for name in litellm.model_list[::7]:
        listed = litellm.model_cost.get(name, {})
        if listed.get("mode") != "chat" or "/" not in name:
            continue
        model = profile.model_copy(update={"model": name})
        for tokens, counts in ((Tokens(1000, 100), None), (Tokens(1000, 100, 600), usage)):
            try:
                theirs = litellm.cost_per_token(
                    model=name, prompt_tokens=1000, completion_tokens=100, usage_object=counts
                )
            except Exception:
                # providers that litellm lists and cannot call
                continue
            ours = cost_of(litellm, model, tokens, at, counts)
            if ours is not None:
                compared += 1
                assert ours == sum(Decimal(str(side)) for side in theirs).quantize(Decimal("1e-10")), name
    assert compared > 100


@pytest.mark.parametrize("streamed", [False, True])
async def test_a_reply_refused_for_its_content_is_paid_for(store: Store, streamed: bool) -> None:
    async with OpenAIServer() as server:
        desk = BudgetDesk(store, server)
        server.script.append(Reply("half of it", finish_reason="content_filter"))
        with pytest.raises(ModelRefused):
            await desk.ask(streamed=streamed)
        compare(desk)
