"""What an evaluation works on: the two sides, the cases, the answers voted down, and the rows they become."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from bot.adapters.store.document_log import collection_revisions, document_paths, list_collections
from bot.adapters.store.versions_log import PRODUCTION
from bot.quality.evaluation import ReportRow, Standing, Trial
from bot.services.catalogue import Catalogue
from bot.services.contents import WORKFLOW, Content
from bot.services.golden_cases import GoldenCases
from bot.services.pinning import Pinned
from bot.services.readers import EVERYONE
from bot.services.voted_down import VotedDown, beside, read_citing, read_voted_down
from workflows.cases import Case
from workflows.run import Answer

if TYPE_CHECKING:
    from bot.services.rehearsing import Rehearsal


@dataclass(frozen=True, slots=True)
class Limits:
    """How much an evaluation may do."""

    concurrency: int = 16
    local_concurrency: int = 2
    """With the built-in model alone, which takes a processor and no waiting."""
    cap_usd: Decimal = Decimal(1)
    voted_down: int = 20
    citing: int = 10
    """Recent questions tried again whose answers cited a document that would change."""


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
    citing: tuple[VotedDown, ...]
    """Recent runs whose answers cited the document that would change."""
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
    limits: Limits,
    knowledge: "Rehearsal | None" = None,
) -> Material:
    """Everything an evaluation needs, as it stands now.

    Raises UnknownWorkflow, InvalidCases, and for contents InvalidWorkflow, InvalidPrompt, UnknownTable.
    """
    new = catalogue.resolve_with(connection, asked.workflow, contents, label=asked.label)
    old = _old_side(connection, catalogue, asked, contents) if has_two_sides and not knowledge else None
    paths = document_paths(connection)
    if knowledge:
        old, paths = new, {**paths, knowledge.document_id: knowledge.path}
    document = knowledge.document_id if knowledge else ""
    complaints = read_voted_down(connection, asked.workflow, limits.voted_down)
    citing = read_citing(connection, asked.workflow, document, limits.citing) if document else ()
    return Material(
        old=old,
        new=new,
        cases=golden.of_in(connection, asked.workflow),
        complaints=complaints,
        citing=tuple(run for run in citing if run.run_id not in {each.run_id for each in complaints}),
        revisions=collection_revisions(connection),
        paths=paths,
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

    def set_beside(self, spoken: Mapping[tuple[str, str], Answer]) -> None:
        """Say of each new trial whether its answer is another than the old one's."""
        for (row, side), trial in list(self.trials.items()):
            before = spoken.get((row, "old"))
            if side == "new" and before is not None and trial.was_run:
                score = beside(before, spoken.get((row, side)))
                self.trials[row, side] = replace(trial, scores=(*trial.scores, score))

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
        touched = [
            ReportRow(run.run_id, "cited", *self._sides(f"run:{run.run_id}"), run_id=run.run_id)
            for run in self.material.citing
        ]
        return (*cases, *again, *touched)

    def _sides(self, key: str) -> tuple[Trial, Trial | None]:
        absent = Trial(Standing.NOT_RUN, note="It was not run: the evaluation was stopped.")
        new = self.trials.get((key, "new"), absent)
        return new, self.trials.get((key, "old"), absent) if self.material.old else None
