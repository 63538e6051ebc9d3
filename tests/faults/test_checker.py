"""The checker finds each kind of broken promise when one is planted in a history that keeps them all."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from tests.faults.chaos_figures import recovery
from tests.faults.checker import calls_of_stale_workers, check, in_flight_again
from tests.faults.history import (
    Ask,
    Call,
    Held,
    History,
    Journaled,
    Message,
    Money,
    Post,
    Run,
    Slots,
    Told,
)


def sound() -> History:
    """Two runs; the worker of the second was killed in its step and another did it again."""
    return History(
        asks=[
            Ask("k000001", 0.1),
            Ask("k000002", 0.2),
            Ask("k000003", None),
            Ask("k000004", 2.5, "NotInTime"),
        ],
        runs=[
            Run("r1", "k000001", "succeeded", 1, "The answer to k000001."),
            Run("r2", "k000002", "failed", 2, failure="BudgetSpent"),
        ],
        messages=[
            Message("m1", "r1", "settled"),
            Message("m2", "r2", "settled"),
            Message("n", "", "settled"),
        ],
        posts=[Post("m1", "The answer to k000001."), Post("m2", "That did not work."), Post("n", "Notice")],
        held=[
            Held("r1", 1, "host:1:a", "running", 1.0),
            Held("r1", 1, "", "succeeded", 3.0),
            Held("r2", 1, "host:1:a", "running", 1.0),
            Held("r2", 2, "host:2:b", "running", 6.0),
            Held("r2", 2, "", "failed", 8.0),
        ],
        journal=[Journaled("r1", "first", 1, 1, 2.5), Journaled("r2", "first", 2, 2, 7.0)],
        calls=[Call("k000001", "first", 2.0), Call("k000002", "first", 2.0), Call("k000002", "first", 6.5)],
        told=[Told("r1", 1, "first"), Told("r1", 1), Told("r2", 2)],
        money=[Money("dear", Decimal(10), Decimal(4), Decimal(0), Decimal(4))],
        slots=[Slots("put-down-digests", 3, 3, 2)],
    )


def test_a_sound_history_has_no_violation() -> None:
    assert check(sound()) == []


def add(field: str, *items: object) -> Callable[[History], None]:
    return lambda history: getattr(history, field).extend(items)


def swap(field: str, place: int, **changes: object) -> Callable[[History], None]:
    def act(history: History) -> None:
        items = getattr(history, field)
        items[place] = replace(items[place], **changes)

    return act


def drop(field: str, place: int) -> Callable[[History], None]:
    return lambda history: getattr(history, field).pop(place)


def say(words: str) -> Callable[[History], None]:
    return lambda history: setattr(history, "broken_audit", words)


PLANTED = {
    "lost": [
        drop("runs", 0),
        swap("runs", 1, status="running"),
        drop("messages", 0),
        swap("messages", 0, state="waiting"),
        swap("messages", 0, state="refused"),
        drop("posts", 0),
    ],
    "twice": [
        add("runs", Run("r9", "k000001", "succeeded", 1, "The answer to k000001.")),
        add("messages", Message("m9", "r1", "settled")),
        add("posts", Post("m1", "The answer to k000001.")),
        add("posts", Post("m9", "Nobody queued this.")),
    ],
    "wrong answer": [
        swap("runs", 0, answer="The answer to k000002."),
        swap("posts", 0, text="Still working on it"),
    ],
    "executed again": [
        add("journal", Journaled("r1", "first", 1, 1, 2.9)),
        add("calls", Call("k000001", "first", 2.6)),
    ],
    "stale write": [
        swap("journal", 1, fence=1),
        add("told", Told("r2", 1)),
        add("held", Held("r1", 2, "host:2:b", "running", 4.0)),
        add("held", Held("r2", 1, "", "failed", 9.0)),
    ],
    "money": [
        swap("money", 0, spent=Decimal(11), in_ledger=Decimal(11)),
        swap("money", 0, reserved=Decimal(1)),
        swap("money", 0, in_ledger=Decimal(5)),
    ],
    "audit": [say("row 7 is altered")],
    "clock": [swap("slots", 0, rows=4), swap("slots", 0, fired=4), swap("slots", 0, slots=4)],
    "slow ack": [swap("asks", 0, ack_s=3.2)],
}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, n) for kind, acts in PLANTED.items() for n in range(len(acts))]
)
def test_what_is_planted_is_found(kind: str, number: int) -> None:
    history = sound()
    PLANTED[kind][number](history)
    assert kind in {each.kind for each in check(history)}


def test_a_call_of_a_worker_that_lost_its_run_is_told_apart() -> None:
    history = sound()
    history.calls.append(Call("k000002", "first", 7.5))
    assert [each.kind for each in check(history)] == ["executed again"]
    history.told.append(Told("r2", 1, "first"))
    assert check(history) == [] and calls_of_stale_workers(history).total() == 1


def test_what_was_in_flight_and_how_long_a_takeover_took() -> None:
    history = sound()
    assert in_flight_again(history) == 1
    assert recovery(history.held, [(1, 4.5), (2, 7.5)]) == [1.5]
