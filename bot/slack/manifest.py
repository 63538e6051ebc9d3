"""The app manifest: what Slack is told we are, generated from what is released, with the least scopes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.services.catalogue import Released
from bot.slack.admin_text import DRAFT_KNOWLEDGE
from bot.slack.elements import shorten
from bot.slack.knowledge_forms import DRAFT
from bot.slack.shortcuts import RUN_ON_THIS
from bot.slack.text import RUN_ON_THIS as RUN_ON_THIS_NAME
from bot.slack.workflow_command import UMBRELLA

COMMANDS = 50
"""Slack takes no more; workflows beyond are run with `/spanwise run`."""

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "be asked by mention",
    "channels:history": "follow up in an answer's thread in a public channel without another mention; read a "
    "thread to summarise it; find an answer again after a dropped connection instead of posting it twice",
    "chat:write": "post answers, draw progress in place, and notes that only one person sees",
    "commands": "slash commands and the message shortcut",
    "files:write": "show how a workflow works, and which way a run took, as a picture; give an editor a "
    "prompt too long for a form as a file, in the direct messages with them",
    "groups:history": "as channels:history, in private channels we are invited to",
    "groups:read": "know who reads a private channel, so that an answer there uses what all of them may read",
    "im:history": "be asked in a direct message",
    "im:write": "find the direct message with a person, to answer privately and never twice",
    "users:read": "tell members from guests, bots and other organisations, which are refused; show names",
}
"""Each bot scope with the reason for it."""

OPTIONAL_SCOPES: Mapping[str, str] = {
    "channels:read": "say at once that a channel chosen for the weekly digest is archived or without us",
    "files:read": "read the file that an editor uploads with a prompt too long for a form",
    "usergroups:read": "give roles to user groups",
}

EVENTS: Mapping[str, str] = {
    "app_home_opened": "",
    "app_mention": "app_mentions:read",
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "message.im": "im:history",
}
"""Each bot event with the scope it needs."""

LIMITS: Mapping[str, int] = {"name": 35, "description": 140, "long_description": 4000, "display_name": 80}

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


def build(workflows: Iterable[Released], *, url: str = "", name: str = "Spanwise") -> dict[str, Any]:
    """The manifest. With `url`, signed HTTP at `<url>/slack/events`; without, Socket Mode."""
    endpoint = {"request_url": f"{url.rstrip('/')}/slack/events"} if url else {}
    return {
        "display_information": {
            "name": name,
            "description": "Runs your organisation's AI workflows: sources, cost, version on every answer.",
            "long_description": (
                "Spanwise runs your organisation's AI workflows from Slack. Every answer names its sources "
                "with owner and age, the workflow version, the rule taken, the model, the time and the cost, "
                "and can be explained and voted on. Answers are AI-generated and can be wrong: check before "
                "use."
            ),
            "background_color": "#1a202c",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": True,
                "messages_tab_enabled": True,
                "messages_tab_read_only_enabled": False,
            },
            "bot_user": {"display_name": name, "always_online": True},
            "slash_commands": [{**command, **_at(endpoint)} for command in _commands(workflows)],
            "shortcuts": [
                {
                    "name": RUN_ON_THIS_NAME,
                    "type": "message",
                    "callback_id": RUN_ON_THIS,
                    "description": "Choose a workflow and run it on this message or its thread",
                },
                {
                    "name": DRAFT_KNOWLEDGE,
                    "type": "message",
                    "callback_id": DRAFT,
                    "description": "Draft knowledge from this thread, without people's names, for approval",
                },
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES), "bot_optional": sorted(OPTIONAL_SCOPES)}},
        "settings": {
            "event_subscriptions": {"bot_events": sorted(EVENTS), **endpoint},
            "interactivity": {"is_enabled": True, **endpoint},
            "org_deploy_enabled": False,
            "socket_mode_enabled": not url,
            "token_rotation_enabled": False,
        },
    }


def left_out(workflows: Iterable[Released]) -> tuple[str, ...]:
    """Workflows without a command of their own: too many, or a name that Slack does not take."""
    workflows = list(workflows)
    present = {command["command"] for command in _commands(workflows)} - {UMBRELLA}
    return tuple(item.name for item in workflows if f"/{item.name}" not in present)


def problems(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """What Slack would refuse, and what would not work though Slack takes it; empty when all is well."""
    features = manifest.get("features", {})
    return (
        *_information_problems(manifest.get("display_information", {}), features.get("bot_user", {})),
        *_command_problems(features.get("slash_commands", ())),
        *_shortcut_problems(features.get("shortcuts", ())),
        *_event_problems(manifest),
    )


def _commands(workflows: Iterable[Released]) -> list[dict[str, Any]]:
    umbrella = {
        "command": UMBRELLA,
        "description": "What you can run, your runs, and your settings",
        "usage_hint": "help | list | run <workflow> … | status | cancel | settings | edit <workflow>",
        # people, groups and channels come as ids: names are not unique and change
        "should_escape": True,
    }
    fitting = [item for item in workflows if _fits(item.name)]
    return [umbrella, *(_command(item) for item in fitting[: COMMANDS - 1])]


def _fits(name: str) -> bool:
    return len(name) <= 31 and bool(_NAME.fullmatch(name)) and f"/{name}" != UMBRELLA


def _command(item: Released) -> dict[str, Any]:
    made: dict[str, Any] = {
        "command": f"/{item.name}",
        "description": shorten(item.purpose or item.title, 2000),
        "should_escape": False,
    }
    return {**made, "usage_hint": shorten(item.usage_hint, 1000)} if item.usage_hint else made


def _at(endpoint: Mapping[str, str]) -> dict[str, str]:
    return {"url": endpoint["request_url"]} if endpoint else {}


def _information_problems(information: Mapping[str, Any], bot_user: Mapping[str, Any]) -> list[str]:
    found = [] if information.get("name") else ["display_information.name is missing"]
    for key, value in {**information, **bot_user}.items():
        limit = LIMITS.get(key)
        if limit and not 0 < len(value) <= limit:
            found.append(f"{key} is {len(value)} characters long; Slack allows 1 to {limit}")
    if len(information.get("long_description", " " * 175)) < 175:
        found.append("long_description is shorter than 175 characters")
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", information.get("background_color", "#000000")):
        found.append("background_color is not like #1a202c")
    return found


def _command_problems(commands: Sequence[Mapping[str, Any]]) -> list[str]:
    names = [command.get("command", "") for command in commands]
    found = [
        f"{name} is declared {names.count(name)} times"
        for name in sorted(set(names))
        if names.count(name) > 1
    ]
    if len(commands) > COMMANDS:
        found.append(f"{len(commands)} slash commands; Slack allows {COMMANDS}")
    for command in commands:
        name = command.get("command", "")
        if not (name.startswith("/") and 2 <= len(name) <= 32 and _NAME.fullmatch(name[1:])):
            found.append(f"{name!r} is not a command name: a slash and at most 31 of a-z, 0-9, - and _")
        if not 1 <= len(command.get("description", "")) <= 2000:
            found.append(f"{name} has no description of 1 to 2000 characters")
        if "usage_hint" in command and not 1 <= len(command["usage_hint"]) <= 1000:
            found.append(f"{name} has a usage_hint that is not 1 to 1000 characters long")
    return found


def _shortcut_problems(shortcuts: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [f"{len(shortcuts)} shortcuts; Slack allows 10"] if len(shortcuts) > 10 else []
    for shortcut in shortcuts:
        if not 1 <= len(shortcut.get("name", "")) <= 24:
            found.append(f"shortcut name {shortcut.get('name', '')!r} is not 1 to 24 characters long")
        if not 1 <= len(shortcut.get("description", "")) <= 150:
            found.append(f"shortcut {shortcut.get('name', '')!r} has no description of 1 to 150 characters")
        if shortcut.get("type") not in ("message", "global") or not shortcut.get("callback_id"):
            found.append(f"shortcut {shortcut.get('name', '')!r} needs a type and a callback_id")
    return found


def _event_problems(manifest: Mapping[str, Any]) -> list[str]:
    scopes = set(manifest.get("oauth_config", {}).get("scopes", {}).get("bot", ()))
    settings = manifest.get("settings", {})
    found = [
        f"the event {event} needs the scope {EVENTS[event]}"
        for event in settings.get("event_subscriptions", {}).get("bot_events", ())
        if EVENTS.get(event) and EVENTS[event] not in scopes
    ]
    if manifest.get("features", {}).get("slash_commands") and "commands" not in scopes:
        found.append("slash commands need the scope commands")
    has_url = bool(settings.get("event_subscriptions", {}).get("request_url"))
    if settings.get("socket_mode_enabled") == has_url:
        found.append("either Socket Mode or a request_url, and not both")
    return found
