"""A circuit breaker: a provider that keeps failing is left alone for a while, in this process."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

WINDOW = 20
"""Calls looked back on."""
FAILURES = 5
"""Failures within the window that open the circuit."""
PROBE_AFTER = timedelta(seconds=30)
"""An open circuit lets one call through this often."""


@dataclass(slots=True)
class _Circuit:
    recent: deque[bool] = field(default_factory=lambda: deque(maxlen=WINDOW))
    next_probe_at: datetime | None = None
    """Set while the circuit is open."""


class Breaker:
    """The circuits of all providers, by key."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._circuits: dict[str, _Circuit] = {}

    def allows(self, key: str) -> bool:
        """Whether a call may be made; on an open circuit, a true answer is the one probe."""
        circuit = self._circuits.get(key)
        if circuit is None or circuit.next_probe_at is None:
            return True
        if self._now() < circuit.next_probe_at:
            return False
        circuit.next_probe_at = self._now() + PROBE_AFTER
        return True

    def is_open(self, key: str) -> bool:
        """Whether the provider is left alone just now; asking lets no call through."""
        circuit = self._circuits.get(key)
        return circuit is not None and circuit.next_probe_at is not None

    def succeeded(self, key: str) -> None:
        """Count a success; it closes an open circuit and forgets the past that opened it."""
        circuit = self._circuits.setdefault(key, _Circuit())
        if circuit.next_probe_at is not None:
            circuit.next_probe_at = None
            circuit.recent.clear()
        circuit.recent.append(True)

    def failed(self, key: str) -> None:
        """Count a failure of the provider (never a refusal of one request)."""
        circuit = self._circuits.setdefault(key, _Circuit())
        circuit.recent.append(False)
        if circuit.recent.count(False) >= FAILURES:
            circuit.next_probe_at = self._now() + PROBE_AFTER
