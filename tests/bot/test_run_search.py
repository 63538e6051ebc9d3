"""Finding runs: the same as a slow filter in Python, in order, page by page, on both engines."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.store import run_search
from bot.adapters.store.database import Store
from bot.adapters.store.run_search import Found, Place, Sight, every_run, find_runs
from bot.governance.run_filter import STATES, UNFINISHED, RunFilter
from tests.bot.history_rows import NOW, Past, insert_past
from workflows.run import Ending, RunStatus, ending_of

WORKFLOWS = ("ask-policy", "draft-reply", "triage-request")
PEOPLE = ("U0ANA", "U0BEN", "U0DEV")
WORDS = ("Leave", "leave 100%", 'say "no"', "a_b", "über", "ÜBER", "ΣΑΣ", "\u212a", "C:\\x", "tab\there", "İ")

pasts = st.builds(
    Past,
    id=st.just(""),
    workflow=st.sampled_from(WORKFLOWS),
    person=st.sampled_from(PEOPLE),
    status=st.sampled_from(list(RunStatus)),
    question=st.sampled_from(WORDS),
    text=st.sampled_from(WORDS),
    abstained=st.booleans(),
    asked_at=st.integers(0, 8).map(lambda hours: NOW - timedelta(hours=hours)),
    votes=st.dictionaries(st.sampled_from(PEOPLE), st.sampled_from([1, -1]), max_size=2),
)
histories = st.lists(pasts, max_size=14).map(
    lambda found: [Past(**{**vars(past), "id": f"r_{number:02d}"}) for number, past in enumerate(found)]
)
filters = st.builds(
    RunFilter,
    workflow=st.sampled_from(("", *WORKFLOWS)),
    person=st.sampled_from(("", *PEOPLE)),
    state=st.sampled_from(("", "", "", *STATES)),
    vote=st.sampled_from(("", "", "up", "down")),
    text=st.sampled_from(("", "", "", *WORDS, "LEAVE", "100%", "_", "\\", "question", "σας")),
    since=st.none() | st.integers(0, 8).map(lambda hours: NOW - timedelta(hours=hours)),
    until=st.none() | st.integers(0, 8).map(lambda hours: NOW - timedelta(hours=hours, minutes=30)),
)
sights = st.builds(
    Sight,
    person=st.sampled_from(("", "U0ANA", "U0WHO")),
    workflows=st.none() | st.frozensets(st.sampled_from(WORKFLOWS)),
)


def is_seen(past: Past, sight: Sight) -> bool:
    is_open = sight.workflows is None or past.workflow in sight.workflows
    return is_open or (sight.person != "" and past.person == sight.person)


def is_in_state(past: Past, state: str) -> bool:
    ending = ending_of(past.status, past.answer)
    if state == "open":
        return past.status in UNFINISHED
    return (
        state == (ending.value if ending else past.status.value)
        if state in set(Ending)
        else state == past.status
    )


def lower(text: str) -> str:
    return "".join(
        "σ" if letter in "Σς" else letter if letter in "\u212aİ" else letter.lower() for letter in text
    )


def is_wanted(past: Past, wanted: RunFilter, may_read: Callable[[Past], bool]) -> bool:
    texts = [past.question, *([past.text] if past.answer and may_read(past) else [])]
    return (
        wanted.workflow in ("", past.workflow)
        and wanted.person in ("", past.person)
        and (not wanted.state or is_in_state(past, wanted.state))
        and (not wanted.vote or (1 if wanted.vote == "up" else -1) in past.votes.values())
        and (not wanted.text or any(lower(wanted.text) in lower(text) for text in texts))
        and (wanted.since is None or past.asked_at >= wanted.since)
        and (wanted.until is None or past.asked_at < wanted.until)
    )


def empty(store: Store) -> None:
    def act(connection: Any) -> None:
        for table in ("scores", "steps", "ledger", "runs"):
            connection.exec_driver_sql(f"DELETE FROM {table}")

    store.write_now(act)


def fill(store: Store, history: Sequence[Past]) -> None:
    store.write_now(lambda connection: [insert_past(connection, past) for past in history])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    history=histories, wanted=st.lists(filters, min_size=4, max_size=4), sight=sights, limit=st.integers(1, 5)
)
def test_pages_are_those_of_a_slow_filter(
    store: Store, history: list[Past], wanted: list[RunFilter], sight: Sight, limit: int
) -> None:
    empty(store)
    fill(store, history)
    hidden = {past.id for past in history[::3]}

    def look(one: RunFilter, start: Place | None, ascending: bool) -> Found:
        options: Any = {"limit": limit, "start": start, "ascending": ascending}
        options["reads"] = lambda row: row.id not in hidden
        return store.read_now(lambda connection: find_runs(connection, one, sight, **options))

    def walked(one: RunFilter, *, ascending: bool) -> list[str]:
        ids: list[str] = []
        start: Place | None = None
        while True:
            found = look(one, start, ascending)
            ids += [row.id for row in found.rows]
            assert found.rest is None or len(found.rows) == limit
            if found.rest is None:
                return ids
            start = found.rest

    for one in wanted:
        slow = [
            past
            for past in history
            if is_seen(past, sight) and is_wanted(past, one, lambda past: past.id not in hidden)
        ]
        slow.sort(key=lambda past: (past.asked_at, past.id), reverse=True)
        assert walked(one, ascending=False) == [past.id for past in slow]
        assert walked(one, ascending=True) == [past.id for past in reversed(slow)]


def test_a_long_look_for_a_text_stops_and_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_search, "CHUNK", 2)
    monkeypatch.setattr(run_search, "MOST_LOOKED_AT", 8)
    history = [
        Past(
            f"r_{number:02d}",
            question="needle" if number in (0, 12) else "hay",
            asked_at=NOW - timedelta(hours=number),
            workflow=WORKFLOWS[number % 2],
            person="U0ANA",
        )
        for number in range(20)
    ]
    fill(store, history)
    sight, wanted = Sight("U0ANA", frozenset({"ask-policy"})), RunFilter(text="NEEDLE")

    def look(start: Place | None) -> Found:
        return store.read_now(lambda c: find_runs(c, wanted, sight, limit=5, start=start))

    first = look(None)
    assert [row.id for row in first.rows] == ["r_00"] and first.is_cut and first.rest is not None
    second = look(first.rest)
    assert [row.id for row in second.rows] == ["r_12"]
    ids: list[str] = []
    start: Place | None = None
    for _ in range(20):
        found = look(start)
        ids += [row.id for row in found.rows]
        start = found.rest
        if start is None:
            break
    assert ids == ["r_00", "r_12"] and start is None
    chunks = store.read_now(lambda c: list(every_run(c, wanted, sight, reads=lambda row: True, rows=1)))
    assert [row.id for rows in chunks for row in rows] == ["r_12", "r_00"]
