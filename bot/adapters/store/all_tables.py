"""Every table of the store, for whoever needs the whole: importing this declares them all."""

from bot.adapters.store import (  # noqa: F401 - importing a module declares its tables
    audit_log,
    document_log,
    grants,
    ledger,
    outbox_log,
    preferences_log,
    run_log,
    scores,
    step_log,
    versions_log,
)
from bot.adapters.store.tables import metadata

__all__ = ["metadata"]
