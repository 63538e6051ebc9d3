"""When a weekly digest is due and which week it tells of, in somebody's own time zone. Pure.

A local time that the clocks skip stands for the moment they would have reached without skipping; one that
they show twice stands for the first.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WEEK = timedelta(weeks=1)
MINUTES = 24 * 60


class UnknownZone(Exception):
    """No IANA time zone of that name; fact `typed` is what was given."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.facts = {"typed": typed}


@dataclass(frozen=True, slots=True, order=True)
class IsoWeek:
    """A week from Monday to Sunday, as ISO 8601 counts them."""

    year: int
    number: int

    def __str__(self) -> str:
        return f"{self.year}-W{self.number:02}"

    @classmethod
    def of(cls, text: str) -> "IsoWeek":
        """Inverse of `str`. Raises ValueError."""
        year, _, number = text.partition("-W")
        return cls(int(year), int(number))

    @property
    def monday(self) -> date:
        """Its first day."""
        return date.fromisocalendar(self.year, self.number, 1)

    @property
    def before(self) -> "IsoWeek":
        """The week that ends where this one begins."""
        return week_of(self.monday - WEEK)

    def starts(self, zone: tzinfo) -> datetime:
        """Its first moment in a time zone, as UTC."""
        return moment_of(self.monday, 0, zone)

    def ends(self, zone: tzinfo) -> datetime:
        """The first moment after it, as UTC."""
        return moment_of(self.monday + WEEK, 0, zone)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A weekday and a minute of the local day, in an IANA time zone."""

    weekday: int = 0
    """From 0, Monday."""
    minute: int = 9 * 60
    zone: str = "UTC"

    @property
    def info(self) -> ZoneInfo:
        """The time zone. Raises UnknownZone."""
        return zone_of(self.zone)

    def latest(self, now: datetime) -> datetime:
        """The newest slot that is not after `now`, as UTC. Raises UnknownZone."""
        return max(slot for slot in self._around(now) if slot <= now)

    def next(self, now: datetime) -> datetime:
        """The first slot after `now`, as UTC. Raises UnknownZone."""
        return min(slot for slot in self._around(now) if slot > now)

    def week_before(self, slot: datetime) -> IsoWeek:
        """The week that a digest of that slot tells of: the last one that was over. Raises UnknownZone."""
        return week_of(slot.astimezone(self.info).date()).before

    def _around(self, now: datetime) -> tuple[datetime, ...]:
        info = self.info
        day = now.astimezone(info).date()
        first = day - timedelta(days=(day.weekday() - self.weekday) % 7)
        return tuple(moment_of(first + WEEK * each, self.minute, info) for each in (-1, 0, 1))


def moment_of(day: date, minute: int, zone: tzinfo) -> datetime:
    """A minute of a local day as a moment in UTC."""
    local = datetime.combine(day, time(minute // 60, minute % 60), zone)
    return local.astimezone(UTC)


def week_of(day: date) -> IsoWeek:
    """The week that a day lies in."""
    year, number, _ = day.isocalendar()
    return IsoWeek(year, number)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises UnknownZone."""
    try:
        return ZoneInfo(name)
    # a directory of the database, a path out of it, or no name at all
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UnknownZone(name) from error
