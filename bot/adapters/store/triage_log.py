"""Bad answers and corrections that wait for an owner, and the better answers sent to those who complained."""

from sqlalchemy import Column, Index, String, Table

from bot.adapters.store.tables import UtcDateTime, metadata

triage = Table(
    "triage",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("workflow", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_by", String(64), nullable=False),
    Column("result", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("shown_at", UtcDateTime),
    Column("decided_at", UtcDateTime),
    Index("ix_triage_workflow_state", "workflow", "state"),
)
"""`state`: waiting, case, prompt, knowledge or dismissed; `result` names what the decision made."""

fixes = Table(
    "fixes",
    metadata,
    Column("run_id", String(32), primary_key=True),
    Column("person", String(64), primary_key=True),
    Column("change_id", String(16), primary_key=True),
    Column("new_run_id", String(32), nullable=False, index=True),
    Column("sent_at", UtcDateTime, nullable=False),
)
"""The run a person voted down, the change that fixed it, and the run that answered them again."""
