"""The golden cases of a workflow: those of its file, and those that people added in chat."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from bot.adapters.store import audit_log, cases_log
from bot.adapters.store.cases_log import CHAT, FILE, RETIRED, CaseRecord
from bot.adapters.store.database import Store
from bot.governance.roles import Permission
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.catalogue import Catalogue
from workflows.cases import Case, Expectation, load_cases, read_case
from workflows.inputs import InvalidInputs
from workflows.ports import Clock

KEY_CHARACTERS = 60


class UnknownCase(Exception):
    """The workflow has no such case in force."""

    def __init__(self, workflow: str, key: str) -> None:
        super().__init__(key)
        self.facts = {"workflow": workflow, "case": key}


class CaseDoesNotFit(Exception):
    """The inputs are not what the workflow takes; fact `problems` says which and why."""

    def __init__(self, workflow: str, problems: Mapping[str, str]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "problems": "; ".join(problems.values())}


@dataclass(frozen=True, slots=True)
class KeptCase:
    """A case as people are shown it."""

    case: Case
    author: str = ""
    """Who added it; empty for one of the file."""


class GoldenCases:
    """Reads and keeps cases. The file beside a shipped workflow is read as it is now."""

    def __init__(
        self, store: Store, access: Access, catalogue: Catalogue, clock: Clock, folder: Path
    ) -> None:
        self._store = store
        self._access = access
        self._catalogue = catalogue
        self._clock = clock
        self._folder = folder

    async def of(self, workflow: str) -> tuple[Case, ...]:
        """Every case in force, those of the file first. Raises InvalidCases."""
        return await self._store.read(lambda connection: self.of_in(connection, workflow))

    def of_in(self, connection: Connection, workflow: str) -> tuple[Case, ...]:
        """As `of`, within the caller's transaction."""
        return tuple(kept.case for kept in self._kept(connection, workflow))

    async def listed(self, actor: Actor, workflow: str) -> tuple[KeptCase, ...]:
        """As `of`, with who added each. Raises UnknownWorkflow, NotAuthorized, Outsider, InvalidCases."""

        def look(connection: Connection) -> tuple[KeptCase, ...]:
            self._authorise(connection, actor, workflow)
            return self._kept(connection, workflow)

        return await self._store.read(look)

    async def add(
        self,
        actor: Actor,
        workflow: str,
        inputs: Mapping[str, str],
        expect: Expectation | Mapping[str, Any],
        *,
        run_id: str = "",
        why: str = "",
        key: str = "",
    ) -> str:
        """Keep a case; returns its key. A second one for the same run takes the first one's place.

        Raises UnknownWorkflow, NotAuthorized, Outsider, InvalidCases, CaseDoesNotFit.
        """
        return await self._store.write(
            lambda connection: self.add_in(
                connection, actor, workflow, inputs, expect, run_id=run_id, why=why, key=key
            )
        )

    def add_in(
        self,
        connection: Connection,
        actor: Actor,
        workflow: str,
        inputs: Mapping[str, str],
        expect: Expectation | Mapping[str, Any],
        *,
        run_id: str = "",
        why: str = "",
        key: str = "",
    ) -> str:
        """As `add`, within the caller's transaction."""
        self._authorise(connection, actor, workflow)
        said = expect.as_json() if isinstance(expect, Expectation) else dict(expect)
        taken = {row.key: row for row in cases_log.read_cases(connection, workflow)}
        earlier = next((row for row in taken.values() if run_id and row.run_id == run_id), None)
        shipped = {case.id for case in self._of_file(workflow)}
        name = earlier.key if earlier else _free_key(key or _key_of(inputs), {*taken, *shipped})
        content = {"id": name, "inputs": dict(inputs), "expect": said, **({"why": why} if why else {})}
        case = read_case(content, run_id=run_id)
        self._refuse_unfit(connection, workflow, case)
        record = CaseRecord(
            workflow, name, case.as_json(), CHAT, run_id, actor.id, False, why, self._clock.now()
        )
        cases_log.put_case(connection, record)
        self._note(connection, actor, "case.added", workflow, name, {"run": run_id})
        return name

    async def retire(self, actor: Actor, workflow: str, key: str) -> None:
        """Hold the workflow to a case no longer; it stays on record.

        Raises UnknownWorkflow, UnknownCase, NotAuthorized, Outsider, InvalidCases.
        """

        def act(connection: Connection) -> None:
            self._authorise(connection, actor, workflow)
            if key not in {kept.case.id for kept in self._kept(connection, workflow)}:
                raise UnknownCase(workflow, key)
            if not cases_log.set_retired(connection, workflow, key, is_retired=True):
                record = CaseRecord(workflow, key, {}, RETIRED, "", actor.id, True, "", self._clock.now())
                cases_log.put_case(connection, record)
            self._note(connection, actor, "case.retired", workflow, key, {})

        await self._store.write(act)

    async def keep_file(self, actor: Actor, workflow: str, text: str) -> int:
        """Keep the cases beside a workflow file that is not one of the shipped; returns how many.

        Raises InvalidCases with every problem, UnknownWorkflow, NotAuthorized, Outsider.
        """
        found = load_cases(text)

        def act(connection: Connection) -> int:
            self._authorise(connection, actor, workflow)
            now = self._clock.now()
            rows = [
                CaseRecord(workflow, case.id, case.as_json(), FILE, "", actor.id, False, case.why, now)
                for case in found
            ]
            cases_log.replace_file_cases(connection, workflow, rows)
            self._note(connection, actor, "cases.read", workflow, "", {"cases": str(len(rows))})
            return len(rows)

        return await self._store.write(act)

    def _kept(self, connection: Connection, workflow: str) -> tuple[KeptCase, ...]:
        rows = cases_log.read_cases(connection, workflow)
        retired = {row.key for row in rows if row.is_retired}
        shipped = self._of_file(workflow)
        found = [KeptCase(case) for case in shipped]
        if not shipped:
            found = [KeptCase(read_case(row.content, source="file")) for row in rows if row.source == FILE]
        found += [
            KeptCase(read_case(row.content, run_id=row.run_id), row.author)
            for row in rows
            if row.source == CHAT
        ]
        return tuple(kept for kept in found if kept.case.id not in retired)

    def _of_file(self, workflow: str) -> tuple[Case, ...]:
        path = self._folder / f"{workflow}.cases.yaml"
        return load_cases(path.read_text(encoding="utf-8")) if path.is_file() else ()

    def _authorise(self, connection: Connection, actor: Actor, workflow: str) -> None:
        name = self._catalogue.find_in(connection, workflow).name
        self._access.authorise(connection, actor, Permission.EVALUATE, f"workflow:{name}")

    def _refuse_unfit(self, connection: Connection, workflow: str, case: Case) -> None:
        try:
            self._catalogue.find_in(connection, workflow).workflow.read_inputs(case.inputs)
        except InvalidInputs as error:
            raise CaseDoesNotFit(workflow, error.problems) from None

    def _note(
        self,
        connection: Connection,
        actor: Actor,
        action: str,
        workflow: str,
        key: str,
        context: Mapping[str, str],
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"workflow:{workflow}",
            context={name: value for name, value in {"case": key, **context}.items() if value},
            at=self._clock.now(),
        )


def _key_of(inputs: Mapping[str, str]) -> str:
    """A name from what was asked: `how-many-days-of-leave`."""
    words = re.findall(r"[a-z0-9]+", " ".join(map(str, inputs.values())).lower())
    name = ""
    for word in words[:8]:
        if len(name) + len(word) + 1 > KEY_CHARACTERS:
            break
        name = f"{name}-{word}" if name else word
    return name or "case"


def _free_key(wanted: str, taken: set[str]) -> str:
    number = 2
    name = wanted
    while name in taken:
        name, number = f"{wanted}-{number}", number + 1
    return name
