"""`python -m bot drill outage`: a rehearsal on a database of its own, with stand-ins for all providers."""

from pathlib import Path

import pytest

from bot import drill
from bot.adapters.local_provider import LocalProvider
from bot.adapters.profiles import read_profiles
from tests.fakes import FakeClock
from tests.product.terminal import Ran, Terminal

BACKED = """
default:
  model: openai/gpt-4o-mini
  api_base: https://gateway.example/v1
  api_key_env: GATEWAY_KEY
  timeouts: {connect_s: 2}
  requests_per_minute: 600
  fallbacks: [spare, anthropic/claude-sonnet-4-5, spanwise/quote]
spare: {model: hosted_vllm/unheard-of, api_base: "http://10.0.0.1/v1"}
"""
ALONE = "default: {model: openai/gpt-4o-mini}"


def outage(folder: Path, models: str, provider: str = "openai") -> Ran:
    """Type the command; six runs within a second."""
    (folder / "models.yaml").write_text(models, encoding="utf-8")
    terminal = Terminal(folder / "var", {"SPANWISE_MODELS": str(folder / "models.yaml")})
    return terminal("drill", "outage", "--provider", provider, "--runs", "6", "--seconds", "1")


def rows_of(ran: Ran) -> dict[str, str]:
    """What the table says."""
    cells = [line.split("  ", 1) for line in ran.out.splitlines() if "  " in line.strip()]
    return {name.strip(): value.strip() for name, value in cells}


def test_a_fallback_answers_and_nothing_is_lost(tmp_path: Path) -> None:
    ran = outage(tmp_path, BACKED)
    assert ran.code == 0, ran.err
    rows = rows_of(ran)
    assert rows["Runs lost"] == "0" and rows["Runs answered"] == "6 of 6"
    assert rows["… by a fallback"] == "6" and rows["… after waiting for the provider"] == "0"
    assert rows["Time to the first fallback"].endswith(" s")
    asked, failed = rows["Calls to the provider"].split(", of which ")
    assert failed == f"{asked} failed"
    assert rows["Extra spend"].endswith("without calls whose price nobody knows")
    assert not (tmp_path / "var").exists(), "nothing of the installation was touched"


def test_runs_that_are_not_answered_in_time_count_as_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drill, "LONGEST_S", 0.2)
    ran = outage(tmp_path, ALONE)
    assert ran.code == 1
    assert rows_of(ran)["Runs lost"] == "6"
    assert rows_of(ran)["Time to the first fallback"] == "no fallback answered"


@pytest.mark.parametrize("provider", ["anthropic", "spanwise"])
def test_a_provider_that_serves_no_alias_is_refused(tmp_path: Path, provider: str) -> None:
    ran = outage(tmp_path, ALONE, provider)
    assert ran.code == 1
    assert f"served by “{provider}”" in ran.err and "(openai)" in ran.err


async def test_no_key_and_no_address_of_the_installation_is_in_it() -> None:
    async with LocalProvider() as stand_in:
        plan = drill.Plan("openai", 1, 1)
        found = drill.rehearsed(read_profiles(BACKED), plan, stand_in, FakeClock().now())
        assert found.aliases == ("default",)
        bases = [profile.get("api_base", stand_in.base_url("")) for profile in found.profiles.values()]
        assert all(base.startswith("http://127.0.0.1:") for base in bases)
    assert "GATEWAY_KEY" not in str(found.profiles)
    first = found.profiles["default"]
    assert (first["timeouts"]["connect_s"], first["requests_per_minute"]) == (2, 600)
    assert first["fallbacks"] == ["default-1", "default-2", "default-3"]
    assert found.profiles["default-3"] == {"model": "spanwise/quote"}
    assert first["price"] == [{"input_per_million": "0.1500000000", "output_per_million": "0.6000000000"}]
