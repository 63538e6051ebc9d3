"""What is set up to see how the product does: who is told of what happens, and alerts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.adapters.log_lines import write_line
from bot.adapters.metrics import Metrics
from bot.adapters.observing import Observers
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.adapters.telemetry import Export, Tracing
from bot.quality.alerts import read_thresholds
from bot.services.access import Access
from bot.settings import Settings
from workflows.ports import Clock

if TYPE_CHECKING:
    from bot.services.alerting import Alerting


@dataclass(frozen=True, slots=True)
class Watching:
    """Counters of this process, and everybody who listens to what happens in it."""

    metrics: Metrics
    observers: Observers
    _close: Callable[[], None] | None = None

    async def close(self) -> None:
        """Send what listeners hold back; seconds at most."""
        if self._close is not None:
            await asyncio.to_thread(self._close)


def watching(settings: Settings | None = None) -> Watching:
    """Count and log what happens, and trace it where a collector is set. Raises TelemetryMissing."""
    metrics = Metrics()
    if settings is None or not settings.otlp_endpoint:
        return Watching(metrics, Observers((metrics, write_line)))
    export = Export(settings.otlp_endpoint, settings.otlp_header_values)
    return Watching(metrics, Observers((metrics, write_line, Tracing(export))), export.close)


def alerting(store: Store, access: Access, clock: Clock, outgoing: WakeUp, settings: Settings) -> "Alerting":
    """Watch what the settings say. Raises InvalidThresholds."""
    from bot.services.alerting import Alerting

    limits = read_thresholds(settings.alerts)
    return Alerting(store, access, clock, outgoing, limits, settings.alert_channel)
