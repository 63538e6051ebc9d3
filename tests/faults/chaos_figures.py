"""What a chaos came to, in figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults.checker import Violation, calls_of_stale_workers, check, in_flight_again
from tests.faults.history import Held, History


@dataclass
class Figures:
    """The verdict."""

    seed: int
    engine: str
    rows: list[tuple[str, str]]
    violations: list[Violation]
    spans: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Seconds to begin, under fire, and until all was at rest."""
    is_at_rest: bool = False
    injected: Counter[str] = field(default_factory=Counter)
    logged: Counter[str] = field(default_factory=Counter)
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        seed: int,
        engine: str,
        history: History,
        world: Any,
        nemesis: Any,
        said: Sequence[Mapping[str, Any]],
    ) -> "Figures":
        """Count everything."""
        violations = check(history)
        posts = world.faults.taken["chat.postMessage"]
        spoilt = sum(n for name, n in world.faults.happened.items() if name.startswith("chat.postMessage"))
        injected = Counter(
            {
                "worker: kill -9": len(nemesis.kills),
                "worker: frozen": nemesis.freezes,
                "clock: kill -9": nemesis.clock_kills,
                "door: kill -9": nemesis.door_kills,
            }
        )
        for found, name in (
            (world.faults.happened, "Slack"),
            (world.line.happened, "delivery"),
            (world.model.happened, "model"),
        ):
            injected.update({f"{name}: {what}": n for what, n in found.items()})
        acked = [ask.ack_s for ask in history.asks if ask.ack_s is not None]
        logged = Counter(line["event"] for line in said if line["kind"] == "log")
        broken = Counter(each.kind for each in violations)
        recovered = recovery(history.held, nemesis.kills)
        status = Counter(run.status for run in history.runs)
        posts_in_slack = len(history.posts)
        rows = [
            ("runs asked for, acknowledged", f"{len(history.asks)}, {len(acked)}"),
            ("runs in the end", ", ".join(f"{n} {name}" for name, n in sorted(status.items()))),
            ("failures stated", counted(run.failure for run in history.runs)),
            ("lost", str(broken["lost"])),
            ("refused to whoever asked", counted(ask.refused for ask in history.asks)),
            (
                "messages in Slack, duplicates",
                f"{posts_in_slack}, {posts_in_slack - len({p.outbox_id for p in history.posts})}",
            ),
            ("posts tried, spoilt", f"{posts}, {spoilt} ({share(spoilt, posts)})"),
            (
                "steps journaled, executed again after it",
                f"{len(history.journal)}, {broken['executed again']}",
            ),
            ("steps in flight executed again", str(in_flight_again(history))),
            ("calls of workers that had lost their run", str(calls_of_stale_workers(history).total())),
            ("stale writes refused, done", f"{logged['run.lease_lost']}, {broken['stale write']}"),
            (
                "spent of the limit",
                ", ".join(f"{m.spent:.2f} of {m.limit} ({m.reserved:f} set aside)" for m in history.money),
            ),
            ("clock slots, double fires", f"{sum(s.slots for s in history.slots)}, {broken['clock']}"),
            ("runs of killed workers, taken over after p50, p99", f"{len(recovered)}, {spread(recovered)}"),
            ("acknowledged within p50, p99, longest", f"{spread(acked)}, {max(acked, default=0):.3f} s"),
            ("audit chain", history.broken_audit or "verifies"),
        ]
        errors = [line["error"] for line in said if line["kind"] == "log" and line["error"]]
        return cls(seed, engine, rows, violations, injected=injected, logged=logged, errors=errors)

    def text(self) -> str:
        """For a terminal."""
        begin, fire, rest = self.spans
        took = f"{begin:.0f} s to begin, {fire:.0f} s under fire, {rest:.0f} s until all was at rest"
        lines = [f"chaos on {self.engine}, seed {self.seed}: {took}"]
        lines += [f"  {name}: {value}" for name, value in self.rows]
        lines += ["  injected:"] + [f"    {n:6d} {name}" for name, n in sorted(self.injected.items())]
        lines += ["  logged by the product:"] + [
            f"    {n:6d} {name}" for name, n in self.logged.most_common()
        ]
        lines += [f"  VIOLATION {each.kind}: {each.what}" for each in self.violations[:20]]
        lines += [] if self.is_at_rest else ["  NEVER CAME TO REST"]
        lines.append(f"  violations: {len(self.violations)}")
        return "\n".join(lines) + "\n"


def recovery(held: Sequence[Held], kills: Sequence[tuple[int, float]]) -> list[float]:
    """Seconds from each worker's death until somebody else held each run that it had."""
    last: dict[str, Held] = {}
    found = []
    for each in held:
        before = last.get(each.run_id)
        if before is not None and before.status == each.status == "running":
            died = [at for pid, at in kills if f":{pid}:" in before.owner and before.at <= at <= each.at]
            found += [each.at - at for at in died]
        last[each.run_id] = each
    return found


def counted(names: Iterable[str]) -> str:
    """How many of each; empty names are nothing."""
    return ", ".join(f"{n} {name}" for name, n in Counter(filter(None, names)).most_common()) or "none"


def share(part: int, whole: int) -> str:
    """In per cent."""
    return f"{100 * part / max(whole, 1):.0f} %"


def spread(values: Sequence[float]) -> str:
    """Median and 99th percentile, in seconds."""
    if not values:
        return "none"
    ordered = sorted(values)
    last = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return f"{ordered[len(ordered) // 2]:.3f} s, {last:.3f} s"
