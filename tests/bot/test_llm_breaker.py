from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.breaker import FAILURES, PROBE_AFTER, WINDOW, Breaker
from tests.fakes import FakeClock


def opened() -> tuple[Breaker, FakeClock]:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    for _ in range(FAILURES):
        breaker.failed("a")
    return breaker, clock


def test_it_opens_for_one_provider_only() -> None:
    breaker, _ = opened()
    assert not breaker.allows("a")
    assert breaker.allows("b")


def test_one_probe_at_a_time() -> None:
    breaker, clock = opened()
    clock.at += PROBE_AFTER
    assert breaker.allows("a")
    assert not breaker.allows("a")
    breaker.failed("a")
    assert not breaker.allows("a")
    clock.at += PROBE_AFTER
    assert breaker.allows("a")
    breaker.succeeded("a")
    assert all(breaker.allows("a") for _ in range(3))


@pytest.mark.parametrize("successes", [WINDOW - FAILURES + 1, WINDOW])
def test_old_failures_are_forgotten(successes: int) -> None:
    breaker = Breaker(FakeClock().now)
    for _ in range(FAILURES - 1):
        breaker.failed("a")
    for _ in range(successes):
        breaker.succeeded("a")
    breaker.failed("a")
    assert breaker.allows("a")


@given(st.lists(st.sampled_from(["fail", "succeed", "wait"]), max_size=80))
def test_never_shut_for_ever(events: list[str]) -> None:
    clock = FakeClock()
    breaker = Breaker(clock.now)
    for event in events:
        if event == "wait":
            clock.at += timedelta(seconds=7)
        elif breaker.allows("a"):
            (breaker.failed if event == "fail" else breaker.succeeded)("a")
    clock.at += PROBE_AFTER
    assert breaker.allows("a")
