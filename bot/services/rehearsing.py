"""Knowledge as it would be with one document changed: searched like the live one, which stays as it is."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.adapters.store.document_log import CollectionRow
from bot.services.readers import Audience
from knowledge.document import Retrieval
from knowledge.embedding import Embedder
from knowledge.retrieval import Snapshot, search
from workflows.ports import Retriever, UnknownCollection


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One collection with a proposed document in place of the present one; the others are live."""

    collection: CollectionRow
    document_id: str
    path: str
    snapshot: Snapshot
    embedder: Embedder
    turns: asyncio.Semaphore
    live: Callable[[Audience, Mapping[str, int]], Retriever]

    def retriever(self, audience: Audience, revisions: Mapping[str, int]) -> Retriever:
        """A Retriever for those readers; `revisions` pins the other collections."""
        return _Rehearsing(self, audience, self.live(audience, revisions))

    async def find(self, query: str, limit: int) -> Retrieval:
        """Best passages of the collection as it would be."""
        async with self.turns:
            return await asyncio.to_thread(
                search,
                self.snapshot,
                query,
                limit=limit,
                embedder=self.embedder,
                calibration=self.collection.calibration,
            )


@dataclass(frozen=True, slots=True)
class _Rehearsing:
    rehearsal: Rehearsal
    audience: Audience
    live: Retriever

    async def retrieve(self, query: str, *, collection: str, limit: int) -> Retrieval:
        """Best passages first. Raises UnknownCollection, which also stands for one they may not read."""
        if collection != self.rehearsal.collection.name:
            return await self.live.retrieve(query, collection=collection, limit=limit)
        if not self.audience.may_read(self.rehearsal.collection.audience):
            raise UnknownCollection(collection)
        return await self.rehearsal.find(query, limit)


Rehearse = Callable[[str, str, str], Awaitable[Rehearsal]]
"""Collection, path and text of a document, empty for one that is taken out, to the knowledge with it."""
