"""What the organisation knows: adding, removing and listing documents, and searching them for an audience."""

import asyncio
import functools
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import structlog
from sqlalchemy import Connection

from bot.adapters.store import audit_log
from bot.adapters.store import document_log as log
from bot.adapters.store.database import Store
from bot.adapters.store.store_down import StoreDown
from bot.services.document_edits import PreparedDocument, prepare, put_in, remove_in
from bot.services.intake import Added, AddingStopped, Intake, OnProgress, document_id, remove_document
from bot.services.readers import EVERYONE, Audience
from bot.services.rehearsing import Rehearsal
from bot.services.snapshots import Snapshots
from knowledge.document import Document, LiveChunk, Retrieval
from knowledge.embedding import Embedder
from knowledge.index import VectorIndex
from knowledge.retrieval import Snapshot, search, weigh
from knowledge.sources import open_source
from knowledge.support import Calibration, Evidence
from knowledge.token_store import TokensDamaged
from workflows.ports import Clock, UnknownCollection
from workflows.run import Json

log_ = structlog.get_logger(__name__)

T = TypeVar("T")

AT_ONCE = 4
"""Searches that run side by side; more would only wait for the same processors."""

_NAME = re.compile(r"[a-z][a-z0-9-]{1,39}")


class InvalidCollectionName(Exception):
    """Not 2 to 40 lower-case letters, digits and hyphens with a letter first."""

    def __init__(self, collection: str) -> None:
        super().__init__(collection)
        self.facts = {"collection": collection}


class UnknownDocument(Exception):
    """No live document stands at that path."""

    def __init__(self, collection: str, path: str) -> None:
        super().__init__(path)
        self.facts = {"collection": collection, "path": path}


class Holdings:
    """The collections of one installation. The store is the truth; indexes in the data folder follow it."""

    def __init__(
        self,
        store: Store,
        data_dir: Path,
        clock: Clock,
        *,
        chroma_url: str = "",
        embedder: Embedder | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._embedder = embedder or Embedder()
        folder = data_dir / "knowledge"
        vectors = VectorIndex(
            chroma_url or folder / "chroma",
            model_id=self._embedder.model_id,
            dimension=self._embedder.dimension,
            owner=lambda: store.read_now(audit_log.beginning),
        )
        self._snapshots = Snapshots(store, folder, vectors, self._embedder)
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def add(
        self,
        path: Path,
        collection: str,
        *,
        owner: str = "",
        audience: Sequence[str] | None = None,
        source: str = "",
        by: str = "terminal",
        on_progress: OnProgress | None = None,
    ) -> Added:
        """Bring a collection up to date with a folder or file, making it when it is new.

        `audience` None keeps what it was (everyone, for a new one). `source` names a folder that may move.
        `on_progress` is called from another thread.
        Raises InvalidCollectionName, MixedModels and what `open_source` does; AddingStopped when cancelled.
        """
        stop = threading.Event()
        work = asyncio.to_thread(self._add, path, collection, owner, audience, source, by, on_progress, stop)
        adding = asyncio.ensure_future(work)
        try:
            return await asyncio.shield(adding)
        except asyncio.CancelledError:
            # a thread cannot be cancelled: it would go on with all other files, unseen
            stop.set()
            raise AddingStopped(await adding) from None

    def retriever(
        self, audience: Audience, revisions: Mapping[str, int] | None = None
    ) -> "AudienceRetriever":
        """A Retriever for those readers; `revisions` pins collections to what they held at a run's start."""
        return AudienceRetriever(self, audience, revisions or {})

    async def warm(self) -> None:
        """Load the model and take every collection's snapshot, so that the first question need not wait."""
        await asyncio.to_thread(self._embedder.encode_query, "warm")
        for row in await self.collections():
            await asyncio.to_thread(self._snapshots.take, row)

    async def ping(self) -> None:
        """Have the index answer. Raises what `Snapshots.ping` does."""
        await asyncio.to_thread(self._snapshots.ping)

    async def collections(self) -> tuple[log.CollectionRow, ...]:
        """Every collection, whoever may read it."""
        return await self._store.read(log.list_collections)

    async def documents(self, collection: str) -> tuple[Document, ...]:
        """Live documents by path, with their text. Raises UnknownCollection."""
        row = await self._find(collection)
        stored = await self._store.read(functools.partial(log.list_documents, collection=row.name))
        return tuple(one.document for one in stored)

    async def prepare_text(
        self, collection: str, path: str, text: str, *, title: str = "", owner: str = ""
    ) -> PreparedDocument:
        """Cut and embed a document that a person wrote; `put_prepared` stores it.

        Raises UnknownCollection, MixedModels.
        """
        row = await self._find(collection)
        before = await self._store.read(lambda connection: log.find_document(connection, row.name, path))
        work = functools.partial(prepare, path=path, text=text, title=title, owner=owner, clock=self._clock)
        return await asyncio.to_thread(work, self._snapshots, row, before)

    async def rehearse(self, collection: str, path: str, text: str) -> Rehearsal:
        """The knowledge with a document changed, or taken out where `text` is empty, for trying it.

        Nothing that is live moves. Raises UnknownCollection, MixedModels.
        """
        row = await self._find(collection)
        prepared = await self.prepare_text(collection, path, text) if text else None
        instead = [LiveChunk(chunk, prepared.row.document) for chunk in prepared.chunks] if prepared else []
        name = document_id(collection, path)
        snapshot = await asyncio.to_thread(self._snapshots.rehearse, row, name, instead)
        return Rehearsal(row, name, path, snapshot, self._embedder, self._turns, self.retriever)

    def put_prepared(
        self,
        connection: Connection,
        prepared: PreparedDocument,
        *,
        by: str,
        facts: Mapping[str, Json] | None = None,
    ) -> int:
        """Store a prepared document within the caller's transaction; returns its version."""
        return put_in(connection, prepared, by=by, clock=self._clock, facts=facts)

    def remove_in(
        self,
        connection: Connection,
        collection: str,
        path: str,
        *,
        by: str,
        facts: Mapping[str, Json] | None = None,
    ) -> bool:
        """Take a document out within the caller's transaction; False when none is there."""
        return remove_in(connection, collection, path, by=by, clock=self._clock, facts=facts)

    async def put_text(self, collection: str, path: str, text: str, *, title: str = "", by: str) -> int:
        """Put one document in, or a new version of it; returns its version. Raises UnknownCollection."""
        prepared = await self.prepare_text(collection, path, text, title=title, owner=by)
        return await self._store.write(lambda connection: self.put_prepared(connection, prepared, by=by))

    async def remove(self, collection: str, path: str, *, by: str = "terminal") -> int:
        """Take a document out; returns the collection's revision.

        Raises UnknownCollection, UnknownDocument.
        """
        row = await self._find(collection)

        def act(connection: Connection) -> int:
            stored = log.find_document(connection, row.name, path)
            if stored is None:
                raise UnknownDocument(row.name, path)
            return remove_document(connection, stored.document, by=by, at=self._clock.now())

        return await self._store.write(act)

    async def empty(self, collection: str, *, by: str = "terminal") -> int:
        """Take every document out, at once; returns how many there were. Raises UnknownCollection."""
        row = await self._find(collection)

        def act(connection: Connection) -> int:
            stored = log.list_documents(connection, row.name)
            for each in stored:
                remove_document(connection, each.document, by=by, at=self._clock.now())
            return len(stored)

        return await self._store.write(act)

    async def set_audience(self, collection: str, audience: Sequence[str], *, by: str = "terminal") -> None:
        """Say who may read it: `everyone`, or ids of people and groups. Raises UnknownCollection."""
        row = await self._find(collection)
        await self._store.write(lambda connection: self._set_audience(connection, row.name, audience, by))

    async def reindex(self) -> tuple[str, ...]:
        """Build every index again from the store, with the model of today; returns the collections' names."""
        rows = await self.collections()
        for row in rows:
            await asyncio.to_thread(self._reindex, row)
        return tuple(row.name for row in rows)

    async def search(
        self, collection: str, query: str, limit: int, audience: Audience, revision: int | None = None
    ) -> Retrieval:
        """Search one collection if all of the audience may read it. Raises UnknownCollection, MixedModels."""
        row = await self._find(collection)
        if not audience.may_read(row.audience):
            raise UnknownCollection(collection)
        async with self._turns:
            return await asyncio.to_thread(self._search, row, query, limit, revision)

    async def weigh(
        self, collection: str, questions: Sequence[str], on_progress: OnProgress | None = None
    ) -> list[Evidence]:
        """What a collection has for each question, whoever may read it. `on_progress` as for `add`.

        Raises UnknownCollection, MixedModels.
        """
        row = await self._find(collection)
        return await asyncio.to_thread(self._weigh, row, questions, on_progress)

    async def set_calibration(
        self, collection: str, calibration: Calibration, *, facts: Mapping[str, Json], by: str
    ) -> None:
        """Say what evidence means in a collection; `facts` go on record. Raises UnknownCollection."""
        row = await self._find(collection)

        def act(connection: Connection) -> None:
            log.set_calibration(connection, row.name, calibration)
            context = {**asdict(calibration), **facts}
            self._note(connection, by, "collection.calibrated", row.name, context)

        await self._store.write(act)

    async def close(self) -> None:
        """Let another process own the index."""
        await asyncio.to_thread(self._snapshots.close)

    async def keep_until(self, stop: asyncio.Event, look_s: float = 2.0) -> None:
        """Make what searching stands on anew whenever it is lost, behind or damaged, until `stop` is set."""
        self._snapshots.is_mended = True
        while not stop.is_set():
            try:
                rows = await self.collections()
                await asyncio.to_thread(self._snapshots.mend, rows)
            except StoreDown as error:
                log_.warning("knowledge.not_mended", why=error.why)
            except Exception:
                log_.exception("knowledge.not_mended")
            try:
                async with asyncio.timeout(look_s):
                    await stop.wait()
            except TimeoutError:
                continue

    def _search(self, row: log.CollectionRow, query: str, limit: int, revision: int | None) -> Retrieval:
        look = functools.partial(
            search, query=query, limit=limit, embedder=self._embedder, calibration=row.calibration
        )
        return self._look(row, look, revision)

    def _look(self, row: log.CollectionRow, look: Callable[[Snapshot], T], revision: int | None = None) -> T:
        snapshot = self._snapshots.take(row, revision)
        try:
            return look(snapshot)
        except (TokensDamaged, KeyError) as error:
            self._snapshots.found_damaged(row.name, error)
            return look(self._snapshots.take(row, revision))

    def _weigh(
        self, row: log.CollectionRow, questions: Sequence[str], on_progress: OnProgress | None
    ) -> list[Evidence]:
        found = []
        for number, question in enumerate(questions, 1):
            look = functools.partial(weigh, question=question, embedder=self._embedder)
            found.append(self._look(row, look))
            if on_progress is not None:
                on_progress(number, len(questions), question)
        return found

    def _add(
        self,
        path: Path,
        collection: str,
        owner: str,
        audience: Sequence[str] | None,
        source_name: str,
        by: str,
        on_progress: OnProgress | None,
        stop: threading.Event,
    ) -> Added:
        if not _NAME.fullmatch(collection):
            raise InvalidCollectionName(collection)
        known = self._store.read_now(functools.partial(log.list_sources, collection=collection))
        source = open_source(path, name=source_name, known=known)
        row = self._store.write_now(
            lambda connection: self._ensure_collection(connection, collection, audience, by)
        )
        intake = Intake(self._store, self._snapshots, self._clock, row, owner=owner, by=by, stop=stop)
        outcome = intake.run(source, on_progress)
        if not stop.is_set():
            self._snapshots.take(self._store.read_now(functools.partial(_existing, name=collection)))
        return outcome

    def _ensure_collection(
        self, connection: Connection, name: str, audience: Sequence[str] | None, by: str
    ) -> log.CollectionRow:
        row = log.find_collection(connection, name)
        if row is None:
            made = log.CollectionRow(
                name=name,
                audience=(EVERYONE,) if audience is None else tuple(audience),
                revision=0,
                model_id=self._embedder.model_id,
                dimension=self._embedder.dimension,
            )
            log.insert_collection(connection, made, now=self._clock.now())
            self._note(connection, by, "collection.made", name, {"audience": list(made.audience)})
            return made
        if audience is not None and tuple(audience) != row.audience:
            self._set_audience(connection, name, audience, by)
        return row

    def _set_audience(self, connection: Connection, name: str, audience: Sequence[str], by: str) -> None:
        log.update_collection(connection, name, audience=list(audience))
        self._note(connection, by, "collection.audience_set", name, {"audience": list(audience)})

    def _note(
        self, connection: Connection, by: str, action: str, name: str, context: Mapping[str, Json]
    ) -> None:
        audit_log.append_event(
            connection, actor=by, action=action, target=name, at=self._clock.now(), context=dict(context)
        )

    def _reindex(self, row: log.CollectionRow) -> None:
        self._snapshots.forget(row.name)
        self._store.write_now(
            functools.partial(
                log.update_collection,
                name=row.name,
                model_id=self._embedder.model_id,
                dimension=self._embedder.dimension,
            )
        )
        self._snapshots.take(self._store.read_now(functools.partial(_existing, name=row.name)))

    async def _find(self, collection: str) -> log.CollectionRow:
        return await self._store.read(functools.partial(_existing, name=collection))


class AudienceRetriever:
    """The Retriever port, bound to the readers of one run's answer and to what the run is pinned to."""

    def __init__(self, holdings: Holdings, audience: Audience, revisions: Mapping[str, int]) -> None:
        self._holdings = holdings
        self._audience = audience
        self._revisions = revisions

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """Best passages first. Raises UnknownCollection, which also stands for one they may not read."""
        revision = self._revisions.get(collection)
        return await self._holdings.search(collection, query, limit, self._audience, revision)


def _existing(connection: Connection, name: str) -> log.CollectionRow:
    row = log.find_collection(connection, name)
    if row is None:
        raise UnknownCollection(name)
    return row
