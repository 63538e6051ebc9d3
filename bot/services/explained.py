"""What an explanation of a workflow or of a run holds: values, no sentences."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from bot.adapters.store.explain_facts import Activity, DocumentUsed
from bot.services.run_views import Explanation
from workflows.inputs import Parameter
from workflows.run import Json
from workflows.workflow import Workflow


@dataclass(frozen=True, slots=True)
class ParameterNow:
    """One parameter at its value."""

    name: str
    setting: Parameter
    value: Json
    set_by: str = ""
    """Who tuned it; empty where nobody did and the workflow's own default holds."""
    set_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class KnowledgeUsed:
    """One collection that the workflow searches."""

    collection: str
    revision: int
    is_readable: bool
    """Whether the person who asks may read it: its documents are left out otherwise."""
    documents: tuple[DocumentUsed, ...] = ()
    """Those unchanged for longest first."""


@dataclass(frozen=True, slots=True)
class LastTest:
    """How the golden cases came out last."""

    passed: int
    judged: int
    at: datetime | None
    failing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkflowExplained:
    """A workflow as it is for the person who asks."""

    name: str
    workflow: Workflow
    version: int
    label: str
    stage: str
    released_by: str
    released_at: datetime | None
    owners: tuple[str, ...]
    """People and groups with the role of owner over it, the nearest first."""
    ask: tuple[str, ...]
    """Who answers for it where nobody owns it."""
    parameters: tuple[ParameterNow, ...]
    knowledge: tuple[KnowledgeUsed, ...]
    activity: Activity
    tested: LastTest | None = None

    @property
    def values(self) -> dict[str, Json]:
        """Parameters by name."""
        return {each.name: each.value for each in self.parameters}


@dataclass(frozen=True, slots=True)
class VersionUsed:
    """One version that a run used, beside what is live today."""

    kind: str
    name: str
    was: int
    now: int | None
    """None where nothing of that name is live any more."""
    changed_by: str = ""
    """Who wrote what is live today, where it is another version."""
    changed_at: datetime | None = None

    @property
    def is_live(self) -> bool:
        """Whether the same version is live today."""
        return self.was == self.now


@dataclass(frozen=True, slots=True)
class RunExplained:
    """A run: how its answer came about, and what of it is different today."""

    base: Explanation
    workflow: Workflow | None
    """As it was pinned; None for a run that never began."""
    parameters: Mapping[str, Json] = field(default_factory=dict)
    versions: tuple[VersionUsed, ...] = ()
    documents_now: Mapping[str, int] = field(default_factory=dict)
    """The version today of each document that was read; one that was taken out is absent."""
    is_withheld: bool = False
    """Whoever asks may see the run and not read the documents that its answer was made from."""
