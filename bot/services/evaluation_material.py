"""What an evaluation works on: the two sides, the cases, the answers voted down, and the rows they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from sqlalchemy import Connection

from bot.adapters.store.document_log import collection_revisions, document_paths, list_collections
from bot.adapters.store.versions_log import PRODUCTION
from bot.quality.evaluation import ReportRow, Standing, Trial
from bot.services.catalogue import Catalogue
from bot.services.golden_cases import GoldenCases
from bot.services.pinning import WORKFLOW, Content, Pinned
from bot.services.readers import EVERYONE
from bot.services.voted_down import VotedDown, read_voted_down
from workflows.cases import Case


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an evaluation may do."""

    concurrency: int = 16
    local_concurrency: int = 2
    """With the built-in model alone, which takes a processor and no waiting."""
    cap_usd: Decimal = Decimal(1)
    voted_down: int = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """An evaluation on its way."""

    id: str
    workflow: str
    subject: str
    label: str
    by: str
    fence: int = 0
    """Of the worker that took it up; 0 for one that whoever began it carries out."""


@dataclass(frozen=True, slots=True)
class Material:
    """Everything read before the first trial."""

    old: Pinned | None
    new: Pinned
    cases: tuple[Case, ...]
    complaints: tuple[VotedDown, ...]
    revisions: Mapping[str, int]
    paths: Mapping[str, str]
    """Document id to path."""
    closed: frozenset[str]
    """Collections that not everybody may read."""

    @property
    def judge_profiles(self) -> str:
        """The models.yaml in force: a proposed one does not choose its own judge."""
        return (self.old or self.new).models_text


def read_material(
    connection: Connection,
    catalogue: Catalogue,
    golden: GoldenCases,
    asked: Asked,
    contents: Sequence[Content],
    *,
    has_two_sides: bool,
    voted_down: int,
) -> Material:
    """Everything an evaluation needs, as it stands now.

    Raises UnknownWorkflow, InvalidCases, and for contents InvalidWorkflow, InvalidPrompt, UnknownTable.
    """
    new = catalogue.resolve_with(connection, asked.workflow, contents, label=asked.label)
    return Material(
        old=_old_side(connection, catalogue, asked, contents) if has_two_sides else None,
        new=new,
        cases=golden.of_in(connection, asked.workflow),
        complaints=read_voted_down(connection, asked.workflow, voted_down),
        revisions=collection_revisions(connection),
        paths=document_paths(connection),
        closed=frozenset(row.name for row in list_collections(connection) if EVERYONE not in row.audience),
    )


def _old_side(
    connection: Connection, catalogue: Catalogue, asked: Asked, contents: Sequence[Content]
) -> Pinned | None:
    """What proposed contents would replace; for a label without contents, production."""
    if not contents and asked.label == PRODUCTION:
        return None
    base = asked.label if contents else PRODUCTION
    if (WORKFLOW, asked.workflow) not in catalogue.versions(connection, base):
        return None
    return catalogue.resolve(connection, asked.workflow, label=base)


@dataclass(slots=True)
class Rows:
    """Trials as they come in, by row and side."""

    material: Material
    trials: dict[tuple[str, str], Trial] = field(default_factory=dict)

    def rows(self) -> tuple[ReportRow, ...]:
        """Rows in the order of the cases; what never came to its turn was not run."""
        cases = [
            ReportRow(case.id, case.source, *self._sides(f"case:{case.id}"), run_id=case.run_id)
            for case in self.material.cases
        ]
        again = [
            ReportRow(run.run_id, "thumbs-down", *self._sides(f"run:{run.run_id}"), run_id=run.run_id)
            for run in self.material.complaints
        ]
        return (*cases, *again)

    def _sides(self, key: str) -> tuple[Trial, Trial | None]:
        absent = Trial(Standing.NOT_RUN, note="It was not run: the evaluation was stopped.")
        new = self.trials.get((key, "new"), absent)
        return new, self.trials.get((key, "old"), absent) if self.material.old else None
