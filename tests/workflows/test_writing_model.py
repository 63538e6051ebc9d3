"""Every prompt step of every shipped workflow through litellm to a server that speaks OpenAI's protocol."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.store.database import Store
from bot.adapters.system_clock import SystemClock
from tests.fakes import FakeJournal, FakeLibrary, FakeRetriever, passage
from tests.openai_server import OpenAIServer, Reply, sensible
from tests.workflows.shipped import NAMES, load, prompts
from workflows.engine import execute
from workflows.ports import ABSTAINED, Ports
from workflows.run import RunResult, RunStatus
from workflows.steps.base import AskingStep
from workflows.steps.prompt import PromptStep

CARRY_OVER = "Up to five days may be carried over until 31 March."
THREAD = "\n".join(
    [
        "Ana: The pump that we ordered for the station in Leeds is late, and the crew is on site already.",
        "Ben: The supplier says that it comes on 3 March 2027, because the seal was out of stock for weeks.",
        "Ana: Then we wait with the test. Can somebody tell the crew and move the crane to the week after?",
        "Chloe: I have moved the crane to 10 March 2027. It costs 240 EUR more than the slot we had before.",
        "Ben: Agreed. I ask the supplier for a written date and for the 240 EUR, and I tell you on Friday.",
        "Ana: Thank you. What stays open is who signs the acceptance on that day, since Dev is on leave.",
    ]
    * 3
)
INPUTS = {
    "ask-policy": {"question": "How many days of leave can I carry over?"},
    "draft-reply": {"message": "How many days of leave can I carry over?"},
    "summarise-thread": {"thread": THREAD},
    "triage-request": {"request": "My laptop screen is broken and I am on site in Leeds until Friday."},
}


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as server:
        yield server


async def run(
    store: Store, server: OpenAIServer, name: str, heard: list[str] | None = None
) -> tuple[RunResult, list[LedgerEntry]]:
    ledger: list[LedgerEntry] = []

    async def record(entry: LedgerEntry) -> None:
        ledger.append(entry)

    profiles = read_profiles(
        f'default: {{model: openai/writer, api_base: "{server.base_url}", json_mode: schema, '
        "price: {input_per_million: 1, output_per_million: 2}}"
    )
    workflow = load(name)
    ports = Ports(
        model=Models(profiles, store, environ={}).bind(record, run_id="r_1"),
        retriever=FakeRetriever(passage(text=CARRY_OVER), support=0.95),
        clock=SystemClock(),
        journal=FakeJournal(),
        library=FakeLibrary(*map(load, NAMES), prompts=prompts()),
    )
    result = await execute(
        workflow,
        inputs=workflow.read_inputs(INPUTS[name]),
        parameters=workflow.read_parameters({}),
        ports=ports,
        on_text=None if heard is None else heard.append,
    )
    return result, ledger


def quotes_the_source(body: dict[str, Any]) -> Reply:
    """A writer that keeps to what it was given."""
    if body.get("response_format"):
        return sensible(body)
    return Reply(f"{CARRY_OVER[:-1]} [1]." if CARRY_OVER in str(body) else "The pump comes on 3 March 2027.")


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("name", NAMES)
async def test_each_step_asks_the_server_once_and_the_run_succeeds(
    model_store: Store, server: OpenAIServer, name: str, streams: bool
) -> None:
    server.respond = quotes_the_source
    heard: list[str] | None = [] if streams else None
    result, ledger = await run(model_store, server, name, heard)
    assert result.status is RunStatus.SUCCEEDED, result.failure
    asked = {step.id for step in load(name).steps if isinstance(step, AskingStep)}
    done = {step.step_id for step in result.steps if step.model}
    assert done and done <= asked
    assert {entry.step_id for entry in ledger} == done
    assert all(entry.cost_usd > 0 and entry.outcome == "ok" for entry in ledger)
    assert len(server.history) == len(ledger)
    assert result.usage.cost_usd == sum(entry.cost_usd for entry in ledger)
    if heard:
        assert "".join(heard).strip() in (result.answer.text if result.answer else "")


@pytest.mark.parametrize("name", NAMES)
async def test_text_of_others_is_never_in_the_instructions(
    model_store: Store, server: OpenAIServer, name: str
) -> None:
    server.respond = quotes_the_source
    await run(model_store, server, name)
    given = next(iter(INPUTS[name].values())).splitlines()[0]
    for call in server.history:
        rules = [message["content"] for message in call.body["messages"] if message["role"] == "system"]
        assert rules
        assert not any(given in rule or CARRY_OVER in rule for rule in rules)


@pytest.mark.parametrize(
    "name",
    [
        n
        for n in NAMES
        if any(not isinstance(s, PromptStep) for s in load(n).steps if isinstance(s, AskingStep))
    ],
)
async def test_structured_steps_send_their_schema(
    model_store: Store, server: OpenAIServer, name: str
) -> None:
    server.respond = quotes_the_source
    await run(model_store, server, name)
    formats = [call.body["response_format"] for call in server.history if "response_format" in call.body]
    assert formats
    assert all(
        one["type"] == "json_schema" and one["json_schema"]["schema"]["type"] == "object" for one in formats
    )


async def test_json_that_breaks_its_schema_is_repaired_once(model_store: Store, server: OpenAIServer) -> None:
    server.respond = quotes_the_source
    server.script.append(Reply("I would say: hardware"))
    result, ledger = await run(model_store, server, "triage-request")
    assert result.status is RunStatus.SUCCEEDED
    first = server.history[0]
    (repair,) = [call for call in server.history if "I would say: hardware" in json.dumps(call.body)]
    assert repair.body["messages"][0] == first.body["messages"][0]
    assert repair.body["response_format"] == first.body["response_format"]
    steps = [entry.step_id for entry in ledger]
    assert len(steps) == len(set(steps)) + 1


async def test_json_that_stays_useless_fails_the_run_and_is_never_an_answer(
    model_store: Store, server: OpenAIServer
) -> None:
    server.respond = lambda body: Reply("not JSON at all")
    result, _ = await run(model_store, server, "triage-request")
    assert result.status is RunStatus.FAILED
    assert result.failure is not None
    assert result.failure.kind == "BadReply"
    assert result.answer is None


@pytest.mark.parametrize(
    "reply",
    [ABSTAINED, "Up to nine days may be carried over [1].", "Five days [7].", "Ask your manager."],
    ids=["abstains", "another number", "a passage it was not given", "no source"],
)
async def test_what_the_passages_do_not_say_is_not_covered(
    model_store: Store, server: OpenAIServer, reply: str
) -> None:
    server.respond = lambda body: Reply(reply)
    result, _ = await run(model_store, server, "ask-policy")
    assert result.answer is not None
    assert result.answer.outcome == "not_covered"
    assert reply not in result.answer.text


async def test_an_empty_answer_fails_with_what_to_say(model_store: Store, server: OpenAIServer) -> None:
    server.respond = lambda body: Reply("")
    result, _ = await run(model_store, server, "ask-policy")
    assert result.failure is not None
    assert result.failure.kind == "EmptyReply"
