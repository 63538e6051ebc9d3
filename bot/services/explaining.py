"""Explaining a workflow or a run to a person who may see it."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta

from bot.adapters.diagrams import Diagrams
from bot.adapters.store import explain_facts
from bot.adapters.store.database import Connection, Store
from bot.adapters.store.document_log import collection_revisions, find_collection
from bot.adapters.store.evaluations_log import latest_evaluation
from bot.adapters.store.stages_log import read_standing
from bot.adapters.store.versions_log import PRODUCTION, find_labelled, list_versions
from bot.governance.roles import EVERYTHING, Permission, Role, who_may
from bot.governance.stages import Stage
from bot.quality.evaluation import EvaluationReport
from bot.services.access import OPERATOR, Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue, Released
from bot.services.contents import PARAMETERS, PINNED_KINDS, WORKFLOW
from bot.services.discretion import Discretion, passages_of, withheld
from bot.services.explained import (
    KnowledgeUsed,
    LastTest,
    ParameterNow,
    RunExplained,
    VersionUsed,
    WorkflowExplained,
)
from bot.services.pinning import Pinned
from bot.services.placement import NotInPilot, WorkflowRetired
from bot.services.readers import TERMINAL, Audience
from bot.services.run_views import Explanation
from bot.services.runs import Runs
from workflows.ports import Clock

KNOWLEDGE = "knowledge"
"""The kind under which a run pins the revisions of collections."""
LOOK_BACK = timedelta(days=30)
"""Runs of a workflow that its usual figures are taken from."""
SEERS = (Permission.RUN, Permission.SEE_RUNS, Permission.PROPOSE, Permission.APPROVE)
"""Any of these over a workflow has it explained."""
KEEPERS = SEERS[1:]
"""Any of these shows a workflow also to those whom it does not serve yet, or serves no longer."""


class Explaining:
    """Reads what there is to say, under the rights of whoever asks."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        access: Access,
        runs: Runs,
        clock: Clock,
        diagrams: Diagrams,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._access = access
        self._runs = runs
        self._clock = clock
        self._diagrams = diagrams

    async def picture(self, source: str) -> bytes:
        """A Mermaid diagram as PNG. Raises NotDrawn."""
        return await self._diagrams.png(source)

    async def newest_run(self, actor: Actor) -> str:
        """The run that this person asked for last; empty when there is none."""
        return await self._store.read(lambda connection: explain_facts.newest_run_of(connection, actor.id))

    async def run(self, actor: Actor, run_id: str) -> RunExplained:
        """One run, for whoever may read its answer. Raises Outsider, NotAuthorized, UnknownRun."""
        base = await self._runs.explain(actor, run_id)
        return await self._store.read(lambda connection: self._run(connection, actor, base))

    def _run(self, connection: Connection, actor: Actor, base: Explanation) -> RunExplained:
        run = base.run
        is_withheld = not Discretion(connection, actor).reads_explained(base)
        base = withheld(base) if is_withheld else base
        if not run.pins:
            return RunExplained(base, None, is_withheld=is_withheld)
        pinned = self._catalogue.resolve_pins(connection, run.workflow, run.pins)
        read = {str(each["document_id"]) for each in passages_of(base) if "document_id" in each}
        return RunExplained(
            base,
            pinned.root,
            pinned.parameters(run.workflow),
            tuple(self._versions(connection, run.pins, sorted(pinned.collections()))),
            explain_facts.versions_now(connection, read),
            is_withheld,
        )

    def _versions(
        self, connection: Connection, pins: Mapping[str, Mapping[str, int]], searched: Collection[str]
    ) -> Iterator[VersionUsed]:
        """Each pinned version beside what is live; of collections only those that it searches."""
        for kind in PINNED_KINDS:
            for name, was in sorted(pins.get(kind, {}).items()):
                live = find_labelled(connection, kind, name, PRODUCTION)
                if live is None or live.number == was:
                    yield VersionUsed(kind, name, was, live.number if live else None)
                    continue
                moved = explain_facts.label_move(connection, kind, name, PRODUCTION)
                by, at = moved or (live.author, live.created_at)
                yield VersionUsed(kind, name, was, live.number, by, at)
        today = collection_revisions(connection)
        for name, was in sorted(pins.get(KNOWLEDGE, {}).items()):
            if name in searched:
                yield VersionUsed(KNOWLEDGE, name, was, today.get(name))

    async def workflow(self, actor: Actor, name: str) -> WorkflowExplained:
        """One workflow at the versions the actor gets.

        Raises Outsider, NotAuthorized, UnknownWorkflow, WorkflowRetired, NotInPilot.
        """
        return await self._store.read(lambda connection: self._workflow(connection, actor, name))

    def _workflow(self, connection: Connection, actor: Actor, name: str) -> WorkflowExplained:
        released = self._find(connection, actor, name)
        scope = f"workflow:{name}"
        pinned = self._catalogue.resolve(connection, name, label=released.label)
        standing = read_standing(connection, name)
        moved = explain_facts.label_move(connection, WORKFLOW, name, released.label)
        moved = moved or explain_facts.label_move(connection, WORKFLOW, name, PRODUCTION)
        grants = self._access.grants(connection)
        owners = [
            grant for grant in grants if grant.role is Role.OWNER and grant.scope in (scope, EVERYTHING)
        ]
        owners.sort(key=lambda grant: grant.scope == EVERYTHING)
        return WorkflowExplained(
            name=name,
            workflow=pinned.root,
            version=released.version,
            label=released.label,
            stage=(standing.stage if standing else Stage.PRODUCTION).value,
            released_by=moved[0] if moved else "",
            released_at=moved[1] if moved else None,
            owners=tuple(dict.fromkeys(grant.grantee for grant in owners)),
            ask=who_may(grants, permission=Permission.PROMOTE, scope=scope),
            parameters=tuple(_parameters(connection, pinned, name)),
            knowledge=tuple(_knowledge(connection, actor, sorted(pinned.collections()))),
            activity=explain_facts.activity_of(connection, name, self._clock.now() - LOOK_BACK),
            tested=_tested(connection, name, released.label),
        )

    def _find(self, connection: Connection, actor: Actor, name: str) -> Released:
        """The workflow as the actor gets it; those who keep it see it at every stage."""
        everyone = self._catalogue.find_in(connection, name)
        scope = f"workflow:{name}"
        if not any(self._access.may(connection, actor, permission, scope) for permission in SEERS):
            self._access.authorise(connection, actor, Permission.RUN, scope)
        try:
            return self._catalogue.find_in(connection, name, actor)
        except (WorkflowRetired, NotInPilot):
            if any(self._access.may(connection, actor, permission, scope) for permission in KEEPERS):
                return everyone
            raise


def _parameters(connection: Connection, pinned: Pinned, name: str) -> Iterator[ParameterNow]:
    """Each with the author of the oldest version since which it has been what it is."""
    values = pinned.parameters(name)
    number = pinned.pins.get(PARAMETERS, {}).get(name, 0)
    history = [
        (version, json.loads(version.content))
        for version in list_versions(connection, PARAMETERS, name)
        if version.number <= number
    ]
    for key, setting in pinned.root.parameters.items():
        set_by, set_at = "", None
        for version, tuned in history:
            if key not in tuned or tuned[key] != values[key]:
                break
            set_by, set_at = version.author, version.created_at
        yield ParameterNow(key, setting, values[key], set_by, set_at)


def _knowledge(connection: Connection, actor: Actor, collections: Collection[str]) -> Iterator[KnowledgeUsed]:
    reader = TERMINAL if actor.id == OPERATOR else Audience((frozenset({actor.id, *actor.groups}),))
    for name in collections:
        row = find_collection(connection, name)
        if row is None:
            yield KnowledgeUsed(name, 0, is_readable=True)
        elif not reader.may_read(row.audience):
            yield KnowledgeUsed(name, row.revision, is_readable=False)
        else:
            yield KnowledgeUsed(name, row.revision, True, explain_facts.documents_in(connection, name))


def _tested(connection: Connection, name: str, label: str) -> LastTest | None:
    row = latest_evaluation(connection, name, label=label)
    if row is None:
        return None
    with suppress(KeyError, TypeError, ValueError):
        # a report of an older release may lack what this one reads
        report = EvaluationReport.from_json(row.report)
        failing = tuple(each.id for each in report.failing)
        return LastTest(report.passed, report.judged, report.finished_at, failing)
    return None
