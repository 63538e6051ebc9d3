"""Carrying one claimed run out: its versions pinned, its ports bound, its steps executed."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from sqlalchemy import Connection

from bot.adapters.ledger_entry import LedgerEntry
from bot.adapters.llm import Models
from bot.adapters.store import document_log, ledger, run_leases
from bot.adapters.store.engine import Store
from bot.adapters.store.run_leases import Held
from bot.adapters.store.run_log import RunRow
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue, Pinned
from bot.services.holdings import Holdings
from bot.services.journal import RunJournal
from bot.services.readers import TERMINAL, Audience
from workflows.engine import Ports, execute
from workflows.ports import Clock, Progress
from workflows.run import RunResult

OnText = Callable[[str], None]


class Performer:
    """Serves the worker as its Perform."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        holdings: Holdings,
        models: Models,
        clock: Clock,
        on_text: Callable[[str, str], None] | None = None,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._holdings = holdings
        self._models = models
        self._clock = clock
        self._on_text = on_text
        """Receives run id and piece while an answer is being written."""

    async def __call__(self, row: RunRow, held: Held, on_progress: Callable[[Progress], None]) -> RunResult:
        """Execute or resume the run. Raises LostLease, UnknownWorkflow."""
        pinned, revisions = await self._pinned(row, held)
        ports = Ports(
            model=self._models.bind(self._record, run_id=row.id),
            retriever=await self._holdings.retriever(_audience(row), revisions),
            clock=self._clock,
            journal=RunJournal(self._store, held),
            library=pinned,
        )
        return await execute(
            pinned.root,
            inputs=pinned.root.read_inputs(row.inputs),
            parameters=pinned.parameters(row.workflow),
            ports=ports,
            on_progress=_async(on_progress),
            on_text=self._listener(row.id),
        )

    async def _pinned(self, row: RunRow, held: Held) -> tuple[Pinned, Mapping[str, int]]:
        """The versions of the first attempt, or today's, which are then written on the run."""
        if row.pins:
            pinned = await self._store.read(
                lambda connection: self._catalogue.resolve_pins(connection, row.workflow, row.pins)
            )
            return pinned, row.pins.get("knowledge", {})

        def pin(connection: Connection) -> tuple[Pinned, dict[str, int]]:
            pinned = self._catalogue.resolve(connection, row.workflow)
            revisions = {item.name: item.revision for item in document_log.list_collections(connection)}
            pins: dict[str, Any] = {**pinned.pins, "knowledge": revisions}
            version = pinned.pins["workflow"][row.workflow]
            run_leases.pin_run(connection, held, pins=pins, version=version, title=pinned.root.title)
            return pinned, revisions

        return await self._store.write(pin)

    async def _record(self, entry: LedgerEntry) -> None:
        await self._store.write(lambda connection: ledger.insert_call(connection, entry))

    def _listener(self, run_id: str) -> OnText | None:
        on_text = self._on_text
        return None if on_text is None else lambda piece: on_text(run_id, piece)


def _audience(row: RunRow) -> Audience:
    origin = Origin.from_json(row.origin)
    return TERMINAL if origin.surface == "terminal" else Audience.of(Actor.from_json(row.actor), origin)


def _async(on_progress: Callable[[Progress], None]) -> Callable[[Progress], Awaitable[None]]:
    async def note(at: Progress) -> None:
        on_progress(at)

    return note
