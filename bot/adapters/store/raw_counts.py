"""Runs, spending and documents counted from their own rows: exact for any time, slow over a long one."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Select, func, select

from bot.adapters.store.ledger import ledger
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import CORRECTION, VOTE, scores
from bot.quality.tallies import Durations, Spend, Tally
from workflows.run import Ending

RunHour: TypeAlias = tuple[str, datetime]
"""A workflow and the beginning of an hour."""
SpendHour: TypeAlias = tuple[str, datetime, str, str]
"""A workflow, the beginning of an hour, a purpose and a model."""
DocumentHour: TypeAlias = tuple[str, datetime, str]
"""A workflow, the beginning of an hour, and a document's id."""
Uses: TypeAlias = tuple[int, int]
"""Answers that cite a document, and how many of those were voted down."""

Names: TypeAlias = Collection[str] | None
"""Workflows to look at; None for all."""

_WITH_ANSWER = frozenset({Ending.ANSWERED, Ending.ABSTAINED, Ending.ESCALATED})
_AMOUNTS = ("cost_usd", "input_tokens", "output_tokens")
_CALL = (
    *("workflow", "started_at", "purpose", "model", "outcome", "priced"),
    *("input_tokens", "cached_tokens", "output_tokens", "cost_usd"),
)
_COUNTED = {(VOTE, 1): "votes_up", (VOTE, -1): "votes_down", (CORRECTION, 1): "corrected"}


def hour_of(moment: datetime) -> datetime:
    """The beginning of the hour it falls into."""
    return moment.replace(minute=0, second=0, microsecond=0)


def workflow_names(connection: Connection) -> list[str]:
    """Every workflow that was ever run: one look into the index for each, however many runs there are."""
    first = select(func.min(runs.c.workflow).label("name")).cte("names", recursive=True)
    following = select(func.min(runs.c.workflow)).where(runs.c.workflow > first.c.name).scalar_subquery()
    names = first.union_all(select(following).where(first.c.name.is_not(None)))
    return list(connection.execute(select(names.c.name).where(names.c.name.is_not(None))).scalars())


def tally_of(sums: Mapping[str, Any], durations: Durations) -> Tally:
    """A tally from its sums by name."""
    return Tally(**sums, durations=durations)


def ended(connection: Connection, since: datetime, until: datetime, workflows: Names) -> Select[Any]:
    """Workflow and moment of the runs asked for in that time that have ended."""
    names = workflow_names(connection) if workflows is None else list(workflows)
    return select(runs.c.workflow, runs.c.created_at).where(
        runs.c.workflow.in_(names),
        runs.c.created_at >= since,
        runs.c.created_at < until,
        runs.c.ending.is_not(None),
    )


def count_runs(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[RunHour, Tally]:
    """Runs that have ended, by the hour in which they were asked for."""
    counts: dict[RunHour, Counter[str]] = defaultdict(Counter)
    durations: dict[RunHour, Durations] = defaultdict(Durations)
    asked = ended(connection, since, until, workflows)
    for workflow, created_at, finished_at, ending in connection.execute(
        asked.add_columns(runs.c.finished_at, runs.c.ending)
    ):
        key = (workflow, hour_of(created_at))
        counts[key].update(("runs", ending))
        if ending in _WITH_ANSWER:
            durations[key].add((finished_at - created_at).total_seconds())
    for workflow, created_at, name, value in connection.execute(_scored(asked)):
        if (name, value) in _COUNTED:
            counts[workflow, hour_of(created_at)][_COUNTED[name, value]] += 1
    for workflow, created_at, *amounts in connection.execute(_called(asked)):
        sums = counts[workflow, hour_of(created_at)]
        for name, amount in zip(_AMOUNTS, amounts, strict=True):
            sums[name] += amount
    return {key: tally_of(sums, durations[key]) for key, sums in counts.items()}


def count_spend(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[SpendHour, Spend]:
    """Calls to models, by the hour in which each began."""
    query = select(*(ledger.c[name] for name in _CALL)).where(
        ledger.c.started_at >= since, ledger.c.started_at < until
    )
    if workflows is not None:
        query = query.where(ledger.c.workflow.in_(list(workflows)))
    counts: dict[SpendHour, list[Any]] = {}
    for workflow, started_at, purpose, model, outcome, priced, *amounts in connection.execute(query):
        sums = counts.setdefault((workflow, hour_of(started_at), purpose, model), [0] * len(fields(Spend)))
        for place, amount in enumerate((1, int(outcome != "ok"), int(not priced), *amounts)):
            sums[place] += amount
    return {key: Spend(*sums) for key, sums in counts.items()}


def count_documents(
    connection: Connection, since: datetime, until: datetime, workflows: Names = None
) -> dict[DocumentHour, Uses]:
    """Answers by the documents they cite, by the hour in which they were asked for."""
    asked = ended(connection, since, until, workflows)
    votes = connection.execute(_scored(asked).add_columns(runs.c.id).where(scores.c.value < 0))
    disliked = {run_id for _, _, name, _, run_id in votes if name == VOTE}
    found: dict[DocumentHour, Uses] = {}
    answered = asked.add_columns(runs.c.id, runs.c.answer).where(runs.c.answer.is_not(None))
    for workflow, created_at, run_id, answer in connection.execute(answered):
        for document_id in cited(answer):
            key = (workflow, hour_of(created_at), document_id)
            answers, votes_down = found.get(key, (0, 0))
            found[key] = (answers + 1, votes_down + (run_id in disliked))
    return found


def cited(answer: Mapping[str, Any] | None) -> set[str]:
    """The documents that an answer, as its run keeps it, relies on."""
    citations = answer.get("citations", ()) if answer else ()
    return {citation["passage"]["document_id"] for citation in citations}


def _scored(asked: Select[Any]) -> Select[Any]:
    scored = asked.add_columns(scores.c.name, scores.c.value).join(scores, scores.c.run_id == runs.c.id)
    return scored.where(scores.c.name.in_((VOTE, CORRECTION)))


def _called(asked: Select[Any]) -> Select[Any]:
    called = asked.add_columns(*(ledger.c[name] for name in _AMOUNTS))
    return called.join(ledger, ledger.c.run_id == runs.c.id)
