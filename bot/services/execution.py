"""Carrying one run out: pins its versions, binds its model, knowledge and journal, and executes it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bot.adapters.llm import Models
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.document_log import collection_revisions
from bot.adapters.store.run_leases import Held, pin_run
from bot.adapters.store.run_log import RunRow
from bot.governance.budget import Spender, team_of
from bot.services.access import Access
from bot.services.actors import Actor, Origin
from bot.services.billing import Billing
from bot.services.catalogue import Catalogue
from bot.services.closed_collections import is_closed, naming_owners
from bot.services.journal import RunJournal
from bot.services.pinning import Pinned
from bot.services.readers import TERMINAL, Audience
from workflows.engine import execute
from workflows.ports import Clock, Model, Ports, Progress
from workflows.run import RunResult

if TYPE_CHECKING:
    from bot.services.holdings import Holdings

KNOWLEDGE = "knowledge"
"""Kind of pin that holds the revision of each collection."""


@dataclass(frozen=True, slots=True)
class Execution:
    """What runs need, the same for all of them. Called by the worker for each."""

    store: Store
    catalogue: Catalogue
    models: Models
    holdings: "Holdings"
    clock: Clock
    billing: Billing
    access: Access
    on_text: Callable[[str, str], None] | None = None
    """Receives run id and each piece of the answer as it is written."""

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        """How the run ended. Raises LostLease, and UnknownWorkflow when its pinned version is gone."""
        pinned, pins = await self._pin(row, held)
        workflow = pinned.root
        ports = Ports(
            model=self._model(row, held, pinned),
            retriever=self.holdings.retriever(audience_of(row), pins.get(KNOWLEDGE)),
            clock=self.clock,
            journal=RunJournal(self.store, held),
            library=pinned,
        )

        async def progress(at: Progress) -> None:
            on_progress(at)

        result = await execute(
            workflow,
            inputs=workflow.read_inputs(row.inputs),
            parameters=pinned.parameters(workflow.name),
            ports=ports,
            on_progress=progress,
            on_text=None if self.on_text is None else self._text_of(row.id),
        )
        return await self._naming_owners(row, result)

    async def _naming_owners(self, row: RunRow, result: RunResult) -> RunResult:
        failure = result.failure
        # at the terminal all is readable, so that nobody has to be asked
        if failure is None or not is_closed(failure) or audience_of(row) == TERMINAL:
            return result
        grants = await self.store.read(self.access.grants)
        return replace(result, failure=naming_owners(failure, row, grants))

    async def _pin(self, row: RunRow, held: Held) -> tuple[Pinned, Mapping[str, Any]]:
        """The versions of the first attempt; live ones become them."""
        if row.pins:

            def again(connection: Connection) -> Pinned:
                self.billing.look(connection)
                return self.catalogue.resolve_pins(connection, row.workflow, row.pins)

            return await self.store.read(again), row.pins

        def act(connection: Connection) -> tuple[Pinned, Mapping[str, Any]]:
            self.billing.look(connection)
            pinned, label = self.catalogue.resolve_run(connection, row.workflow, row.label)
            pins = {**pinned.pins, KNOWLEDGE: collection_revisions(connection)}
            version = pinned.pins["workflow"][row.workflow]
            pin_run(connection, held, pins=pins, version=version, title=pinned.root.title, label=label)
            return pinned, pins

        return await self.store.write(act, relaxed=True)

    def _model(self, row: RunRow, held: Held, pinned: Pinned) -> Model:
        spender = Spender(
            workflow=row.workflow,
            person=row.actor_id,
            team=team_of(row.actor.get("groups", ()), self.billing.teams),
            channel=str(row.origin.get("channel_id", "")),
            versions=pinned.pins,
        )
        payer = self.billing.payer(spender, row.id, held.fence)
        return self.models.bind(payer.record, run_id=row.id, profiles_text=pinned.models_text, payer=payer)

    def _text_of(self, run_id: str) -> Callable[[str], None]:
        def pass_on(text: str) -> None:
            if self.on_text is not None:
                self.on_text(run_id, text)

        return pass_on


def audience_of(row: RunRow) -> Audience:
    """Who reads the answer of a run, and so what it may be made from."""
    origin = Origin.from_json(row.origin)
    return TERMINAL if origin.surface == "terminal" else Audience.of(Actor.from_json(row.actor), origin)
