"""Every table of the store, for whoever needs the whole: importing this declares them all."""

from bot.adapters.store import (  # noqa: F401 - importing a module declares its tables
    alerts_log,
    audit_log,
    balances_log,
    budgets_log,
    cases_log,
    changes_log,
    checkpoints_log,
    circuits_log,
    conversations_log,
    digests_log,
    document_log,
    drafts_log,
    escalations_log,
    evaluations_log,
    fixes_log,
    grants,
    handed_log,
    heartbeats_log,
    ledger,
    outbox_log,
    preferences_log,
    questions_log,
    retention_log,
    rollups_log,
    run_log,
    scores,
    stages_log,
    step_log,
    triage_log,
    turns_log,
    versions_log,
)
from bot.adapters.store.tables import metadata

__all__ = ["metadata"]
