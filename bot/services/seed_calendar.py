"""When things happen in a made-up history: the rhythm of days, and what went wrong or was changed. Pure."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import accumulate
from random import Random

HOUR, DAY, WEEK = timedelta(hours=1), timedelta(days=1), timedelta(weeks=1)
WEEKDAYS = (1.15, 1.2, 1.05, 1.0, 0.75, 0.06, 0.05)
"""How busy Monday to Sunday are."""
HOURS = (
    *(0.03, 0.02, 0.02, 0.02, 0.03, 0.06, 0.2, 0.5, 1.1, 1.6, 1.5, 1.3),
    *(0.8, 1.1, 1.5, 1.5, 1.3, 1.0, 0.7, 0.6, 0.5, 0.3, 0.15, 0.06),
)
"""How busy the hours of a day are, in UTC: two offices in Europe, and one five hours behind."""
GROWTH = 0.5
"""How much busier the end is than the beginning."""


@dataclass(frozen=True)
class SeedCalendar:
    """What happened until `until`; weeks begin on Monday, 00:00 UTC."""

    until: datetime
    weeks: int

    @cached_property
    def monday(self) -> datetime:
        """The beginning of the week that is under way."""
        midnight = self.until.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=midnight.weekday())

    @cached_property
    def since(self) -> datetime:
        """The beginning."""
        return self.monday - self.weeks * WEEK

    @cached_property
    def bad_prompt(self) -> tuple[datetime, datetime]:
        """From when to when a prompt was in force that did worse: Monday to Friday of last week."""
        week = self.monday - WEEK
        return week + timedelta(hours=8, minutes=40), week + timedelta(days=4, hours=15, minutes=10)

    @cached_property
    def price_change(self) -> datetime:
        """Since when the model costs more: Wednesday of the week before last."""
        return self.monday - 2 * WEEK + 2 * DAY

    @cached_property
    def outage(self) -> tuple[datetime, datetime]:
        """When the model could not be reached: Thursday three weeks ago."""
        day = self.monday - 3 * WEEK + 3 * DAY
        return day + timedelta(hours=13, minutes=5), day + timedelta(hours=15, minutes=20)

    def is_bad_prompt(self, at: datetime) -> bool:
        """Whether the worse prompt was in force."""
        return self.bad_prompt[0] <= at < self.bad_prompt[1]

    def is_outage(self, at: datetime) -> bool:
        """Whether the model could not be reached."""
        return self.outage[0] <= at < self.outage[1]

    def moments(self, rng: Random, count: int) -> Iterator[datetime]:
        """That many moments in order, as busy as the hours and days are."""
        hours = int((self.until - self.since) / HOUR)
        weights = (self._weight(number, hours) for number in range(hours))
        edges = list(accumulate(weights))
        # sorted uniform draws, made one after the other: nothing of the whole is kept
        reached, left = 0.0, count
        while left:
            reached = 1 - (1 - reached) * (1 - rng.random()) ** (1 / left)
            left -= 1
            place = reached * edges[-1]
            number = min(bisect(edges, place), hours - 1)
            begin = edges[number - 1] if number else 0.0
            within = (place - begin) / (edges[number] - begin)
            yield self.since + (number + min(within, 0.999999)) * HOUR

    def _weight(self, number: int, hours: int) -> float:
        at = self.since + number * HOUR
        return WEEKDAYS[at.weekday()] * HOURS[at.hour] * (1 + GROWTH * number / hours)
