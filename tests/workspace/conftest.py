"""Workspaces that start and stop with a test, and the manifest they start from."""

import copy
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.workspace.workspace_server import Workspace

SCOPES = [
    "commands",
    "chat:write",
    "app_mentions:read",
    "channels:history",
    "channels:read",
    "groups:history",
    "groups:read",
    "im:history",
    "im:read",
    "im:write",
    "files:read",
    "files:write",
    "reactions:read",
    "reactions:write",
    "team:read",
    "usergroups:read",
    "users:read",
]
EVENTS = [
    "app_mention",
    "app_home_opened",
    "message.channels",
    "message.groups",
    "message.im",
    "reaction_added",
    "member_joined_channel",
]


def full_manifest(*, without_scopes: tuple[str, ...] = (), **settings: Any) -> dict[str, Any]:
    manifest: dict[str, Any] = {
        "display_information": {"name": "Probe"},
        "features": {
            "app_home": {"home_tab_enabled": True},
            "slash_commands": [
                {"command": "/probe", "description": "Tries things", "usage_hint": "<text>"},
                {"command": "/named", "description": "Wants links", "should_escape": True},
            ],
            "shortcuts": [
                {"name": "Probe this", "type": "message", "callback_id": "probe-this", "description": "-"},
                {"name": "Probe", "type": "global", "callback_id": "probe-all", "description": "-"},
            ],
        },
        "oauth_config": {"scopes": {"bot": [one for one in SCOPES if one not in without_scopes]}},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS)},
            "interactivity": {"is_enabled": True},
            "socket_mode_enabled": True,
        },
    }
    manifest["settings"] |= settings
    return copy.deepcopy(manifest)


@pytest.fixture
async def start_workspace() -> AsyncIterator[Callable[..., Any]]:
    started: list[Workspace] = []

    async def start(manifest: dict[str, Any] | None = None, **options: Any) -> Workspace:
        workspace = Workspace(manifest or full_manifest(), **options)
        started.append(workspace)
        await workspace.start()
        return workspace

    yield start
    for workspace in started:
        await workspace.stop()


@pytest.fixture
async def workspace(start_workspace) -> Workspace:
    return await start_workspace()


@pytest.fixture
def client(workspace: Workspace) -> AsyncWebClient:
    return AsyncWebClient(token="xoxb-test", base_url=workspace.api_url)


@pytest.fixture
def manifest_with() -> Callable[..., dict[str, Any]]:
    return full_manifest
