"""Looks through a whole history for anything that must never have happened."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.faults.history import Call, Held, History, Journaled, Run

ACK_S = 3.0
OVER = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True)
class Violation:
    """One broken promise, and where."""

    kind: str
    what: str


def check(history: History) -> list[Violation]:
    """All violations; none is what must come out."""
    return [Violation(kind, what) for kind, look in CHECKS.items() for what in look(history)]


def _lost(history: History) -> Iterator[str]:
    """Every request that was acknowledged and not refused has a run, which is over and was told."""
    asked = {run.token for run in history.runs}
    yield from (
        f"{ask.token} has no run"
        for ask in history.asks
        if ask.ack_s is not None and not ask.refused and ask.token not in asked
    )
    yield from (f"{run.id} is {run.status}" for run in history.runs if run.status not in OVER)
    told = {message.run_id for message in history.messages}
    yield from (f"{run.id} has no message" for run in history.runs if run.id not in told)
    yield from (f"{each.id} is {each.state}" for each in history.messages if each.state != "settled")
    posted = {post.outbox_id for post in history.posts}
    yield from (f"{each.id} is not in Slack" for each in history.messages if each.id not in posted)


def _twice(history: History) -> Iterator[str]:
    """One run a request, one message in Slack a row of the outbox."""
    yield from _more_than_once("runs for", (run.token for run in history.runs))
    yield from _more_than_once(
        "messages of", (message.run_id for message in history.messages if message.run_id)
    )
    yield from _more_than_once("posts of", (post.outbox_id for post in history.posts))
    known = {message.id for message in history.messages}
    yield from (f"{post.outbox_id} was never queued" for post in history.posts if post.outbox_id not in known)


def _wrong_answer(history: History) -> Iterator[str]:
    """What stands in Slack in the end is the answer of that run to that question."""
    runs = {run.id: run for run in history.runs}
    shown = {post.outbox_id: post.text for post in history.posts}
    for message in history.messages:
        run = runs.get(message.run_id)
        if run is None or run.status != "succeeded":
            continue
        if run.token not in run.answer:
            yield f"{run.id} answers another question"
        elif run.answer not in shown.get(message.id, ""):
            yield f"{message.id} does not show its answer"


def _executed_again(history: History) -> Iterator[str]:
    """A journaled step is never journaled, and its model never asked, again."""
    first = _first_journaled(history.journal)
    yield from _more_than_once("records of", (f"{each.run_id}/{each.step_id}" for each in history.journal))
    stale = calls_of_stale_workers(history)
    late = Counter(f"{run_id}/{call.step_id}" for run_id, call in _late_calls(history, first))
    yield from (f"{key} was paid for after it was journaled" for key, n in late.items() if n > stale[key])


def _stale(history: History) -> Iterator[str]:
    """Nobody writes to a run whose fence has moved on, and nothing moves once it is over."""
    for each in history.journal:
        if each.fence != each.run_fence:
            yield f"{each.run_id}/{each.step_id} written under fence {each.fence}, not {each.run_fence}"
    final = {run.id: run for run in history.runs}
    for told in history.told:
        run = final.get(told.run_id)
        if not told.step_id and run is not None and told.fence != run.fence:
            yield f"{told.run_id} ended under fence {told.fence}, held under {run.fence}"
    for run_id, changes in _by_run(history.held).items():
        over = next((n for n, each in enumerate(changes) if each.status in OVER), len(changes))
        if len(changes) > over + 1:
            yield f"{run_id} changed after it was {changes[over].status}"
        fences = [each.fence for each in changes]
        if fences != sorted(fences):
            yield f"{run_id} went back to an earlier fence"


def _money(history: History) -> Iterator[str]:
    for each in history.money:
        if each.spent > each.limit:
            yield f"{each.budget} spent {each.spent} of {each.limit}"
        if each.reserved:
            yield f"{each.budget} still holds {each.reserved}"
        if each.spent != each.in_ledger:
            yield f"{each.budget} counts {each.spent}, the ledger {each.in_ledger}"


def _audit(history: History) -> Iterator[str]:
    if history.broken_audit:
        yield history.broken_audit


def _clock(history: History) -> Iterator[str]:
    for each in history.slots:
        if not each.slots == each.rows >= each.fired:
            yield f"{each.job}: {each.slots} slots, {each.rows} rows, fired {each.fired} times"


def _slow_ack(history: History) -> Iterator[str]:
    for ask in history.asks:
        if ask.ack_s is not None and ask.ack_s > ACK_S:
            yield f"{ask.token} was acknowledged after {ask.ack_s:.1f} s"


CHECKS = {
    "lost": _lost,
    "twice": _twice,
    "wrong answer": _wrong_answer,
    "executed again": _executed_again,
    "stale write": _stale,
    "money": _money,
    "audit": _audit,
    "clock": _clock,
    "slow ack": _slow_ack,
}


def calls_of_stale_workers(history: History) -> Counter[str]:
    """By run and step: calls that a worker made which had lost the run before the step was journaled.

    One that was frozen in the middle of a step wakes up and asks the model: what it gets it cannot write.
    """
    first = _first_journaled(history.journal)
    found: Counter[str] = Counter()
    for told in history.told:
        record = first.get((told.run_id, told.step_id))
        if record is not None and told.fence < record.fence:
            found[f"{told.run_id}/{told.step_id}"] += 1
    return found


def in_flight_again(history: History) -> int:
    """Calls that were made under one fence and once more under a later one, before the step was journaled."""
    fences = defaultdict(list)
    for each in history.held:
        if each.status == "running":
            fences[each.run_id].append(each.at)
    runs = _runs_by_token(history.runs)
    seen: dict[tuple[str, str], set[int]] = defaultdict(set)
    for call in history.calls:
        run = runs.get(call.token)
        if run is not None:
            held = sum(at <= call.at for at in fences[run.id])
            seen[run.id, call.step_id].add(held)
    return sum(len(holders) - 1 for holders in seen.values())


def _late_calls(history: History, first: dict[tuple[str, str], Journaled]) -> Iterator[tuple[str, Call]]:
    runs = _runs_by_token(history.runs)
    for call in history.calls:
        run = runs.get(call.token)
        record = first.get((run.id, call.step_id)) if run is not None else None
        if run is not None and record is not None and call.at > record.at:
            yield run.id, call


def _first_journaled(journal: Iterable[Journaled]) -> dict[tuple[str, str], Journaled]:
    first: dict[tuple[str, str], Journaled] = {}
    for each in journal:
        first.setdefault((each.run_id, each.step_id), each)
    return first


def _runs_by_token(runs: Iterable[Run]) -> dict[str, Run]:
    return {run.token: run for run in runs}


def _by_run(held: Iterable[Held]) -> dict[str, list[Held]]:
    found: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        found[each.run_id].append(each)
    return found


def _more_than_once(what: str, names: Iterable[str]) -> Iterator[str]:
    yield from (f"{count} {what} {name}" for name, count in Counter(names).items() if count > 1)
