"""A provider's recent calls, and whether it is left alone: pure, so that every process decides alike."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

WINDOW = 20
"""Calls looked back on."""
FAILURES = 5
"""Failures within the window that open the circuit."""
PROBE_AFTER = timedelta(seconds=30)
"""An open circuit lets one call through this often."""

SUCCESS, FAILURE = "+", "-"


@dataclass(frozen=True, slots=True)
class Circuit:
    """What is known of one model at one provider."""

    recent: str = ""
    """How the last calls ended, a sign each, the newest last."""
    probe_at: datetime | None = None
    """Set while the circuit is open: when one call may try again."""

    @property
    def is_open(self) -> bool:
        """Whether the provider is left alone."""
        return self.probe_at is not None

    @property
    def is_calm(self) -> bool:
        """Whether nothing needs to be remembered: no failure among the last calls."""
        return not self.is_open and FAILURE not in self.recent

    def succeeded(self, times: int = 1) -> "Circuit":
        """Count successes. One that was under way as the circuit opened does not close it."""
        return self._with(SUCCESS * min(times, WINDOW))

    def failed(self, now: datetime) -> "Circuit":
        """Count a failure of the provider (never a refusal of one request)."""
        counted = self._with(FAILURE)
        if self.is_open or counted.recent.count(FAILURE) < FAILURES:
            return counted
        return replace(counted, probe_at=now + PROBE_AFTER)

    def probed(self, now: datetime) -> "Circuit":
        """One call goes out to try; the next not before a while."""
        return replace(self, probe_at=now + PROBE_AFTER)

    def untried(self, now: datetime) -> "Circuit":
        """The call that went out to try told nothing: the next may."""
        return replace(self, probe_at=now) if self.is_open else self

    def _with(self, signs: str) -> "Circuit":
        return replace(self, recent=(self.recent + signs)[-WINDOW:])


CALM = Circuit()
"""One without trouble, which nobody keeps; a probe that succeeds leads here."""
