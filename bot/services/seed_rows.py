"""The rows of a made-up history, run by run: everything that chance decides comes from one generator."""

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any

from bot.adapters.store.tables import canonical_json
from bot.quality.complaint import REASONS, Reason
from bot.services.actors import Actor, Origin
from bot.services.complaints import CORRECTION, REASON, VOTE, person_source
from bot.services.seed_calendar import WEEK, SeedCalendar
from bot.services.seed_material import MODEL, OTHER, SHARES, SeedAsk, SeedWorkflow
from bot.services.seed_topics import AFTER, BEFORE, CORRECTIONS
from workflows.run import Ending

RUN_COLUMNS = (
    *(
        "id",
        "workflow",
        "version",
        "title",
        "inputs",
        "actor_id",
        "actor",
        "origin",
        "follows",
        "label",
        "pins",
    ),
    *(
        "status",
        "owner",
        "fence",
        "attempts",
        "due_at",
        "step_number",
        "step_total",
        "step_title",
        "revision",
    ),
    *("answer", "failure", "created_at", "started_at", "finished_at", "ending"),
)
LEDGER_COLUMNS = (
    *("run_id", "step_id", "purpose", "alias", "model", "input_tokens", "output_tokens", "cost_usd"),
    *("started_at", "seconds", "outcome", "priced", "cached_tokens", "served_by", "workflow", "versions"),
    *("person", "team", "channel"),
)
STEP_COLUMNS = (
    *("run_id", "step_id", "position", "fence", "kind", "status", "output", "started_at", "finished_at"),
    *("attempts", "input_tokens", "output_tokens", "cost_usd", "model", "failure", "because"),
)
SCORE_COLUMNS = ("run_id", "name", "source", "value", "reason", "created_at", "updated_at")

CHEAP, DEAR = (20_000, 80_000), (25_000, 100_000)
"""What a token given and a token written cost before and after the price change, in 10 ** UNIT dollars."""
UNIT = -10
STEPS_FOR = 6 * WEEK
"""How far back runs have their steps: what is older has been cleared away."""
CANCELLED, FAILED, OUTAGE_FAILS = 0.006, 0.008, 0.9
VOTED, LIKED, DISLIKED_WHEN_BAD, DISLIKED_WHEN_SILENT = 0.16, 0.88, 0.55, 0.7
UNREACHABLE = canonical_json({"facts": {"alias": "default"}, "kind": "ModelUnavailable", "token": ""})


@dataclass(frozen=True, slots=True)
class SeedPerson:
    """Somebody of the history."""

    id: str
    name: str
    team: str = ""
    channels: tuple[str, ...] = ()


@dataclass(slots=True)
class SeedRows:
    """Rows by table, in the order of the columns above."""

    runs: list[tuple[Any, ...]] = field(default_factory=list)
    ledger: list[tuple[Any, ...]] = field(default_factory=list)
    steps: list[tuple[Any, ...]] = field(default_factory=list)
    scores: list[tuple[Any, ...]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Case:
    """One run while its rows are made."""

    id: str
    workflow: SeedWorkflow
    ask: SeedAsk
    person: SeedPerson
    at: datetime
    ending: Ending
    is_bad: bool
    seconds: float
    channel: str

    @property
    def finished_at(self) -> datetime:
        return self.at + timedelta(seconds=self.seconds)

    @property
    def is_question(self) -> bool:
        return len(self.ask.steps) > 1

    @property
    def pins(self) -> str:
        return self.workflow.winded_pins if self.is_bad else self.workflow.pins


class RowMaker:
    """Makes the rows of one run after the other."""

    def __init__(
        self,
        rng: Random,
        calendar: SeedCalendar,
        workflows: Sequence[SeedWorkflow],
        people: Sequence[SeedPerson],
    ) -> None:
        self._rng = rng
        self._calendar = calendar
        self._workflows = workflows
        self._shares = list(accumulate(SHARES.get(each.name, OTHER) for each in workflows))
        self._people = people
        # a few ask much and many ask little
        self._eagerness = list(accumulate(1 / (1 + place) ** 0.6 for place in range(len(people))))
        self._actors = {each.id: canonical_json(Actor(each.id, each.name).as_json()) for each in people}
        self._origins: dict[str, str] = {}

    def batches(self, count: int, size: int) -> Iterator[SeedRows]:
        """That many runs, so many at a time."""
        rows = SeedRows()
        for at in self._calendar.moments(self._rng, count):
            self._add(rows, self._case(at))
            if len(rows.runs) == size:
                yield rows
                rows = SeedRows()
        if rows.runs:
            yield rows

    def _case(self, at: datetime) -> _Case:
        rng = self._rng
        workflow = rng.choices(self._workflows, cum_weights=self._shares)[0]
        ask = rng.choices(workflow.asks, cum_weights=workflow.edges)[0]
        person = rng.choices(self._people, cum_weights=self._eagerness)[0]
        is_bad = bool(ask.winded) and self._calendar.is_bad_prompt(at)
        ending = self._ending(ask, at)
        seconds = rng.lognormvariate(1.15, 0.45) * (1.6 if is_bad else 1.0) + (
            rng.uniform(25, 60) if ending is Ending.FAILED else 0.0
        )
        number = base64.b32encode(rng.getrandbits(80).to_bytes(10)).decode().lower()
        channel = rng.choice(person.channels) if person.channels and rng.random() < 0.3 else ""
        at = min(at, self._calendar.until - timedelta(seconds=seconds))
        return _Case(f"r_{number}", workflow, ask, person, at, ending, is_bad, seconds, channel)

    def _ending(self, ask: SeedAsk, at: datetime) -> Ending:
        draw = self._rng.random()
        if self._calendar.is_outage(at) and draw < OUTAGE_FAILS:
            return Ending.FAILED
        if draw < FAILED:
            return Ending.FAILED
        return Ending.CANCELLED if draw < FAILED + CANCELLED else ask.ending

    def _add(self, rows: SeedRows, case: _Case) -> None:
        self._add_run(rows, case)
        called = any(step.calls for step in case.ask.steps) and case.ending is not Ending.CANCELLED
        tokens = self._tokens(case) if called else (0, 0, Decimal(0))
        if called:
            self._add_call(rows, case, tokens)
        if case.at >= self._calendar.until - STEPS_FOR and case.ending in (Ending.ANSWERED, Ending.ABSTAINED):
            _add_steps(rows, case, tokens)
        if case.ending in (Ending.ANSWERED, Ending.ABSTAINED):
            self._add_scores(rows, case)

    def _add_run(self, rows: SeedRows, case: _Case) -> None:
        rng, ask, workflow = self._rng, case.ask, case.workflow
        question = rng.choice(ask.wordings)
        if case.is_question:
            question = f"{rng.choice(BEFORE)}{question}{rng.choice(AFTER)}"
        answered = case.ending in (Ending.ANSWERED, Ending.ABSTAINED)
        status = "succeeded" if answered else case.ending.value
        answer = (ask.winded if case.is_bad else ask.answer) if answered else None
        rows.runs.append(
            (
                *(case.id, workflow.name, workflow.version, workflow.title),
                *(canonical_json({ask.input_name: question}), case.person.id, self._actors[case.person.id]),
                *(self._origin(case.channel), "", "production", case.pins, status, "", 1, 1, case.at),
                *(len(ask.steps), len(ask.steps), "", 6, answer),
                UNREACHABLE if case.ending is Ending.FAILED else None,
                *(case.at, case.at, case.finished_at, case.ending.value),
            )
        )

    def _origin(self, channel: str) -> str:
        if channel not in self._origins:
            there = Origin("mention", channel_id=channel, visibility="channel") if channel else Origin("dm")
            self._origins[channel] = canonical_json(there.as_json())
        return self._origins[channel]

    def _tokens(self, case: _Case) -> tuple[int, int, Decimal]:
        if case.ending is Ending.FAILED:
            return 0, 0, Decimal(0)
        given = int(self._rng.gauss(3200, 450)) if case.is_question else int(self._rng.gauss(900, 150))
        written = int(self._rng.gauss(130, 30) * (2.6 if case.is_bad else 1.0))
        given, written = max(given, 50), max(written, 10)
        price = DEAR if case.at >= self._calendar.price_change else CHEAP
        return given, written, Decimal(given * price[0] + written * price[1]).scaleb(UNIT)

    def _add_call(self, rows: SeedRows, case: _Case, tokens: tuple[int, int, Decimal]) -> None:
        step = next(step.step_id for step in case.ask.steps if step.calls)
        failed = case.ending is Ending.FAILED
        began = case.at + timedelta(seconds=case.seconds * 0.12)
        rows.ledger.append(
            (
                *(case.id, step, "answer", "default", MODEL, *tokens, began, round(case.seconds * 0.8, 3)),
                *("ModelUnavailable" if failed else "ok", True, 0, "" if failed else "gpt-4.1-2025-04-14"),
                *(case.workflow.name, case.pins, case.person.id, case.person.team, case.channel),
            )
        )

    def _add_scores(self, rows: SeedRows, case: _Case) -> None:
        rng = self._rng
        if rng.random() >= VOTED * (1.5 if case.is_bad else 1.0):
            return
        disliked = DISLIKED_WHEN_BAD if case.is_bad else 1 - LIKED
        if case.ending is Ending.ABSTAINED:
            disliked = DISLIKED_WHEN_SILENT
        is_down = rng.random() < disliked
        at = min(case.finished_at + timedelta(seconds=rng.expovariate(1 / 600)), self._calendar.until)
        source = person_source(case.person.id)
        rows.scores.append((case.id, VOTE, source, -1.0 if is_down else 1.0, "", at, at))
        if not is_down or rng.random() < 0.4:
            return
        reason = rng.choice(REASONS[:4] if case.is_question else REASONS[:2])
        if case.ending is Ending.ABSTAINED:
            reason = Reason.SHOULD_KNOW
        words = rng.choice(CORRECTIONS) if rng.random() < 0.35 else ""
        rows.scores.append((case.id, REASON, source, float(REASONS.index(reason)), reason.value, at, at))
        rows.scores.append((case.id, CORRECTION, source, 1.0 if words else 0.0, words, at, at))


def _add_steps(rows: SeedRows, case: _Case, tokens: tuple[int, int, Decimal]) -> None:
    began = case.at
    for position, step in enumerate(case.ask.steps):
        ended = case.at + timedelta(seconds=case.seconds * step.until)
        used = tokens if step.calls else (0, 0, Decimal(0))
        rows.steps.append(
            (
                *(case.id, step.step_id, position, 1, step.kind, "succeeded", step.output, began, ended, 1),
                *(*used, MODEL if step.calls else "", None, step.because),
            )
        )
        began = ended
