"""Who asks, and from where: values that every surface fills in and every service reads."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

Surface = Literal["command", "mention", "dm", "thread", "shortcut", "terminal", "schedule", "api"]
Visibility = Literal["private", "channel"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, as the surface vouches for them. Nothing a person types can change it."""

    id: str
    name: str = ""
    team_id: str = ""
    groups: frozenset[str] = frozenset()
    """Slack user groups the person is in."""
    is_outsider: bool = False
    """A guest, a bot, a deactivated account or somebody of another workspace: refused everywhere."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON for the run row."""
        return {**{name: getattr(self, name) for name in _ACTOR}, "groups": sorted(self.groups)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Actor":
        """Inverse of `as_json`; unknown keys of newer versions are ignored."""
        kept = {key: value for key, value in data.items() if key in _ACTOR}
        return cls(**{**kept, "groups": frozenset(kept.get("groups", ()))})


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from and who can read where its answer will stand."""

    surface: Surface
    team_id: str = ""
    channel_id: str = ""
    thread_ts: str = ""
    message_ts: str = ""
    response_url: str = ""
    visibility: Visibility = "private"
    readers: tuple[str, ...] = ()
    """Ids of everyone who can read the answer there; empty with visibility `channel` means everyone."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON for the run row."""
        return {**{name: getattr(self, name) for name in _ORIGIN}, "readers": list(self.readers)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Origin":
        """Inverse of `as_json`; unknown keys of newer versions are ignored."""
        kept = {key: value for key, value in data.items() if key in _ORIGIN}
        return cls(**{**kept, "readers": tuple(kept.get("readers", ()))})


_ACTOR = tuple(field.name for field in fields(Actor))
_ORIGIN = tuple(field.name for field in fields(Origin))
