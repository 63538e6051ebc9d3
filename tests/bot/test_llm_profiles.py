import re
from pathlib import Path

import pytest

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.profiles import SHIPPED, InvalidProfiles, ModelProfiles, load_profiles, read_profiles
from bot.adapters.store.database import Store
from tests.openai_server import OpenAIServer
from workflows.ports import Message, ModelRequest, Task, UnknownAlias

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)

WRONG = [
    pytest.param("default: {model: openai/x, modle: y}", 1, "modle", id="unknown key"),
    pytest.param("default:\n  model: gpt-4o\n", 2, "model", id="no provider"),
    pytest.param("default:\n  model: openai/x\n  api_base: gateway\n", 3, "api_base", id="no url"),
    pytest.param(
        "default:\n  model: openai/x\n  api_base: http://me:pw@host/v1\n",
        3,
        "api_key_env",
        id="secret in url",
    ),
    pytest.param("default:\n  model: openai/x\n  fallbacks: [nobody]\n", 3, "nobody", id="no fallback"),
    pytest.param("other:\n  model: openai/x\n", 1, "default", id="no default"),
    pytest.param("default:\n  model: openai/x\n  params: {api_key: k}\n", 3, "api_key", id="key in file"),
    pytest.param("default:\n  model: openai/x\n  temperature: hot\n", 3, "temperature", id="no number"),
    pytest.param("default: &a {model: openai/x}\nb: *a\n", 1, "anchors", id="anchor"),
    pytest.param("- default", 1, "", id="a list"),
    pytest.param("", 1, "empty", id="empty"),
]


@pytest.mark.parametrize(("text", "line", "word"), WRONG)
def test_what_is_wrong_and_where(text: str, line: int, word: str) -> None:
    with pytest.raises(InvalidProfiles) as caught:
        read_profiles(text, source="my-models.yaml")
    (problem, *_) = caught.value.problems
    assert problem.line == line
    assert word in str(problem)
    assert caught.value.facts["setting"] == "SPANWISE_MODELS"


def test_all_problems_at_once() -> None:
    with pytest.raises(InvalidProfiles) as caught:
        read_profiles("default:\n  model: nothing\n  temperature: 9\nb:\n  model: x/y\n  zip: 1\n")
    assert [problem.line for problem in caught.value.problems] == [2, 3, 6]


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidProfiles):
        load_profiles(tmp_path / "none.yaml")


def test_the_shipped_file_needs_nothing() -> None:
    profiles = load_profiles()
    assert profiles.aliases == ("default",)
    assert profiles.profile("default").model == "spanwise/quote"
    assert "key" not in SHIPPED.read_text().replace("needs no key", "")


def test_a_chain_holds_each_model_once_and_inherits_no_key() -> None:
    profiles = read_profiles(
        "default: {model: openai/a, api_key_env: K, temperature: 0.5, fallbacks: [b, openai/c, default, b]}\n"
        "b: {model: openai/b}\n"
    )
    chain = profiles.chain("default")
    assert [profile.model for profile in chain] == ["openai/a", "openai/b", "openai/c"]
    assert (chain[2].api_key_env, chain[2].temperature) == (None, 0.5)
    with pytest.raises(UnknownAlias):
        profiles.chain("c")


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_of_the_page_are_valid(example: str) -> None:
    assert "default" in read_profiles(example).aliases


LOCAL = [e for e in EXAMPLES if re.search(r"model: (openai|hosted_vllm|ollama_chat)/", e)]


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("example", LOCAL, ids=range(len(LOCAL)))
async def test_the_examples_of_the_page_reach_a_server(
    example: str, streamed: bool, model_store: Store
) -> None:
    entries: list[LedgerEntry] = []

    async def record(entry: LedgerEntry) -> None:
        entries.append(entry)

    async with OpenAIServer() as server:
        base_url = server.base_url.removesuffix("/v1") if "ollama" in example else server.base_url
        profiles = _moved(read_profiles(example), base_url)
        keys = {"OPENAI_API_KEY": "k-1", "GATEWAY_KEY": "k-1"}
        model = Models(profiles, model_store, environ=keys).bind(record)
        request = ModelRequest("default", (Message("user", "Hello"),), Task("answer"), "hello")
        reply = await model.complete(request, (lambda _: None) if streamed else None)
    assert reply.text == "Up to five days may be carried over [1]."
    assert [entry.outcome for entry in entries] == ["ok"]
    sent = server.history[0].headers.get("Authorization", "")
    assert "k-1" in sent or "api_key_env" not in example


def _moved(profiles: ModelProfiles, base_url: str) -> ModelProfiles:
    """The same profiles with their provider on this machine."""
    moved = {alias: profiles.profile(alias) for alias in profiles.aliases}
    return ModelProfiles({a: p.model_copy(update={"api_base": base_url}) for a, p in moved.items()})
