"""What is set up to see how the product does: who is told of what happens, and alerts."""

from dataclasses import dataclass

from bot.adapters.log_lines import write_line
from bot.adapters.metrics import Metrics
from bot.adapters.observing import Observers
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.quality.alerts import read_thresholds
from bot.services.access import Access
from bot.services.alerting import Alerting
from bot.settings import Settings
from workflows.ports import Clock


@dataclass(frozen=True, slots=True)
class Watching:
    """Counters of this process, and everybody who listens to what happens in it."""

    metrics: Metrics
    observers: Observers


def watching() -> Watching:
    """Count and log what happens."""
    metrics = Metrics()
    return Watching(metrics, Observers((metrics, write_line)))


def alerting(store: Store, access: Access, clock: Clock, outgoing: WakeUp, settings: Settings) -> Alerting:
    """Watch what the settings say. Raises InvalidThresholds."""
    limits = read_thresholds(settings.alerts)
    return Alerting(store, access, clock, outgoing, limits, settings.alert_channel)
