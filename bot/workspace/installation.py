"""The app as installed here: what its manifest says it is, may do and wants to hear."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.workspace.noticeboard import Json

EVENT_SCOPES = {
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
    "reaction_added": "reactions:read",
    "member_joined_channel": "channels:read",
    "app_home_opened": "",
}
"""The scope without which Slack does not send the event; empty where none is needed."""


@dataclass(frozen=True, slots=True)
class Installation:
    """A manifest, read."""

    name: str
    commands: Mapping[str, Json]
    """By name with its slash."""
    shortcuts: Mapping[str, Json]
    """By callback id."""
    scopes: tuple[str, ...]
    events: frozenset[str]
    """The subscribed bot events whose scope is granted."""
    is_interactive: bool
    has_home: bool

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Installation":
        """Read a manifest, leniently: what is missing is off. Optional scopes are granted on installing."""
        features = manifest.get("features") or {}
        settings = manifest.get("settings") or {}
        asked = (manifest.get("oauth_config") or {}).get("scopes") or {}
        scopes = (*(asked.get("bot") or ()), *(asked.get("bot_optional") or ()))
        wanted = (settings.get("event_subscriptions") or {}).get("bot_events") or ()
        may_command = "commands" in scopes
        return cls(
            name=(manifest.get("display_information") or {}).get("name", "App"),
            commands={one["command"]: one for one in features.get("slash_commands") or () if may_command},
            shortcuts={one["callback_id"]: one for one in features.get("shortcuts") or () if may_command},
            scopes=scopes,
            events=frozenset(one for one in wanted if EVENT_SCOPES.get(one, "") in ("", *scopes)),
            is_interactive=bool((settings.get("interactivity") or {}).get("is_enabled")),
            has_home=bool((features.get("app_home") or {}).get("home_tab_enabled")),
        )
