"""Replaying a run: the same inputs on today's versions, beside the answer as it was. Nothing is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection

from bot.adapters.llm import Models
from bot.adapters.store import audit_log
from bot.adapters.store.database import Store
from bot.adapters.store.document_log import collection_revisions
from bot.adapters.store.run_log import RunRow, read_run
from bot.governance.budget import Spender
from bot.quality.complaint import says_the_same
from bot.services import opaque_ids
from bot.services.access import OPERATOR
from bot.services.actors import Actor
from bot.services.billing import Billing
from bot.services.catalogue import Catalogue
from bot.services.contents import WORKFLOW
from bot.services.execution import KNOWLEDGE, audience_of
from bot.services.pinning import Pinned
from bot.services.readers import Audience
from bot.services.run_views import RunView
from bot.services.runs import Runs
from bot.services.spending import Account, Purse, Tally
from bot.services.trials import Side, Tried, carry_out
from workflows.ports import Clock
from workflows.run import RunStatus

if TYPE_CHECKING:
    from bot.services.holdings import Holdings


class NothingToReplay(Exception):
    """The run has not ended, so there is no answer to put another one beside; fact `status`."""

    def __init__(self, run_id: str, status: str) -> None:
        super().__init__(run_id)
        self.facts = {"run": run_id, "status": status}


@dataclass(frozen=True, slots=True)
class VersionMove:
    """One content that is at another version today."""

    kind: str
    name: str
    old: int | None
    """None when the run did not use it."""
    new: int | None
    """None when today's versions do not use it."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A run as it was, and the same question today."""

    old: RunView
    new: Tried
    moved: tuple[VersionMove, ...]
    version: int
    """Of the workflow, today."""

    @property
    def says_the_same(self) -> bool:
        """Whether a reader would take both answers for one."""
        old, new = self.old.answer, self.new.answer
        return old is not None and new is not None and says_the_same(old.text, new.text)


class Replays:
    """Replays runs for those who may see how they came about."""

    def __init__(
        self,
        store: Store,
        runs: Runs,
        catalogue: Catalogue,
        models: Models,
        holdings: "Holdings",
        clock: Clock,
        billing: Billing,
        cap_usd: Decimal,
    ) -> None:
        self._store = store
        self._runs = runs
        self._catalogue = catalogue
        self._models = models
        self._holdings = holdings
        self._clock = clock
        self._billing = billing
        self._cap_usd = cap_usd

    async def replay(self, actor: Actor, run_id: str) -> Replay:
        """The question of a run on what is live now, made from what its readers and the actor may read.

        Raises NotAuthorized, UnknownRun, AnswerWithheld, UnknownWorkflow, NothingToReplay, UnknownAlias.
        """
        explanation = await self._runs.explain_answer(actor, run_id)
        run = explanation.run
        if run.status not in (RunStatus.SUCCEEDED, RunStatus.FAILED):
            raise NothingToReplay(run_id, run.status.value)
        replay_id = opaque_ids.evaluation_id()
        pinned, revisions, audience = await self._store.write(
            lambda connection: self._begin(connection, actor, run, replay_id)
        )
        side, tally = Side.of(pinned, self._models), Tally()
        payer = self._billing.payer(Spender(run.workflow, actor.id, versions=pinned.pins), replay_id)
        account = Account(self._models, Purse(self._cap_usd), payer.record, replay_id, payer)
        tried = await carry_out(
            side,
            run.inputs,
            model=account.model(tally, "evaluation", pinned.models_text),
            tally=tally,
            retriever=self._holdings.retriever(audience, revisions),
            clock=self._clock,
        )
        moved = moves(run.pins, {**pinned.pins, KNOWLEDGE: revisions})
        return Replay(run, tried, moved, pinned.pins[WORKFLOW][run.workflow])

    def _begin(
        self, connection: Connection, actor: Actor, run: RunView, replay_id: str
    ) -> tuple[Pinned, Mapping[str, int], Audience]:
        self._billing.look(connection)
        row = read_run(connection, run.id)
        if row is None:
            raise LookupError(run.id)
        audit_log.append_event(
            connection,
            actor=actor.id,
            action="run.replayed",
            target=f"run:{run.id}",
            context={"evaluation": replay_id},
            at=self._clock.now(),
        )
        pinned = self._catalogue.resolve(connection, run.workflow)
        return pinned, collection_revisions(connection), _readers(actor, row)


def _readers(actor: Actor, row: RunRow) -> Audience:
    """Those of the old answer and the one who sees the new: all must be allowed what it is made from."""
    readers = audience_of(row)
    return readers if actor.id == OPERATOR else readers.and_also(actor)


def moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[VersionMove, ...]:
    """What is at another version, kind by kind; collections that the run did not know are left out."""
    found = []
    for kind in sorted({*old, *new}):
        before, after = old.get(kind, {}), new.get(kind, {})
        names = sorted(before) if kind == KNOWLEDGE else sorted({*before, *after})
        found += [
            VersionMove(kind, name, before.get(name), after.get(name))
            for name in names
            if before.get(name) != after.get(name)
        ]
    return tuple(found)
