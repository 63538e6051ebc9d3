"""The whole product beside a provider: runs with loops and retries, evaluations, judges and a replay."""

import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.bootstrap import Product, build
from bot.governance.budget import WORKSPACE, Period
from bot.governance.roles import Role
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Content
from bot.services.run_views import RunView
from bot.services.runs import RunRequest
from bot.settings_reading import settings_from
from tests.openai_server import OpenAIServer, Reply, rejection

TERMINAL, ANA = Actor(OPERATOR), Actor("U0ANA", groups=frozenset({"S0PEOPLE", "S0ALL"}))
MODELS = """
default:
  model: openai/writer
  api_base: {base}
  price: {{input_per_million: 10, output_per_million: 100}}
  max_output_tokens: 50
  fallbacks: [spare]
spare: {{model: openai/spare, api_base: {base}, price: {{input_per_million: 20, output_per_million: 200}}}}
judge: {{model: openai/judge, api_base: {base}, price: {{input_per_million: 10, output_per_million: 100}}}}
"""
WORKFLOW = """
name: reply
title: Reply
purpose: Writes a short reply.
inputs:
  text: {kind: text, label: Text, from: message}
steps:
  - {id: write, kind: prompt, task: write, template: reply.write, text: "{{ inputs.text }}"}
  - {id: check, kind: check, of: write, checks: [{max_words: 4}], on_fail: {retry: 2, then: poor}}
answer:
  poor: "That did not work."
  otherwise: "{{ write.text }}"
"""
PROMPT = "---\nvariables: [text]\n---\nWrite a short reply.\n\n{{ text }}\n"
CASES = [
    {"id": "kind", "inputs": {"text": "Hello"}, "expect": {"rubric": "Is kind."}},
    {"id": "short", "inputs": {"text": "Bye"}, "expect": {"must_contain": ["Gladly"]}},
]


def respond(body: Mapping[str, Any]) -> Reply:
    if body["model"] == "judge":
        return Reply(json.dumps({"score": 0.9, "reason": "It is kind."}))
    return Reply("Gladly, see you.")


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer(respond=respond) as server:
        yield server


@pytest.fixture
async def product(server: OpenAIServer, tmp_path: Path, database_url: str) -> AsyncIterator[Product]:
    file = tmp_path / "models.yaml"
    file.write_text(MODELS.format(base=server.base_url))
    settings = settings_from(
        SPANWISE_DATA_DIR=tmp_path / "var",
        SPANWISE_MODELS=file,
        DATABASE_URL=database_url,
        SPANWISE_TEAMS="S0PEOPLE",
    )
    made = build(settings)
    await made.access.grant(TERMINAL, "everyone", Role.RUNNER)
    await made.catalogue.seed(
        [Content("prompt", "reply.write", PROMPT), Content("workflow", "reply", WORKFLOW)]
    )
    await made.catalogue.seed([Content("models", "models", file.read_text())], "settings")
    await made.golden.keep_file(TERMINAL, "reply", json.dumps(CASES))
    yield made
    await made.close()


async def run(product: Product, key: str) -> RunView:
    request = RunRequest(key, ANA, "reply", {"text": "Hello"}, Origin("command", channel_id="C0PEOPLE"))
    run_id = (await product.runs.accept(request)).run_id
    await product.worker().drain()
    return await product.runs.view(run_id)


def ledger(product: Product) -> list[Any]:
    columns = "model, purpose, input_tokens, output_tokens, cost_usd, run_id, workflow, person, team, channel"
    return product.store.write_now(
        lambda c: list(c.exec_driver_sql(f"SELECT {columns} FROM ledger ORDER BY seq"))
    )


async def test_every_call_of_the_product_is_in_the_ledger_once(
    product: Product, server: OpenAIServer
) -> None:
    await product.budgets.set_limit(TERMINAL, WORKSPACE, Decimal(100), Period.DAY)
    first = await run(product, "k1")
    # too long twice, so written three times; one of the calls fails, one goes to the spare
    server.script.extend(
        [Reply("one two three four five"), rejection(500), Reply("one two three four five"), rejection(404)]
    )
    second = await run(product, "k2")
    report = await product.evaluations.evaluate("reply", by="U0OWN")
    replay = await product.replays.replay(TERMINAL, first.id)
    rows = ledger(product)

    assert Counter(f"openai/{call.model}" for call in server.history) == Counter(row[0] for row in rows)
    billed = Counter((f"openai/{b.model}", b.input_tokens, b.output_tokens) for b in server.bills)
    assert billed == Counter((row[0], row[2], row[3]) for row in rows if row[2] or row[3])
    assert Counter(row[1] for row in rows) == {"answer": 6, "evaluation": 3, "judge": 1}

    by_run: Counter[str] = Counter()
    for row in rows:
        by_run[row[5]] += Decimal(str(row[4]))
    assert first.usage.cost_usd == by_run[first.id] > 0
    assert second.usage.cost_usd == by_run[second.id] > 3 * first.usage.cost_usd
    assert report.cost_usd == by_run[report.id] > 0
    assert replay.new.tally.cost_usd > 0

    spent = sum((Decimal(str(row[4])) for row in rows), Decimal(0))
    (view,) = await product.budgets.overview(TERMINAL)
    assert view.balance.spent_usd == spent
    # in advance, for the next calls of this process
    assert view.balance.reserved_usd <= 2
    assert {row[6] for row in rows} == {"reply"}
    assert {tuple(row[7:]) for row in rows if row[5] == first.id} == {("U0ANA", "S0PEOPLE", "C0PEOPLE")}
    assert {row[7] for row in rows if row[5] == report.id} == {"U0OWN"}


async def test_a_run_that_no_budget_pays_for_says_so(product: Product, server: OpenAIServer) -> None:
    await product.budgets.set_limit(TERMINAL, WORKSPACE, Decimal("0.0001"), Period.DAY)
    refused = await run(product, "k1")
    assert refused.failure is not None
    assert refused.failure.kind == "BudgetSpent"
    assert refused.failure.facts["scope"] == "workspace"
    report = await product.evaluations.evaluate("reply", by="U0OWN")
    assert not report.is_complete
    assert server.history == []
    await product.budgets.lift(TERMINAL, WORKSPACE)
    assert (await run(product, "k2")).failure is None
