"""What documents are called, without their texts: for reading what somebody says of one."""

from datetime import datetime

from sqlalchemy import Connection, and_, select

from bot.adapters.store.document_log import document_versions, documents

_NAMES = (
    select(
        documents.c.collection, documents.c.path, document_versions.c.title, document_versions.c.updated_at
    )
    .join(
        document_versions,
        and_(
            document_versions.c.document_id == documents.c.id,
            document_versions.c.version == documents.c.version,
        ),
    )
    .where(documents.c.is_removed.is_(False))
    .order_by(documents.c.collection, documents.c.path)
)


def list_names(connection: Connection) -> tuple[tuple[str, str, str, datetime], ...]:
    """Collection, path, title and time of the last change of every live document."""
    return tuple((row.collection, row.path, row.title, row.updated_at) for row in connection.execute(_NAMES))
