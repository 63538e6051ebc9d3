"""What Slack sends, read into one shape: who, where, what, and the key that a second delivery shares."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

RETRY_NUM = "x-slack-retry-num"
"""The header with the number of a repetition; over a socket, Bolt puts it there from the envelope."""
LAST_REPETITION = 3
"""Slack delivers an event that was not acknowledged three times more: at once, after a minute, after five."""
Kind = Literal["command", "action", "view", "shortcut", "event"]


class UnreadableClick(Exception):
    """A button or form carries something that this release does not write."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.facts = {"name": name}


@dataclass(frozen=True, slots=True)
class Call:
    """One thing a person did in Slack."""

    kind: Kind
    name: str
    """The command, action id, callback id or event type."""
    person: str
    team: str
    dedupe_key: str
    app_id: str = ""
    channel: str = ""
    thread_ts: str = ""
    message_ts: str = ""
    trigger_id: str = ""
    response_url: str = ""
    text: str = ""
    value: str = ""
    """Of the button that was pressed."""
    view_id: str = ""
    state: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Values of a form: block id to action id to the element's state."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What we wrote into the form."""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def json_value(self) -> dict[str, Any]:
        """The button's value as the object we wrote. Raises UnreadableClick."""
        return _object(self.value, self.name)

    def remembered(self, key: str) -> str:
        """What we wrote into the form under that name. Raises UnreadableClick when it is not there."""
        value = str(self.metadata.get(key, ""))
        if not value:
            raise UnreadableClick(self.name)
        return value

    @property
    def delivery_key(self) -> str:
        """The same for each delivery of one click, form or command; empty where Slack gives no way to tell.

        A form that was sent back is told by what stands in it from the one that is sent next.
        """
        told_by = {
            "command": self.trigger_id,
            "action": (self.raw.get("actions") or [{}])[0].get("action_ts"),
            "shortcut": self.raw.get("action_ts"),
            "view": self.view_id,
        }
        if not told_by.get(self.kind):
            return ""
        if self.kind != "view":
            return f"once:{self.dedupe_key}"
        filled = json.dumps(self.state, sort_keys=True)
        return f"once:{self.dedupe_key}:{hashlib.blake2b(filled.encode(), digest_size=8).hexdigest()}"

    @property
    def place(self) -> dict[str, str]:
        """Where a form was opened, to be written into it for when it comes back."""
        return {
            "channel": self.channel,
            "thread_ts": self.thread_ts,
            "message_ts": self.message_ts,
            "response_url": self.response_url,
        }


def from_command(body: Mapping[str, Any]) -> Call:
    """A slash command. Slack never repeats one, but a captured request can be replayed."""
    team = body.get("team_id", "")
    return Call(
        kind="command",
        name=body.get("command", ""),
        person=body.get("user_id", ""),
        team=team,
        app_id=body.get("api_app_id", ""),
        channel=body.get("channel_id", ""),
        trigger_id=body.get("trigger_id", ""),
        response_url=body.get("response_url", ""),
        text=body.get("text") or "",
        dedupe_key=f"cmd:{team}:{body.get('trigger_id', '')}",
        raw=body,
    )


def from_action(body: Mapping[str, Any]) -> Call:
    """A click."""
    action = (body.get("actions") or [{}])[0]
    container = body.get("container") or {}
    message = body.get("message") or {}
    team = (body.get("team") or {}).get("id", "")
    person = (body.get("user") or {}).get("id", "")
    place = container.get("message_ts") or container.get("view_id") or ""
    option = action.get("selected_option") or {}
    name = action.get("action_id", "")
    return Call(
        kind="action",
        name=name,
        person=person,
        team=team,
        app_id=body.get("api_app_id", ""),
        channel=container.get("channel_id") or (body.get("channel") or {}).get("id", ""),
        thread_ts=message.get("thread_ts") or container.get("thread_ts") or "",
        message_ts=container.get("message_ts", ""),
        trigger_id=body.get("trigger_id", ""),
        response_url=body.get("response_url", ""),
        value=action.get("value") or option.get("value") or "",
        view_id=(body.get("view") or {}).get("id", ""),
        metadata=_metadata(body),
        state=((body.get("view") or {}).get("state") or {}).get("values") or {},
        dedupe_key=f"act:{team}:{person}:{place}:{name}:{action.get('action_ts', '')}",
        raw=body,
    )


def from_view(body: Mapping[str, Any]) -> Call:
    """A form sent off."""
    view = body.get("view") or {}
    metadata = _metadata(body)
    return Call(
        kind="view",
        name=view.get("callback_id", ""),
        person=(body.get("user") or {}).get("id", ""),
        team=(body.get("team") or {}).get("id", ""),
        app_id=body.get("api_app_id", ""),
        channel=metadata.get("channel", ""),
        thread_ts=metadata.get("thread_ts", ""),
        message_ts=metadata.get("message_ts", ""),
        trigger_id=body.get("trigger_id", ""),
        response_url=metadata.get("response_url", ""),
        view_id=view.get("id", ""),
        state=(view.get("state") or {}).get("values") or {},
        metadata=metadata,
        dedupe_key=f"view:{view.get('id', '')}",
        raw=body,
    )


def from_shortcut(body: Mapping[str, Any]) -> Call:
    """A message shortcut."""
    message = body.get("message") or {}
    team = (body.get("team") or {}).get("id", "")
    person = (body.get("user") or {}).get("id", "")
    return Call(
        kind="shortcut",
        name=body.get("callback_id", ""),
        person=person,
        team=team,
        app_id=body.get("api_app_id", ""),
        channel=(body.get("channel") or {}).get("id", ""),
        thread_ts=message.get("thread_ts", ""),
        message_ts=body.get("message_ts") or message.get("ts", ""),
        trigger_id=body.get("trigger_id", ""),
        response_url=body.get("response_url", ""),
        text=message.get("text") or "",
        dedupe_key=f"act:{team}:{person}:{body.get('callback_id', '')}:{body.get('action_ts', '')}",
        raw=body,
    )


def from_event(body: Mapping[str, Any]) -> Call:
    """An event. A mention arrives twice, as `message` and as `app_mention`: both have the same key."""
    event = body.get("event") or {}
    team = body.get("team_id") or event.get("team", "")
    channel, ts = event.get("channel", ""), event.get("ts", "")
    is_message = event.get("type") in ("message", "app_mention") and bool(ts)
    return Call(
        kind="event",
        name=event.get("type", ""),
        person=event.get("user", ""),
        team=team,
        app_id=body.get("api_app_id", ""),
        channel=channel if isinstance(channel, str) else "",
        thread_ts=event.get("thread_ts", ""),
        message_ts=ts,
        text=event.get("text") or "",
        dedupe_key=f"msg:{team}:{channel}:{ts}" if is_message else f"ev:{team}:{body.get('event_id', '')}",
        raw=body,
    )


def repetition(headers: Mapping[str, Sequence[str]]) -> int:
    """How often Slack has delivered this before."""
    said = next(iter(headers.get(RETRY_NUM, ())), "")
    return int(said) if said.isascii() and said.isdigit() else 0


def _metadata(body: Mapping[str, Any]) -> dict[str, Any]:
    text = (body.get("view") or {}).get("private_metadata") or "{}"
    return _object(text, "private_metadata")


def _object(text: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise UnreadableClick(name) from error
    if not isinstance(found, dict):
        raise UnreadableClick(name)
    return found
