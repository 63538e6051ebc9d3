"""How a run ended, or where it stands, in words."""

from collections.abc import Mapping

from workflows.run import Ending, RunStatus

_ENDINGS: Mapping[Ending, str] = {
    Ending.ANSWERED: "answered",
    Ending.ABSTAINED: "said it does not know",
    Ending.ESCALATED: "handed to a person",
    Ending.FAILED: "failed",
    Ending.CANCELLED: "cancelled",
}
_STANDS: Mapping[RunStatus, str] = {
    RunStatus.QUEUED: "waits for its turn",
    RunStatus.RUNNING: "is running",
    RunStatus.WAITING: "waits for a person",
}


def state_words(ending: Ending | None, status: RunStatus) -> str:
    """How a run ended, or where it stands."""
    return _ENDINGS[ending] if ending else _STANDS.get(status, status.value)
