"""kill -9 at each boundary of a run's life: one run, one message, one answer, no finished step paid again."""

import itertools
import multiprocessing.process
import signal
import sys
from collections.abc import Iterator

import pytest
from sqlalchemy import text

from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.grants import insert_grant
from bot.adapters.system_clock import SystemClock
from bot.governance.roles import EVERYTHING, Grant, Role
from tests.faults.fault_child import BOUNDARIES, STEPS, Order, live
from tests.faults.fault_slack import LONGEST_S, FaultSlack
from tests.forked import CONTEXT

pytestmark = pytest.mark.slow

PAST = {"past": "2020-01-01 00:00:00.000000"}
TELLING = frozenset({"after-outbox-claim", "after-post", "after-mark", "after-update"})


@pytest.fixture
def slack() -> Iterator[FaultSlack]:
    with FaultSlack() as slack:
        yield slack


def start(order: Order) -> "multiprocessing.process.BaseProcess":
    child = CONTEXT.Process(target=live, args=(order,))
    child.start()
    return child


def end(child: "multiprocessing.process.BaseProcess") -> int:
    """Its exit code, once it has ended by itself."""
    child.join(LONGEST_S)
    if child.exitcode is None:
        child.kill()
        child.join()
        pytest.fail("the child hangs")
    return child.exitcode


def allow_everybody(store: Store) -> None:
    now = SystemClock().now()
    store.write_now(lambda c: insert_grant(c, Grant("everyone", Role.RUNNER, EVERYTHING, "settings"), now))


def journaled(store: Store) -> set[str]:
    return store.read_now(lambda c: set(c.execute(text("SELECT step_id FROM steps")).scalars()))


def expire_leases(store: Store, slack: FaultSlack) -> None:
    """As if the time of every lease had passed: no request of a dead process is on its way after so long."""
    slack.settle()
    for table in ("runs", "outbox"):
        store.write_now(
            lambda c, table=table: c.execute(text(f"UPDATE {table} SET lease_until = :past"), PAST)
        )


def check_history(store: Store, slack: FaultSlack, requests: int = 1) -> None:
    """What must hold whatever was killed."""
    runs = store.read_now(lambda c: c.execute(text("SELECT id, status FROM runs")).all())
    assert len(runs) == requests
    assert {row.status for row in runs} == {"succeeded"}
    posted = [body["id"] for body in slack.of("post")]
    assert len(posted) == len(set(posted)) == requests, "one message a run"
    for message in posted:
        seen = [body["text"] for _, body in slack.calls if body.get("id") == message and "text" in body]
        assert seen[-1] == " ".join(STEPS), "the answer is shown in the end"
    assert store.read_now(audit_log.verify).bad_seq is None
    finished = store.read_now(lambda c: audit_log.read_events(c, action="run.finished"))
    assert len(finished) == requests


@pytest.mark.parametrize("boundary", BOUNDARIES)
def test_killed_at_a_boundary(store: Store, slack: FaultSlack, boundary: str) -> None:
    allow_everybody(store)
    order = Order(store.url, slack.url, kill_at=boundary)
    assert end(start(order)) == -signal.SIGKILL, "the boundary was never reached"
    finished, paid_before = journaled(store), len(slack.of("paid"))
    expire_leases(store, slack)
    assert end(start(Order(store.url, slack.url))) == 0
    check_history(store, slack)
    again = {body["step"] for body in slack.of("paid")[paid_before:]}
    assert again & finished == set(), "a journaled step was paid for again"
    twice = len(slack.of("paid")) - len(STEPS)
    if boundary.startswith("after-exec-"):
        assert twice == 1, "what was in flight is paid again"
    else:
        assert twice <= (boundary in TELLING), "a step runs beside these boundaries, none beside the others"


def test_killed_while_slack_stores_its_message(store: Store, slack: FaultSlack) -> None:
    """It is stored after its sender's death, and found by the next."""
    allow_everybody(store)
    slack.may_store.clear()
    child = start(Order(store.url, slack.url))
    assert slack.storing.wait(LONGEST_S)
    child.kill()
    child.join()
    slack.may_store.set()
    expire_leases(store, slack)
    assert end(start(Order(store.url, slack.url))) == 0
    check_history(store, slack)


def test_a_peer_takes_over_without_a_restart(store: Store, slack: FaultSlack) -> None:
    allow_everybody(store)
    victim = start(Order(store.url, slack.url, kill_at="after-exec-answer", lease_s=2.0))
    peer = start(Order(store.url, slack.url, lease_s=2.0))
    assert {end(victim), end(peer)} <= {0, -signal.SIGKILL}
    check_history(store, slack)


@pytest.mark.parametrize(
    ("first", "step", "beyond"),
    [
        pytest.param(3, 5, 1, id="every-fifth"),
        pytest.param(1, 1, 10, id="each", marks=pytest.mark.sweep),
    ],
)
def test_killed_before_a_statement(
    store: Store, slack: FaultSlack, first: int, step: int, beyond: int
) -> None:
    """The n-th SQL statement, n growing until so many in a row were not reached.

    How many there are differs from life to life: writes that come together share what surrounds them.
    """
    allow_everybody(store)
    killed: list[int] = []
    paid = lived = 0
    for requests in itertools.count(1):
        number = first + step * (requests - 1)
        before = len(slack.of("paid"))
        code = end(start(Order(store.url, slack.url, kill_statement=number, key=f"k{number}")))
        if code != 0:
            killed.append(number)
            expire_leases(store, slack)
            assert end(start(Order(store.url, slack.url, key=f"k{number}"))) == 0
        check_history(store, slack, requests)
        again = len(slack.of("paid")) - before - len(STEPS)
        assert again <= (code != 0), "what was in flight, and nothing else"
        paid += again
        lived = lived + 1 if code == 0 else 0
        if lived == beyond:
            break
    sys.stdout.write(
        f"kill -9 on {store.engine.dialect.name} before every {step}. statement: {len(killed)} killed, "
        f"the last before statement {killed[-1]}; runs lost 0, messages twice 0, "
        f"journaled steps paid for again 0, steps in flight paid for again {paid}\n"
    )
    assert killed[-1] > 30
