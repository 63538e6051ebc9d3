"""What people do about the findings of a digest, kept so that the next one remembers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import audit_log, digests_log, document_log, outbox_log
from bot.adapters.store.database import Store
from bot.governance.changes import Target
from bot.governance.roles import Permission
from bot.quality.complaint import TriageState
from bot.quality.digest import Digest, unpacked
from bot.quality.digest_findings import COLLECTION, Act, Decision, Finding, FindingStatus
from bot.quality.finding_sight import Sight, seen
from bot.services import opaque_ids
from bot.services.access import Access, Outsider
from bot.services.actors import Actor, Origin
from bot.services.catalogue import Catalogue
from bot.services.change_requests import Changes
from bot.services.digesting import DIGEST
from bot.services.discretion import readable
from bot.services.drafting import Drafting, EditMenu
from bot.services.golden_cases import GoldenCases
from bot.services.readers import Audience
from bot.services.remedies import CaseDraft, Remedies
from bot.services.triage import Card, Triage, as_read, card_of
from workflows.ports import Clock

T = TypeVar("T")

TASK = "digest-task"
"""Kind of the outbox message to whom a finding was given; its subject is `finding:<id>`."""
FURTHER = "digest-further"
"""Kind of the outbox message with the findings of less weight, in the thread of their digest."""
FINDING = "finding"
REDRAWN = timedelta(days=21)
"""Digests that are older keep the buttons they had; a press on one says what was decided."""


class UnknownFinding(Exception):
    """No digest pointed that out, or it was forgotten."""

    def __init__(self, finding_id: str) -> None:
        super().__init__(finding_id)
        self.facts = {"finding": finding_id}


class FindingDecided(Exception):
    """Somebody did something about it already; facts say what, and in `ask` who."""

    def __init__(self, finding: Finding) -> None:
        decision = finding.decision
        super().__init__(finding.id)
        self.facts = {
            "finding": finding.id,
            "act": decision.act.value if decision else "",
            "ask": decision.by if decision else "",
        }


class NoSuchDocument(Exception):
    """It was taken out of its collection, or its path changed."""

    def __init__(self, collection: str, title: str) -> None:
        super().__init__(collection, title)
        self.facts = {"collection": collection, "title": title}


class NoAnswerToKeep(Exception):
    """The finding names no run of which a case could be made."""

    def __init__(self, finding_id: str) -> None:
        super().__init__(finding_id)
        self.facts = {"finding": finding_id}


@dataclass(frozen=True, slots=True)
class Revision:
    """An old document as it stands, to be written anew."""

    finding: Finding
    collection: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class DigestLetter:
    """A digest as its message shows it now."""

    digest: Digest
    findings: Mapping[str, Finding]


class DigestActs:
    """Each act needs TRIAGE over the workflow, or over documents EDIT_KNOWLEDGE, besides what it makes."""

    def __init__(
        self,
        store: Store,
        access: Access,
        clock: Clock,
        outgoing: WakeUp,
        triage: Triage,
        remedies: Remedies,
        golden: GoldenCases,
        drafting: Drafting,
        changes: Changes,
    ) -> None:
        self._store = store
        self._access = access
        self._clock = clock
        self._outgoing = outgoing
        self._triage = triage
        self.remedies = remedies
        self._golden = golden
        self.drafting = drafting
        self._changes = changes

    @classmethod
    def of(
        cls,
        store: Store,
        access: Access,
        catalogue: Catalogue,
        clock: Clock,
        outgoing: WakeUp,
        triage: Triage,
        golden: GoldenCases,
        changes: Changes,
    ) -> "DigestActs":
        """With what makes remedies and drafts, which others use as well."""
        remedies = Remedies(store, triage, catalogue, access, outgoing, golden, changes)
        drafting = Drafting(store, access, catalogue, clock, changes)
        return cls(store, access, clock, outgoing, triage, remedies, golden, drafting, changes)

    async def open_finding(self, actor: Actor, finding_id: str) -> Finding:
        """One that nobody has settled, for whoever may, as far as they may see it. Raises as `decide`."""

        def look(connection: Connection) -> Finding:
            finding = self._open(connection, actor, finding_id)
            return seen(finding, self._sight(connection, actor, finding))

        return await self._store.read(look)

    async def decide(self, actor: Actor, finding_id: str, act: Act, result: str = "") -> Finding:
        """Keep what somebody did about it.

        Raises Outsider, NotAuthorized, UnknownFinding, FindingDecided.
        """

        def work(connection: Connection) -> Finding:
            return self._decide(connection, actor, self._open(connection, actor, finding_id), act, result)

        return await self._write(work)

    async def assign(self, actor: Actor, finding_id: str, receiver: Actor) -> Finding:
        """Give it to somebody, who is told. Raises as `decide`, and Outsider for a guest or a bot."""
        person = receiver.id
        if receiver.is_outsider:
            raise Outsider(person)

        def work(connection: Connection) -> Finding:
            finding = self._open(connection, actor, finding_id)
            done = self._decide(connection, actor, finding, Act.ASSIGN, person)
            sight = self._sight(connection, receiver, finding)
            key = f"{TASK}:{person}:{self._clock.now().isoformat()}"
            item = outbox_log.NewItem(
                id=opaque_ids.message_id(finding_id, key),
                kind=TASK,
                channel=person,
                subject=f"{FINDING}:{finding_id}",
                body={"person": person, "by": actor.id, "sees": sight.asked, "open": sorted(sight.open)},
            )
            outbox_log.insert_item(connection, item, self._clock.now())
            return done

        return await self._write(work)

    async def take_back(self, actor: Actor, finding_id: str) -> Finding:
        """Undo a decision. Raises Outsider, NotAuthorized, UnknownFinding."""

        def work(connection: Connection) -> Finding:
            finding = self._found(connection, actor, finding_id).reopened()
            digests_log.put_finding(connection, finding, self._clock.now())
            self._redraw(connection, finding)
            self._record(connection, actor, "finding.reopened", finding, {})
            return finding

        return await self._write(work)

    async def tell_further(self, actor: Actor, key: str) -> None:
        """Post the findings of less weight under their digest, once, for whoever reads that.

        Raises Outsider, NotAuthorized, UnknownFinding.
        """

        def work(connection: Connection) -> None:
            row = digests_log.find_digest(connection, key)
            channel, ts = outbox_log.message_about(connection, key)
            if row is None or not row.content.get("further") or not ts:
                raise UnknownFinding(key)
            mine = self._access.workflows(connection, actor, Permission.SEE_RUNS)
            if mine is not None and mine.isdisjoint(each.name for each in unpacked(row.content).workflows):
                self._access.authorise(connection, actor, Permission.SEE_RUNS, "*")
            item_id = opaque_ids.message_id(key, FURTHER)
            if not outbox_log.is_known(connection, item_id):
                item = outbox_log.NewItem(item_id, FURTHER, channel, thread_ts=ts, subject=key)
                outbox_log.insert_item(connection, item, self._clock.now())

        await self._write(work)

    async def begin_fix(self, actor: Actor, finding_id: str) -> tuple[EditMenu, Target | None]:
        """What the actor may edit of the workflow, and the one thing to edit where that is plain.

        The finding counts as taken on. Raises as `decide`, and UnknownWorkflow.
        """
        finding = await self.open_finding(actor, finding_id)
        menu = await self.drafting.menu(actor, finding.workflow)
        prompts = [each for each in menu.targets if each.kind == "prompt"]
        target = prompts[0] if len(prompts) == 1 else None
        await self.decide(actor, finding_id, Act.FIX, str(target or ""))
        return menu, target

    async def revision(self, actor: Actor, finding_id: str) -> Revision:
        """The document that a finding is about. Raises as `decide`, and NoSuchDocument."""

        def look(connection: Connection) -> Revision:
            finding = self._open(connection, actor, finding_id)
            collection = finding.workflow.removeprefix(COLLECTION)
            self._access.authorise(connection, actor, Permission.EDIT_KNOWLEDGE, finding.scope)
            row = document_log.find_document(connection, collection, str(finding.facts.get("path", "")))
            if row is None:
                raise NoSuchDocument(collection, str(finding.facts.get("title", "")))
            return Revision(finding, collection, row.document.title, row.document.text)

        return await self._store.read(look)

    async def revise(
        self,
        actor: Actor,
        finding_id: str,
        text: str,
        reason: str,
        origin: Origin,
        *,
        base_hash: str,
        key: str,
    ) -> str:
        """Propose another text of the document and settle the finding; the change's id.

        Raises as `revision`, and what proposing raises.
        """
        found = await self.revision(actor, finding_id)
        target = Target("document", f"{found.collection}/{found.finding.facts['path']}")
        change = await self._changes.propose(
            actor, target, text, reason=reason, origin=origin, base_hash=base_hash, key=key
        )
        await self.decide(actor, finding_id, Act.FIX, change.id)
        return change.id

    async def case_draft(self, actor: Actor, finding_id: str) -> CaseDraft:
        """A golden case to start from, without an answer that the actor may not read.

        Raises as `decide`, and NoAnswerToKeep.
        """

        def look(connection: Connection) -> CaseDraft:
            finding = self._open(connection, actor, finding_id)
            # the form shows what somebody asked: who was only given the finding may not see it for that
            self._access.authorise(connection, actor, Permission.SEE_RUNS, finding.scope)
            card = as_read(connection, actor, _card(connection, finding))
            return self.remedies.case_of(connection, actor, card)

        return await self._store.read(look)

    async def add_case(
        self, actor: Actor, finding_id: str, inputs: Mapping[str, str], expect: Mapping[str, Any], why: str
    ) -> str:
        """Keep a golden case and settle the finding, both or neither; returns the case's key.

        Raises as `decide`, and NoAnswerToKeep, InvalidCases, CaseDoesNotFit.
        """

        def work(connection: Connection) -> str:
            finding = self._open(connection, actor, finding_id)
            self._access.authorise(connection, actor, Permission.SEE_RUNS, finding.scope)
            card = _card(connection, finding)
            run = card.run
            given = {**{name: str(value) for name, value in run.inputs.items()}, **inputs}
            key = self._golden.add_in(connection, actor, run.workflow, given, expect, run_id=run.id, why=why)
            self._decide(connection, actor, finding, Act.CASE, key)
            if card.item.state is TriageState.WAITING:
                self._triage.decide_in(connection, actor, run.id, TriageState.CASE, key)
            return key

        return await self._write(work)

    def load_letter(self, connection: Connection, name: str) -> DigestLetter | None:
        """A digest for its message; None when there is none, or it was forgotten."""
        row = digests_log.find_digest(connection, f"{DIGEST}:{name}")
        if row is None or "total" not in row.content:
            return None
        digest = unpacked(row.content)
        acted_on = (each.finding_id for each in digest.follow_ups)
        shown = {*digest.findings, *digest.further, *acted_on}
        return DigestLetter(digest, digests_log.findings_of(connection, shown))

    def load_finding(self, connection: Connection, finding_id: str) -> Finding | None:
        """A finding for the message to whom it was given."""
        return digests_log.find_finding(connection, finding_id)

    def _found(self, connection: Connection, actor: Actor, finding_id: str) -> Finding:
        finding = digests_log.find_finding(connection, finding_id, lock=True)
        scope = finding.scope if finding else "*"
        of_documents = scope.startswith(COLLECTION)
        permission = Permission.EDIT_KNOWLEDGE if of_documents else Permission.TRIAGE
        is_theirs = finding is not None and _is_given_to(finding, actor)
        if not is_theirs or actor.is_outsider:
            self._access.authorise(connection, actor, permission, scope)
        if finding is None:
            raise UnknownFinding(finding_id)
        return finding

    def _sight(self, connection: Connection, actor: Actor, finding: Finding) -> Sight:
        asked = self._access.may(connection, actor, Permission.SEE_RUNS, finding.scope)
        return Sight(asked, readable(connection, Audience.of_one(actor)))

    def _open(self, connection: Connection, actor: Actor, finding_id: str) -> Finding:
        finding = self._found(connection, actor, finding_id)
        if finding.status is FindingStatus.ASSIGNED:
            return finding
        if finding.status is not FindingStatus.OPEN:
            raise FindingDecided(finding)
        return finding

    def _decide(
        self, connection: Connection, actor: Actor, finding: Finding, act: Act, result: str
    ) -> Finding:
        done = finding.decided(Decision(act, actor.id, self._clock.now(), result))
        digests_log.put_finding(connection, done, self._clock.now())
        self._redraw(connection, done)
        self._record(connection, actor, "finding.decided", done, {"act": act.value, "result": result})
        return done

    def _redraw(self, connection: Connection, finding: Finding) -> None:
        outbox_log.redraw(connection, f"{FINDING}:{finding.id}")
        for key, content in digests_log.digests_since(connection, self._clock.now() - REDRAWN):
            if finding.id in (*content.get("findings", ()), *content.get("further", ())):
                outbox_log.redraw(connection, key)

    def _record(
        self, connection: Connection, actor: Actor, action: str, finding: Finding, said: Mapping[str, str]
    ) -> None:
        audit_log.append_event(
            connection,
            actor=actor.id,
            action=action,
            target=f"{FINDING}:{finding.id}",
            context={"workflow": finding.workflow, "kind": finding.kind.value, **said},
            at=self._clock.now(),
        )

    async def _write(self, work: Callable[[Connection], T]) -> T:
        done = await self._store.write(work)
        self._outgoing.ring()
        return done


def _is_given_to(finding: Finding, actor: Actor) -> bool:
    """Whoever a finding was given to may settle it; what that makes still needs its own right."""
    decision = finding.decision
    return finding.status is FindingStatus.ASSIGNED and decision is not None and decision.result == actor.id


def _card(connection: Connection, finding: Finding) -> Card:
    """The answer that the finding names, with what stands against it. Raises NoAnswerToKeep."""
    run_id = str(finding.facts.get("run", ""))
    card = card_of(connection, run_id) if run_id else None
    if card is None:
        raise NoAnswerToKeep(finding.id)
    return card
