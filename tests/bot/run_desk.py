"""A desk at which tests of runs, workers and couriers meet: one store and everything around it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, text

from bot.adapters.queue.wakeup import EmbeddedQueue, RunQueue, WakeUp
from bot.adapters.store.database import Store
from bot.governance.roles import Role
from bot.services.access import Access
from bot.services.actors import Actor, Origin
from bot.services.admitting import ANYTHING, Admission
from bot.services.catalogue import UnknownWorkflow
from bot.services.outbox import Courier
from bot.services.runs import RunRequest, Runs
from bot.services.work import Pace, Worker
from tests.fakes import FakeClock, FakePerform, FakeSender

ANA, BEN, DEV = Actor("U0ANA", "Ana"), Actor("U0BEN", "Ben"), Actor("U0DEV", "Dev")
STRANGER = Actor("U0WHO", is_outsider=True)


class OneWorkflow:
    """A catalogue that holds `ask-policy` alone."""

    def find_in(self, connection: Connection, name: str, actor: Any = None) -> Any:
        if name != "ask-policy":
            raise UnknownWorkflow(name, "ask-policy")
        face = SimpleNamespace(read_inputs=self._read)
        return SimpleNamespace(
            name=name, title="Ask the people handbook", version=3, face=face, label="production"
        )

    def _read(self, raw: Mapping[str, str]) -> dict[str, str]:
        if not raw.get("question"):
            raise ValueError("question")
        return dict(raw)


@dataclass
class Desk:
    """Everything, put together."""

    store: Store
    perform: FakePerform = field(default_factory=FakePerform)
    sender: FakeSender = field(default_factory=FakeSender)
    clock: FakeClock = field(default_factory=FakeClock)
    queue: RunQueue = field(default_factory=EmbeddedQueue)
    outgoing: WakeUp = field(default_factory=WakeUp)
    admission: Admission = ANYTHING

    def __post_init__(self) -> None:
        self.access = Access(self.store, self.clock, ["U0DEV"])
        self.runs = Runs(
            self.store,
            OneWorkflow(),
            self.access,
            self.clock,
            self.queue,
            self.outgoing,
            self.admission,  # type: ignore[arg-type]
        )
        self.courier = Courier(
            self.store, self.sender, self.clock, self.outgoing, shares=self.admission.shares
        )

    async def open(self) -> "Desk":
        """Let everybody run."""
        await self.access.grant(DEV, "everyone", Role.RUNNER)
        return self

    def worker(self, **pace: Any) -> Worker:
        """A worker of its own name."""
        fast = {"tick_s": 0.02, "look_s": 0.05, "grace_s": 2.0, **pace}
        return Worker(self.store, self.perform, self.clock, self.queue, self.outgoing, Pace(**fast))

    async def ask(self, key: str = "k1", **changes: Any) -> str:
        """Accept a run; its id."""
        return (await self.runs.accept(request(key, **changes))).run_id

    def sql(self, statement: str, **values: Any) -> list[Any]:
        """What the database says."""
        return self.store.write_now(
            lambda connection: (
                list(result) if (result := connection.execute(text(statement), values)).returns_rows else []
            )
        )

    def expire(self, table: str = "runs") -> None:
        """As if every lease had run out."""
        self.sql(f"UPDATE {table} SET lease_until='2020-01-01 00:00:00.000000' WHERE lease_until IS NOT NULL")


def request(
    key: str = "k1", actor: Actor = ANA, question: str = "How many days?", **changes: Any
) -> RunRequest:
    """A request from a channel, answered privately unless `origin` says otherwise."""
    origin = changes.pop("origin", Origin("command", channel_id="C0PEOPLE"))
    values = {"workflow": "ask-policy", "inputs": {"question": question}, **changes}
    return RunRequest(dedupe_key=key, actor=actor, origin=origin, **values)
