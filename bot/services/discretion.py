"""Which answers one person may read among runs they may see: the documents an answer was made from decide."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bot.adapters.store.database import Connection
from bot.adapters.store.document_log import list_collections
from bot.adapters.store.run_log import RunRow
from bot.services.access import OPERATOR
from bot.services.actors import Actor, Origin
from bot.services.readers import TERMINAL, Audience, reads_there
from bot.services.run_views import Explanation


class AnswerWithheld(Exception):
    """Whoever asks may see the run and not read the documents that its answer was made from."""

    def __init__(self, run_id: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id}


class Discretion:
    """What one person may read, looked up once for many runs."""

    def __init__(self, connection: Connection, actor: Actor) -> None:
        self._actor = actor
        self._reads_all = actor.id == OPERATOR
        reader = TERMINAL if self._reads_all else Audience((frozenset({actor.id, *actor.groups}),))
        self._open = readable(connection, reader)

    def reads(self, row: RunRow) -> bool:
        """Whether the person may read the answer of a run, as its row in the store has it."""
        return self._may(row.actor_id, (Origin.from_json(row.origin),), drawn_from(row.answer))

    def reads_explained(self, explanation: Explanation) -> bool:
        """The same of a run with its steps."""
        run = explanation.run
        drawn = {str(each.get("collection", "")) for each in passages_of(explanation)}
        if run.answer is not None:
            drawn |= {*run.answer.searched, *(each.passage.collection for each in run.answer.citations)}
        return self._may(run.actor.id, explanation.places, drawn)

    def _may(self, asked_by: str, places: Iterable[Origin], drawn: Iterable[str]) -> bool:
        if self._reads_all or asked_by == self._actor.id:
            return True
        if any(reads_there(self._actor, place) for place in places):
            return True
        return self._open.issuperset(drawn)


def readable(connection: Connection, audience: Audience) -> frozenset[str]:
    """The collections that all of an audience may read."""
    return frozenset(row.name for row in list_collections(connection) if audience.may_read(row.audience))


def passages_of(explanation: Explanation) -> Iterable[Mapping[str, Any]]:
    """Every passage that a step of the run was given."""
    for step in explanation.steps:
        found = step.output.get("passages")
        yield from (each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def drawn_from(answer: Mapping[str, Any] | None) -> set[str]:
    """The collections that an answer, as the store keeps it, was made from."""
    if answer is None:
        return set()
    cited = (each["passage"].get("collection", "") for each in answer.get("citations") or ())
    return {*answer.get("searched", ()), *cited}


def withheld(explanation: Explanation) -> Explanation:
    """The same run without what it answered and read."""
    run = explanation.run
    answer = replace(run.answer, text="", citations=(), notes=()) if run.answer else None
    steps = tuple(replace(step, output={}) for step in explanation.steps)
    return replace(explanation, run=replace(run, answer=answer), steps=steps)
