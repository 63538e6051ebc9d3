"""What the engine needs from outside, as Protocols: only what tests replace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from knowledge.document import Passage, Retrieval
from workflows.run import Json, StepRun, Usage

if TYPE_CHECKING:
    from workflows.template import PromptTemplate
    from workflows.workflow import Workflow

Purpose = Literal["answer", "judge", "evaluation", "admin"]

ABSTAINED = "NOT_COVERED"
"""A model says that its passages do not answer by starting its reply with this word; prompts ask for it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn as sent to a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One field to extract."""

    kind: Literal["text", "number", "integer", "date", "amount", "boolean", "choice", "id", "email"]
    description: str = ""
    required: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """What the step wants, in a form that needs no reading of prose.

    Language models read the messages; the embedded model, which cannot, reads this.
    """

    kind: Literal["answer", "summarise", "write", "classify", "extract", "judge"]
    question: str = ""
    text: str = ""
    """The text to summarise, classify or extract from."""
    passages: tuple[Passage, ...] = ()
    """Numbered from 1 in this order in the messages too."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Label to its description."""
    fields: Mapping[str, FieldSpec] = field(default_factory=dict)
    max_sentences: int = 3


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One call to a model."""

    alias: str
    messages: tuple[Message, ...]
    task: Task
    step_id: str
    purpose: Purpose = "answer"
    schema: Mapping[str, Json] | None = None
    """JSON Schema the reply must satisfy; None for plain text."""
    max_output_tokens: int | None = None
    deadline_s: float = 60.0
    """For the whole call, retries and fallbacks included."""


@dataclass(frozen=True, slots=True)
class ModelReply:
    """What came back."""

    text: str
    model: str
    """The model that served the call, after fallbacks."""
    usage: Usage
    seconds: float
    notes: tuple[str, ...] = ()
    """Honest limits to show the person, e.g. that the embedded model quotes and does not write."""


class ModelError(Exception):
    """A model call that gave nothing usable. `facts` go into the sentence for the person."""

    def __init__(self, alias: str, **facts: str) -> None:
        super().__init__(alias)
        self.facts: dict[str, str] = {"alias": alias, **facts}


class ModelUnavailable(ModelError):
    """No provider on the alias's list could be reached."""


class ModelResting(ModelUnavailable):
    """The provider kept failing and is left alone; fact `again_s` says in how many seconds one may try."""


class ModelBusy(ModelUnavailable):
    """The calls that may be made in a minute are used up; fact `again_s` says for how many seconds."""


class ModelTimeout(ModelError):
    """The deadline passed before the reply was whole."""


class ModelRefused(ModelError):
    """The provider answered and said no: key, quota, content policy, request too long."""


class EmptyReply(ModelError):
    """The reply held no choices or no text."""


class NeedsWritingModel(ModelError):
    """The embedded model was asked to write; fact `setting` names what connects one."""


class UnknownAlias(ModelError):
    """No profile is configured for the alias."""


class Model(Protocol):
    """Calls a model. Bound to one run: records a ledger row for every provider call by itself."""

    async def complete(
        self, request: ModelRequest, on_text: Callable[[str], None] | None = None
    ) -> ModelReply:
        """Answer the request; `on_text` receives pieces as they stream. Raises ModelError."""
        ...


class UnknownCollection(Exception):
    """The collection does not exist or the audience may read none of it."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.facts = {"collection": collection}


class Retriever(Protocol):
    """Finds passages. Bound to one run's audience and knowledge revisions."""

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """Best passages first. Raises UnknownCollection."""
        ...


class Clock(Protocol):
    """Time as the engine may know it."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait between attempts."""
        ...


class Journal(Protocol):
    """The finished steps of one run, kept where a crash cannot reach them."""

    async def finished(self) -> Mapping[str, StepRun]:
        """Step id (`call` steps: `outer/inner`) to its record, for resuming."""
        ...

    async def record(self, step: StepRun) -> None:
        """Keep one finished step; one of the same id replaces it (a check had it done again).

        Raises LostLease when another worker owns the run.
        """
        ...


class Interrupted(Exception):
    """What runs stand on is gone for a while: the execution ends, nothing failed, it goes on later."""


class LostLease(Interrupted):
    """Another worker took the run over; stop at once and write nothing more."""


class Library(Protocol):
    """The versions this run is pinned to."""

    def workflow(self, name: str) -> "Workflow":
        """A workflow that a `call` step names. Raises a LookupError with facts."""
        ...

    def prompt(self, name: str) -> "PromptTemplate":
        """A prompt that a step names. Raises a LookupError with facts."""
        ...

    def parameters(self, workflow_name: str) -> Mapping[str, Json]:
        """What was set for a workflow's parameters; those left out have their defaults."""
        ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything an execution needs from outside."""

    model: Model
    retriever: Retriever
    clock: Clock
    journal: Journal
    library: Library


@dataclass(frozen=True, slots=True)
class Progress:
    """A step is starting."""

    step_id: str
    title: str
    number: int
    total: int
