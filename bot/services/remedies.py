"""What an owner makes of a bad answer: a golden case, a change of its prompt, a document."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import document_log
from bot.adapters.store.database import Store
from bot.adapters.store.step_log import read_steps
from bot.governance.changes import Target
from bot.governance.roles import Permission
from bot.quality.complaint import Reason, TriageState
from bot.quality.expecting import file_name, named_in, phrase_of
from bot.services.access import Access
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue
from bot.services.contents import PROMPT
from bot.services.pinning import Pinned
from bot.services.readers import Audience
from bot.services.triage import Card, Triage
from workflows.run import StepStatus
from workflows.steps.prompt import PromptStep


class NoPrompt(Exception):
    """No step of the workflow asks a model by a prompt."""

    def __init__(self, workflow: str) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow}


class NowhereToWrite(Exception):
    """The actor may edit none of the collections that the workflow reads."""

    def __init__(self, workflow: str, collections: Iterable[str]) -> None:
        super().__init__(workflow)
        self.facts = {"workflow": workflow, "collections": ", ".join(collections)}


class NothingToWrite(Exception):
    """A document without a title or without text."""

    def __init__(self, field: str) -> None:
        super().__init__(field)
        self.facts = {"field": field}


class CaseBook(Protocol):
    """Keeps golden cases."""

    def add_in(
        self,
        connection: Connection,
        actor: Actor,
        workflow: str,
        inputs: Mapping[str, str],
        expect: Mapping[str, Any],
        *,
        run_id: str = "",
        why: str = "",
    ) -> str:
        """Keep a case within the caller's transaction; its key."""
        ...


class Proposed(Protocol):
    """A change request."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


class Proposals(Protocol):
    """Takes proposed changes."""

    async def propose(
        self, actor: Actor, target: Target, content: str, *, reason: str, origin: Origin, key: str
    ) -> Proposed:
        """Put a change request on record, once per key."""
        ...


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """What a case of this answer would ask and expect, as far as can be guessed."""

    card: Card
    must_contain: str
    must_cite: tuple[str, ...]
    must_abstain: bool
    documents: tuple[tuple[str, str], ...]
    """Path and title of what the workflow can cite and the owner may read."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Input to what its form calls it."""


@dataclass(frozen=True, slots=True)
class DocumentDraft:
    """What a document that answers the question would say, as far as people have said it."""

    card: Card
    title: str
    text: str
    collections: tuple[str, ...]


class Remedies:
    """Each act needs TRIAGE over the workflow, besides what the thing it makes needs."""

    def __init__(
        self,
        store: Store,
        triage: Triage,
        catalogue: Catalogue,
        access: Access,
        outgoing: WakeUp,
        cases: CaseBook,
        proposals: Proposals,
    ) -> None:
        self._store = store
        self._triage = triage
        self._catalogue = catalogue
        self._access = access
        self._outgoing = outgoing
        self._cases = cases
        self._proposals = proposals

    async def case_draft(self, actor: Actor, run_id: str) -> CaseDraft:
        """A case to start from. Raises as Triage.card."""
        card = await self._triage.card(actor, run_id)
        return await self._store.read(lambda connection: self.case_of(connection, actor, card))

    def case_of(self, connection: Connection, actor: Actor, card: Card) -> CaseDraft:
        """A case to start from, of an answer whether or not it waits for an owner."""
        pinned = self._catalogue.resolve(connection, card.run.workflow)
        documents = self._citable(connection, actor, pinned)
        correction, answer = correction_of(card), card.run.answer.text if card.run.answer else ""
        return CaseDraft(
            card=card,
            must_contain=phrase_of(correction, answer),
            must_cite=named_in(correction, documents),
            must_abstain=any(one.reason == Reason.SHOULD_ABSTAIN for one in card.complaints),
            documents=documents,
            labels={name: item.label or name for name, item in pinned.root.inputs.items()},
        )

    async def add_case(
        self, actor: Actor, run_id: str, inputs: Mapping[str, str], expect: Mapping[str, Any], why: str = ""
    ) -> str:
        """Keep a golden case and decide the card, both or neither; returns the case's key.

        Raises as Triage.decide, and InvalidCases, CaseDoesNotFit.
        """
        card = await self._triage.card(actor, run_id)

        def act(connection: Connection) -> str:
            workflow = card.run.workflow
            key = self._cases.add_in(
                connection, actor, workflow, inputs, expect, run_id=run_id, why=why or correction_of(card)
            )
            self._triage.decide_in(connection, actor, run_id, TriageState.CASE, key)
            return key

        key = await self._store.write(act)
        self._outgoing.ring()
        return key

    async def take_prompt(self, actor: Actor, run_id: str) -> Target:
        """Take on to change the prompt that wrote the answer, and say which. Raises as decide; NoPrompt."""

        def act(connection: Connection) -> Target:
            item = self._triage.waiting_in(connection, actor, run_id)
            self._access.authorise(connection, actor, Permission.PROPOSE, f"workflow:{item.workflow}")
            target = Target("prompt", self._prompt_of(connection, run_id, item.workflow))
            self._triage.decide_in(connection, actor, run_id, TriageState.PROMPT, target.name)
            return target

        target = await self._store.write(act)
        self._outgoing.ring()
        return target

    async def document_draft(self, actor: Actor, run_id: str) -> DocumentDraft:
        """A document to start from. Raises as Triage.card, and NowhereToWrite."""
        card = await self._triage.card(actor, run_id)

        def look(connection: Connection) -> tuple[str, ...]:
            read = self._catalogue.resolve(connection, card.run.workflow).collections()
            mine = tuple(name for name in read if self._may_edit(connection, actor, name))
            if not mine:
                raise NowhereToWrite(card.run.workflow, read)
            return mine

        collections = await self._store.read(look)
        title = " ".join(next(iter(card.run.inputs.values()), "").split())[:150].rstrip(" ?")
        words = [one.correction for one in card.complaints if one.correction]
        return DocumentDraft(card, title, "\n\n".join(dict.fromkeys(words)), collections)

    async def add_document(
        self, actor: Actor, run_id: str, *, collection: str, title: str, text: str, origin: Origin
    ) -> str:
        """Propose a document and decide the card; returns the change's id.

        Two owners at once make one change request: both propose it under the same key.
        Raises as Triage.decide, NothingToWrite, and what proposing raises.
        """
        for part, value in (("title", title), ("text", text)):
            if not value.strip():
                raise NothingToWrite(part)
        card = await self._triage.card(actor, run_id)
        name = await self._store.read(lambda connection: free_path(connection, collection, title))
        change = await self._proposals.propose(
            actor,
            Target("document", f"{collection}/{name}"),
            f"# {' '.join(title.split())}\n\n{text.strip()}\n",
            reason=f"An answer of {card.run.workflow} was voted down (run {run_id}).",
            origin=origin,
            # once for each time that it waits
            key=f"triage:{run_id}:{card.item.created_at.isoformat()}",
        )
        await self._triage.decide(actor, run_id, TriageState.KNOWLEDGE, change.id)
        return change.id

    def _citable(self, connection: Connection, actor: Actor, pinned: Pinned) -> tuple[tuple[str, str], ...]:
        readable = Audience((frozenset({actor.id, *actor.groups}),))
        named = set(pinned.collections())
        return tuple(
            (row.document.path, row.document.title)
            for collection in document_log.list_collections(connection)
            if collection.name in named and readable.may_read(collection.audience)
            for row in document_log.list_documents(connection, collection.name)
        )

    def _may_edit(self, connection: Connection, actor: Actor, collection: str) -> bool:
        return self._access.may(connection, actor, Permission.EDIT_KNOWLEDGE, f"collection:{collection}")

    def _prompt_of(self, connection: Connection, run_id: str, workflow: str) -> str:
        """The prompt of the last step that wrote something; else the workflow's first."""
        pinned = self._catalogue.resolve(connection, workflow)
        done = read_steps(connection, run_id)
        written = [
            step.template
            for step in pinned.root.steps
            if isinstance(step, PromptStep)
            and step.id in done
            and done[step.id].status is StepStatus.SUCCEEDED
        ]
        found = written[-1:] or list(pinned.names(PROMPT))[:1]
        if not found:
            raise NoPrompt(workflow)
        return found[0]


def correction_of(card: Card) -> str:
    """The newest correction; empty when nobody wrote one."""
    return next((one.correction for one in reversed(card.complaints) if one.correction), "")


def free_path(connection: Connection, collection: str, title: str) -> str:
    """A path for a document of that title at which none stands yet."""
    wanted = file_name(title)
    name, number = wanted, 2
    while document_log.find_document(connection, collection, name) is not None:
        name, number = wanted.replace(".md", f"-{number}.md"), number + 1
    return name
