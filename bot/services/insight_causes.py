"""What was changed that some workflows depend on, with when and by whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

from sqlalchemy import Connection

from bot.adapters.profiles import InvalidProfiles, ModelProfile, read_profiles
from bot.adapters.store.audit_log import AuditEvent
from bot.adapters.store.change_moments import changes_between
from bot.adapters.store.versions_log import PRODUCTION, read_version
from bot.quality.week_insights import Cause, CauseKind
from bot.services.contents import MODELS
from bot.services.pinning import Pinned


@dataclass(slots=True)
class Causes:
    """Reads what happened between two moments once, and tells it by workflow."""

    connection: Connection
    since: datetime
    until: datetime
    _events: tuple[AuditEvent, ...] | None = None
    _models: dict[int, Mapping[str, ModelProfile]] = field(default_factory=dict)

    def of(self, pinned: Pinned) -> tuple[Cause, ...]:
        """What changed about this workflow, its prompts, rules, knowledge and models."""
        if self._events is None:
            self._events = changes_between(self.connection, self.since, self.until)
        mine = {f"{kind}:{name}" for kind, names in pinned.pins.items() for name in names}
        collections = set(pinned.collections())
        found = [cause for event in self._events for cause in self._told(event, mine, collections)]
        return (*found, *self._prices_begun(pinned))

    def _told(self, event: AuditEvent, mine: set[str], collections: set[str]) -> Iterator[Cause]:
        kind, _, verb = event.action.partition(".")
        change = str(event.context.get("change", ""))
        if event.context.get("label", PRODUCTION) != PRODUCTION:
            return
        if kind == "document":
            if event.target.partition("/")[0] in collections:
                yield Cause(CauseKind.DOCUMENT, event.target, event.occurred_at, event.actor, change)
        elif kind == MODELS:
            yield from self._models_told(event, change)
        elif event.target in mine:
            what = CauseKind.ROLLBACK if verb == "rolled_back" else CauseKind.RELEASE
            yield Cause(what, event.target, event.occurred_at, event.actor, change)

    def _models_told(self, event: AuditEvent, change: str) -> Iterator[Cause]:
        """Which aliases became another model, and which models another price."""
        numbers = [event.context.get(name) for name in ("before", "number")]
        after = int(str(numbers[1] or 0))
        before = after - 1 if numbers[0] is None else int(str(numbers[0]))
        old, new = self._profiles(before), self._profiles(after)
        for alias, profile in new.items():
            if alias not in old or old[alias] == profile:
                continue
            is_price = old[alias].model == profile.model and old[alias].price != profile.price
            kind = CauseKind.PRICE if is_price else CauseKind.MODEL
            what = profile.model if is_price else f"{alias}: {profile.model}"
            yield Cause(kind, what, event.occurred_at, event.actor, change)

    def _profiles(self, number: int) -> Mapping[str, ModelProfile]:
        if number not in self._models:
            stored = read_version(self.connection, MODELS, MODELS, number)
            self._models[number] = _read(stored.content) if stored else {}
        return self._models[number]

    def _prices_begun(self, pinned: Pinned) -> Iterator[Cause]:
        """Prices that the profiles of today let begin on a day of that time."""
        for profile in _read(pinned.models_text).values():
            for price in profile.price:
                at = datetime.combine(price.since, time(), UTC) if price.since else None
                if at is not None and self.since <= at < self.until:
                    yield Cause(CauseKind.PRICE, profile.model, at, "")


def _read(text: str) -> Mapping[str, ModelProfile]:
    """Profiles by alias; none where the text was never checked and says nothing that can be used."""
    try:
        profiles = read_profiles(text, source=MODELS)
    except InvalidProfiles:
        return {}
    return {alias: profiles.profile(alias) for alias in profiles.aliases}
