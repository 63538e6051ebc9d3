"""Alerts: looks at how things go, tells people once, reminds them, and says when it is over."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store import alerts_log, audit_log, outbox_log
from bot.adapters.store.alerts_log import AlertRecord
from bot.adapters.store.backlog import read_backlog
from bot.adapters.store.database import Store
from bot.adapters.store.heartbeats_log import read_troubles
from bot.adapters.store.ledger import sum_spent
from bot.adapters.store.outbox_log import NewItem
from bot.adapters.store.rollups_log import tallies
from bot.governance.budget import Scope, ScopeKind
from bot.governance.roles import EVERYTHING, Permission
from bot.quality.alerts import AlertRule, Move, Reading, Standing, Thresholds, judge, run_readings
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.actors import Actor
from bot.services.alert_places import AlertPlaces
from bot.services.work import ITSELF
from workflows.ports import Clock
from workflows.run import Json

ALERT, REMINDER, OVER = "alert", "alert-reminder", "alert-over"
"""Kinds of outbox messages; the first is also the kind of their subject."""
HOUR = timedelta(hours=1)
KINDS = 2
"""How many kinds of failure are named."""

_SENT = {Move.RAISE: ALERT, Move.REMIND: REMINDER, Move.CLEAR: OVER, Move.CLOSE: OVER}
_EVENTS = {Move.RAISE: "alert.raised", Move.CLEAR: "alert.cleared", Move.CLOSE: "alert.closed"}


class UnknownAlert(Exception):
    """There is no such alert."""

    def __init__(self, alert: str) -> None:
        super().__init__(alert)
        self.facts = {"alert": alert}


class AlertOver(Exception):
    """It is over, so nobody has to see to it."""

    def __init__(self, alert: str) -> None:
        super().__init__(alert)
        self.facts = {"alert": alert}


@dataclass(frozen=True, slots=True)
class Moved:
    """What was done about one alert."""

    move: Move
    rule: AlertRule
    scope: str


class Alerting(AlertPlaces):
    """Watches the runs, the queue and the ledger."""

    def __init__(
        self,
        store: Store,
        access: Access,
        clock: Clock,
        outgoing: WakeUp,
        limits: Thresholds,
        channel: str = "",
    ) -> None:
        super().__init__(store, access, channel)
        self._clock = clock
        self._outgoing = outgoing
        self._limits = limits

    async def look(self) -> tuple[Moved, ...]:
        """Judge everything, and tell people of what changed. Two that look at once tell them once."""
        readings = await self._store.read(self._readings)
        at = self._clock.now()
        standing = await self._store.read(alerts_log.standing_alerts)
        if not standing and not any(self._is_raised(reading, at) for reading in readings):
            return ()
        moved = await self._store.write(lambda connection: self._act(connection, readings, at))
        if moved:
            self._outgoing.ring()
        return moved

    def _is_raised(self, reading: Reading, at: datetime) -> bool:
        return judge(reading, None, self._limits, at) is Move.RAISE

    def _readings(self, connection: Connection) -> tuple[Reading, ...]:
        at = self._clock.now()
        counted = tallies(connection, at - self._limits.window, at)
        standing = alerts_log.standing_alerts(connection)
        backlog = read_backlog(connection)
        spent = sum_spent(connection, Scope(ScopeKind.WORKSPACE, ""), at - HOUR, at)
        dearest = sorted(counted.items(), key=lambda each: -each[1].cost_usd)[:KINDS]
        waiting = {"queued": backlog.queued, "running": backlog.running, "workers": backlog.workers}
        bills = [[name, f"{tally.cost_usd:f}"] for name, tally in dearest if tally.cost_usd]
        return (
            Reading(AlertRule.QUEUE, "", backlog.queue_age_s, facts=waiting),
            Reading(AlertRule.COST, "", float(spent.dollars), facts={"calls": spent.calls, "dearest": bills}),
            *_down(connection, at),
            *run_readings(counted, self._limits, standing),
        )

    def _act(self, connection: Connection, readings: tuple[Reading, ...], at: datetime) -> tuple[Moved, ...]:
        standing = {(each.rule, each.scope): each for each in alerts_log.standing_alerts(connection)}
        found = {(each.rule, each.scope): each for each in readings}
        moved = []
        for key in {**standing, **found}:
            move = judge(found.get(key), standing.get(key), self._limits, at)
            if move is Move.RAISE:
                self._raise(connection, found[key], at)
            elif move is Move.NOTHING or not self._go_on(connection, move, standing[key], found.get(key), at):
                continue
            if move in _SENT:
                moved.append(Moved(move, *key))
        return tuple(moved)

    def _raise(self, connection: Connection, reading: Reading, at: datetime) -> None:
        # raised by two clocks at once, the second meets the index and is run again
        alert_id = opaque_ids.alert_id()
        facts = self._facts(connection, reading, at)
        alerts_log.insert_alert(connection, alert_id, reading, facts, at)
        alert = Standing(alert_id, reading.rule, reading.scope, at, at, at)
        self._tell(connection, Move.RAISE, alert, facts, at)

    def _go_on(
        self, connection: Connection, move: Move, alert: Standing, reading: Reading | None, at: datetime
    ) -> bool:
        """Keep what was seen of an alert and tell of it; False when another clock did so already."""
        marks: dict[str, datetime] = {} if move is Move.CLOSE else {"judged_at": at}
        if move is Move.REMIND:
            marks["told_at"] = at
        if move in (Move.CLEAR, Move.CLOSE):
            marks["cleared_at"] = at
        if not alerts_log.mark_alert(connection, alert.id, told_before=alert.told_at, **marks):
            return False
        if move in _SENT:
            facts = self._facts(connection, reading, at) if reading is not None else {}
            self._tell(connection, move, alert, {**facts, "move": move.value}, at)
        return True

    def _facts(self, connection: Connection, reading: Reading, at: datetime) -> dict[str, Json]:
        facts: dict[str, Json] = {
            **reading.facts,
            "value": round(reading.value, 4),
            "limit": self._limits.limit(reading.rule),
            "minutes": self._limits.minutes,
        }
        if reading.rule is AlertRule.ERRORS:
            kinds = alerts_log.failure_kinds(connection, at - self._limits.window, reading.scope)
            facts["kinds"] = [list(each) for each in kinds[:KINDS]]
        return facts

    def _tell(
        self, connection: Connection, move: Move, alert: Standing, facts: Mapping[str, Json], at: datetime
    ) -> None:
        if move in _EVENTS:
            audit_log.append_event(
                connection,
                actor=ITSELF,
                action=_EVENTS[move],
                target=f"alert:{alert.id}",
                context={"rule": alert.rule.value, "scope": alert.scope, **facts},
                at=at,
            )
        admins = self._admins(connection)
        for place in (self._channel,) if self._channel else admins:
            item = NewItem(
                id=opaque_ids.message_id(alert.id, f"{_SENT[move]}:{place}:{at.isoformat()}"),
                kind=_SENT[move],
                channel=place,
                # where the channel is closed to us, one admin hears of it rather than nobody
                body={"person": admins[0] if admins else "", "at": at.isoformat(), **facts},
                subject=subject_of(alert.id),
            )
            outbox_log.insert_item(connection, item, at)
        if move in (Move.CLEAR, Move.CLOSE):
            outbox_log.redraw(connection, subject_of(alert.id))

    async def take(self, actor: Actor, alert_id: str) -> AlertRecord:
        """Say that one sees to it: nobody is reminded any more, and the message names who.

        Raises NotAuthorized, Outsider, UnknownAlert, AlertOver.
        """

        def act(connection: Connection) -> AlertRecord:
            found = alerts_log.find_alert(connection, alert_id)
            if found is None:
                raise UnknownAlert(alert_id)
            self._authorise(connection, actor, found.standing)
            at = self._clock.now()
            if not alerts_log.mark_alert(connection, alert_id, taken_by=actor.id):
                raise AlertOver(alert_id)
            audit_log.append_event(
                connection,
                actor=actor.id,
                action="alert.taken",
                target=f"alert:{alert_id}",
                context={"rule": found.standing.rule.value, "scope": found.standing.scope},
                at=at,
            )
            outbox_log.redraw(connection, subject_of(alert_id))
            return replace(found, standing=replace(found.standing, taken_by=actor.id))

        taken = await self._store.write(act)
        self._outgoing.ring()
        return taken

    def _authorise(self, connection: Connection, actor: Actor, alert: Standing) -> None:
        is_of_workflow = alert.scope and alert.rule is not AlertRule.DOWN
        scope = f"workflow:{alert.scope}"
        if is_of_workflow and self._access.may(connection, actor, Permission.TRIAGE, scope):
            return
        self._access.authorise(connection, actor, Permission.OPERATE, EVERYTHING)


def _down(connection: Connection, at: datetime) -> Iterator[Reading]:
    """For how long each part has been down, as the processes that need it see it."""
    for part, found in read_troubles(connection).items():
        worst = min(found, key=lambda each: str(each["since"]), default=None)
        if worst is None:
            yield Reading(AlertRule.DOWN, part, 0.0)
        else:
            age_s = (at - datetime.fromisoformat(str(worst["since"]))).total_seconds()
            yield Reading(AlertRule.DOWN, part, age_s, facts={"said": worst["said"], "next": worst["next"]})


def load_alert(connection: Connection, alert_id: str) -> AlertRecord | None:
    """One alert as its messages show it."""
    return alerts_log.find_alert(connection, alert_id)


def subject_of(alert_id: str) -> str:
    """What the messages about an alert are about."""
    return f"{ALERT}:{alert_id}"
