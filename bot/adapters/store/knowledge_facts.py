"""Who answers for the documents of a collection and how old they are, without reading their text."""

from sqlalchemy import Connection, select

from bot.adapters.store.document_log import document_versions, documents
from bot.quality.readiness import KnowledgeEvidence

_LIVE = (
    select(document_versions.c.owner, document_versions.c.updated_at)
    .join(documents, documents.c.id == document_versions.c.document_id)
    .where(documents.c.is_removed.is_(False), document_versions.c.until_revision.is_(None))
)


def knowledge_evidence(connection: Connection, collection: str) -> KnowledgeEvidence:
    """What a promotion asks of one collection; one that does not exist has no documents."""
    rows = connection.execute(_LIVE.where(documents.c.collection == collection)).all()
    owners = sorted({row.owner for row in rows if row.owner})
    return KnowledgeEvidence(
        collection,
        len(rows),
        tuple(owners),
        sum(not row.owner for row in rows),
        min((row.updated_at for row in rows), default=None),
    )
