"""How long to wait before a call, by a clock that stands still."""

from datetime import timedelta

from bot.slack.throttle import KEYS, Throttle
from tests.fakes import FakeClock


def test_a_burst_is_free_and_the_next_waits() -> None:
    throttle = Throttle(FakeClock())
    waits = [throttle.take("C1", every_s=1, burst=3) for _ in range(5)]
    assert waits == [0, 0, 0, 1, 2]


def test_keys_do_not_hold_each_other_up() -> None:
    throttle = Throttle(FakeClock())
    for _ in range(5):
        throttle.take("C1", every_s=1, burst=1)
    assert throttle.take("C2", every_s=1, burst=1) == 0


def test_time_makes_room() -> None:
    clock = FakeClock()
    throttle = Throttle(clock)
    for _ in range(4):
        throttle.take("C1", every_s=1, burst=2)
    assert not throttle.has_room("C1", every_s=1, burst=2)
    clock.at += timedelta(seconds=4)
    assert throttle.has_room("C1", every_s=1, burst=2)
    assert throttle.take("C1", every_s=1, burst=2) == 0


def test_what_slack_said_is_held_to() -> None:
    throttle = Throttle(FakeClock())
    throttle.hold("chat_update", 30, every_s=1, burst=5)
    assert throttle.take("chat_update", every_s=1, burst=5) == 30


def test_keys_at_rest_are_forgotten() -> None:
    clock = FakeClock()
    throttle = Throttle(clock)
    for number in range(KEYS):
        throttle.take(f"C{number}", every_s=1, burst=1)
    clock.at += timedelta(seconds=10)
    throttle.take("C1", every_s=1, burst=1)
    assert len(throttle._full_at) == 1
