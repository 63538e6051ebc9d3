"""What happened to many runs, as plain facts: what was promised, and what everybody saw of it."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Ask:
    """Something that was asked, by the word in it that nothing else has."""

    token: str
    ack_s: float | None
    """How long Slack waited for the acknowledgement; None when it never got one."""
    refused: str = ""
    """Why whoever asked was told that it was not taken; empty when they were not."""


@dataclass(frozen=True)
class Run:
    """A row of the run log in the end."""

    id: str
    token: str
    status: str
    fence: int
    answer: str = ""
    failure: str = ""


@dataclass(frozen=True)
class Message:
    """A row of the outbox in the end."""

    id: str
    run_id: str
    state: str


@dataclass(frozen=True)
class Post:
    """A message as it stands in Slack."""

    outbox_id: str
    text: str


@dataclass(frozen=True)
class Held:
    """A change of a run's fence or status, in the order of the commits."""

    run_id: str
    fence: int
    owner: str
    status: str
    at: float


@dataclass(frozen=True)
class Journaled:
    """A write of the journal, with the run's own fence at that moment."""

    run_id: str
    step_id: str
    fence: int
    run_fence: int
    at: float


@dataclass(frozen=True)
class Call:
    """A request as the model's server took it."""

    token: str
    step_id: str
    at: float


@dataclass(frozen=True)
class Told:
    """What a worker that lived long enough said it had done, under which fence."""

    run_id: str
    fence: int
    step_id: str = ""
    """Of a call to a model; empty for the end of a run."""


@dataclass(frozen=True)
class Money:
    """A budget at rest."""

    budget: str
    limit: Decimal
    spent: Decimal
    reserved: Decimal
    in_ledger: Decimal


@dataclass(frozen=True)
class Slots:
    """The times of one job of the clock that came while two clocks ran."""

    job: str
    slots: int
    """Of which something was put down."""
    rows: int
    """That were put down."""
    fired: int
    """How often a clock said that it had put something down; one that was killed may not have said it."""


@dataclass
class History:
    """Everything the checker looks at."""

    asks: list[Ask] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    journal: list[Journaled] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    money: list[Money] = field(default_factory=list)
    slots: list[Slots] = field(default_factory=list)
    broken_audit: str = ""
    """What is wrong with the audit chain; empty when it verifies."""
