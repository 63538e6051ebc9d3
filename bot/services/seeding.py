"""A made-up history, the same for the same seed: for tests, for benchmarks, and for the demo to open with."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from random import Random

from sqlalchemy import Connection, func, select

from bot.adapters.store import audit_log
from bot.adapters.store.bulk_rows import insert_rows
from bot.adapters.store.database import Store
from bot.adapters.store.ledger import ledger
from bot.adapters.store.run_log import runs
from bot.adapters.store.scores import scores
from bot.adapters.store.step_log import steps
from bot.services.access import OPERATOR
from bot.services.catalogue import Catalogue
from bot.services.rollups import Rollups
from bot.services.seed_calendar import SeedCalendar
from bot.services.seed_material import PROMPT, SeedWorkflow, keep_worse_prompt, material
from bot.services.seed_rows import (
    LEDGER_COLUMNS,
    RUN_COLUMNS,
    SCORE_COLUMNS,
    STEP_COLUMNS,
    RowMaker,
    SeedPerson,
    SeedRows,
)
from workflows.ports import Clock
from workflows.run import Json

BATCH = 5000
"""Runs in one transaction."""
MOST_PEOPLE = 400

OnProgress = Callable[[int, int, str], None]


class HasRuns(Exception):
    """There are runs already, and a made-up history among them could not be told apart."""

    def __init__(self) -> None:
        super().__init__("there are runs already")
        self.facts: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class SeedPlan:
    """How much history, and whose."""

    runs: int
    seed: int = 7
    weeks: int = 52
    workflows: tuple[str, ...] = ()
    """By default those that are released; others are made up as well."""
    people: tuple[SeedPerson, ...] = ()
    """By default made-up ones, more of them the more runs there are."""
    adds: bool = False
    """Write even if there are runs already."""


class Seeding:
    """Writes a history that never was, up to now."""

    def __init__(self, store: Store, catalogue: Catalogue, rollups: Rollups, clock: Clock) -> None:
        self._store = store
        self._catalogue = catalogue
        self._rollups = rollups
        self._clock = clock

    async def write(self, plan: SeedPlan, on_progress: OnProgress | None = None) -> SeedCalendar:
        """Runs with their steps, calls, votes, releases and sums by the hour. Raises HasRuns."""
        calendar = SeedCalendar(self._clock.now(), plan.weeks)
        names = plan.workflows or tuple(item.name for item in await self._catalogue.released())

        def begin(connection: Connection) -> list[SeedWorkflow]:
            if not plan.adds and connection.execute(select(runs.c.id).limit(1)).first():
                raise HasRuns
            winded = keep_worse_prompt(connection, self._catalogue, calendar.bad_prompt[0])
            self._note_events(connection, plan, calendar, winded)
            return material(connection, self._catalogue, names, winded)

        workflows = await self._store.write(begin)
        there = await self._store.read(lambda c: c.execute(select(func.count()).select_from(runs)).scalar())
        maker = RowMaker(
            Random(f"{plan.seed}:{there}"), calendar, workflows, plan.people or made_up_people(plan.runs)
        )
        done, batches = 0, maker.batches(plan.runs, BATCH)
        rows = next(batches, None)
        while rows is not None:
            # the next ones are made while these are written
            write = self._store.write(partial(_insert, rows=rows), relaxed=True)
            following, _ = await asyncio.gather(asyncio.to_thread(next, batches, None), write)
            done += len(rows.runs)
            if on_progress is not None:
                on_progress(done, plan.runs, "")
            rows = following
        await self._rollups.rebuild()
        return calendar

    def _note_events(
        self, connection: Connection, plan: SeedPlan, calendar: SeedCalendar, winded: int
    ) -> None:
        """What was released when: the facts that a report holds beside what changed."""

        def note(at: datetime, actor: str, action: str, target: str, **context: Json) -> None:
            audit_log.append_event(
                connection, actor=actor, action=action, target=target, at=at, context=context
            )

        facts: dict[str, Json] = {"runs": plan.runs, "seed": plan.seed, "weeks": plan.weeks}
        note(self._clock.now(), OPERATOR, "history.seeded", "store", **facts)
        since = calendar.since
        if calendar.price_change >= since:
            note(
                calendar.price_change, "U0DEV", "models.released", "models:models", number=1, price="changed"
            )
        if winded and calendar.bad_prompt[0] >= since:
            released, taken_back = calendar.bad_prompt
            note(released, "U0CHLOE", "prompt.released", f"prompt:{PROMPT}", number=winded)
            note(taken_back, "U0CHLOE", "prompt.rolled_back", f"prompt:{PROMPT}", number=1)


def made_up_people(count: int) -> tuple[SeedPerson, ...]:
    """People for that many runs."""
    number = max(5, min(MOST_PEOPLE, count // 60))
    teams = ("S0FIELD", "S0OFFICE", "S0SUPPORT")
    return tuple(
        SeedPerson(f"U0SEED{place:04d}", f"Person {place}", teams[place % 3], ("C0SEED",))
        for place in range(1, number + 1)
    )


def _insert(connection: Connection, rows: SeedRows) -> None:
    insert_rows(connection, runs, RUN_COLUMNS, rows.runs)
    insert_rows(connection, ledger, LEDGER_COLUMNS, rows.ledger)
    insert_rows(connection, steps, STEP_COLUMNS, rows.steps)
    insert_rows(connection, scores, SCORE_COLUMNS, rows.scores)
