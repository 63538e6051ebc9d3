"""The one way out to Slack: everything is sealed, paced, sent, and its failure named by what it means."""

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypedDict
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.adapters.observing import Observers, SlackCalled
from bot.slack.elements import Outgoing
from bot.slack.seal import seal_message, seal_view
from bot.slack.throttle import Throttle
from workflows.ports import Clock

TIMEOUT_S = 10
EVENT_TYPE = "spanwise_outbox"
"""Names our own metadata on a message; its payload carries the outbox id."""

LONGEST_WAIT_S = 8.0
"""A call that would wait longer for its place is handed back instead."""

TIERS: Mapping[str, int] = {
    "chat_update": 50,
    "chat_postEphemeral": 100,
    "chat_getPermalink": 100,
    "conversations_history": 50,
    "conversations_replies": 50,
    "conversations_info": 50,
    "conversations_members": 100,
    "conversations_open": 50,
    "files_upload_v2": 50,
    "usergroups_list": 20,
    "users_info": 100,
    "views_open": 100,
    "views_publish": 100,
    "views_push": 100,
    "views_update": 100,
}
"""Calls a minute that Slack allows at least, by method."""

CLOCKS_APART = timedelta(minutes=10)
"""How far a host's clock may be ahead of Slack's, whose time stands in what is looked for."""
UNCERTAIN = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""Errors after which Slack may have done it all the same."""


class SlackBusy(Exception):
    """Not sent: too fast, or Slack could not be reached. Try again after `after_s` seconds.

    `is_channel` when it is the channel that takes no more messages just now.
    """

    def __init__(self, after_s: float, *, is_channel: bool = False) -> None:
        super().__init__(after_s)
        self.after_s = after_s
        self.is_channel = is_channel
        self.facts = {"after_s": f"{after_s:.0f}"}


class SlackUncertain(Exception):
    """Sent, and no telling whether Slack did it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.facts = {"reason": reason}


class SlackRefused(Exception):
    """Slack said no; `reason` is its word for it."""

    def __init__(self, reason: str, needed: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.facts = {"reason": reason, "needed": needed}


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a message stands."""

    channel: str
    ts: str


class _Tier(TypedDict):
    every_s: float
    burst: int


def _tier(method: str) -> _Tier:
    """A minute's calls may come at once, as Slack counts by the minute."""
    return {"every_s": 60 / TIERS[method], "burst": TIERS[method]}


POSTS: _Tier = {"every_s": 1.0, "burst": 3}
"""New messages in one channel."""


def open_session() -> aiohttp.ClientSession:
    """Connections that calls share; close it when the last call is made."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))


def open_client(
    token: str, base_url: str = "", session: aiohttp.ClientSession | None = None
) -> AsyncWebClient:
    """A Web API client that never repeats a call by itself: a repeated post is a second message."""
    return AsyncWebClient(
        token=token,
        base_url=base_url or AsyncWebClient.BASE_URL,
        timeout=TIMEOUT_S,
        retry_handlers=[],
        session=session,
    )


class Gateway:
    """Sends to one workspace."""

    def __init__(
        self,
        client: AsyncWebClient,
        clock: Clock,
        domains: Collection[str] = (),
        observers: Observers | None = None,
    ) -> None:
        self.client = client
        self._observers = observers or Observers()
        self._clock = clock
        self._throttle = Throttle(clock)
        self._domains = tuple(domain.lower().strip(".") for domain in domains)
        self._direct: dict[str, str] = {}

    async def post(
        self,
        channel: str,
        message: Outgoing,
        *,
        thread_ts: str = "",
        outbox_id: str = "",
        metadata: Mapping[str, Any] | None = None,
        by: float = math.inf,
    ) -> Placed:
        """A new message, unless it is later than `by` on the loop's clock by the time that it would go.

        `metadata` is for what has no outbox id. Raises SlackBusy, SlackUncertain, SlackRefused.
        """
        lane = f"channel:{channel}"
        await self._wait(lane, **POSTS, is_channel=True)
        sealed = self._sealed(message)
        extra: dict[str, Any] = {"thread_ts": thread_ts} if thread_ts else {}
        if metadata:
            extra["metadata"] = metadata
        if outbox_id:
            payload = {"event_type": EVENT_TYPE, "event_payload": {"outbox_id": outbox_id}}
            extra |= {"metadata": payload, "client_msg_id": outbox_id}
        try:
            answer = await self.call(
                "chat_postMessage",
                by=by,
                channel=channel,
                unfurl_links=False,
                unfurl_media=False,
                link_names=False,
                parse="none",
                **sealed,
                **extra,
            )
        except SlackBusy as error:
            if error.is_channel:
                self._throttle.hold(lane, error.after_s, **POSTS)
            raise
        return Placed(answer["channel"], answer["ts"])

    async def update(self, channel: str, ts: str, message: Outgoing, *, by: float = math.inf) -> None:
        """Edit our message in place, unless it would go later than `by`. Same errors."""
        sealed = self._sealed(message)
        await self.call(
            "chat_update", by=by, channel=channel, ts=ts, link_names=False, parse="none", **sealed
        )

    def has_room_to_update(self) -> bool:
        """Whether an edit that may be left out should be made: the places left belong to answers."""
        return self._throttle.has_room("chat_update", **_tier("chat_update"))

    async def whisper(self, channel: str, person: str, message: Outgoing, thread_ts: str = "") -> None:
        """A note that one person sees until they reload. Same errors."""
        extra: dict[str, Any] = {"thread_ts": thread_ts} if thread_ts else {}
        await self.call(
            "chat_postEphemeral",
            channel=channel,
            user=person,
            link_names=False,
            parse="none",
            **self._sealed(message),
            **extra,
        )

    async def respond(self, response_url: str, message: Outgoing, *, replace: bool = False) -> None:
        """A note by the URL that came with a command or a click: five in half an hour. Same errors."""
        await self.respond_sealed(response_url, {**self.sealed_ack(message), "replace_original": replace})

    async def respond_sealed(self, response_url: str, body: dict[str, Any]) -> None:
        """The same for what was made to travel in an ack. Same errors."""
        if not self.is_slacks(response_url):
            raise SlackRefused("foreign_response_url")
        hook = AsyncWebhookClient(response_url, timeout=TIMEOUT_S, retry_handlers=[])
        outcome = "uncertain"
        try:
            answer = await hook.send_dict(body)
            outcome = "ok" if answer.status_code == 200 else "refused"
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SlackUncertain(type(error).__name__) from error
        finally:
            self._observers.tell(SlackCalled("response_url", outcome))
        if answer.status_code != 200:
            raise SlackRefused(answer.body[:60] or str(answer.status_code))

    async def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Open a modal; returns its id. Same errors."""
        return self._view_id(
            await self.call("views_open", trigger_id=trigger_id, view=self.sealed_view(view))
        )

    async def push_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """Lay a modal over the one whose button was pressed; returns its id. Same errors."""
        return self._view_id(
            await self.call("views_push", trigger_id=trigger_id, view=self.sealed_view(view))
        )

    async def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        """Replace what an open modal shows. Same errors."""
        await self.call("views_update", view_id=view_id, view=self.sealed_view(view))

    async def publish_home(self, person: str, view: Mapping[str, Any]) -> None:
        """Draw a person's App Home. Same errors."""
        await self.call("views_publish", user_id=person, view=self.sealed_view(view))

    def sealed_view(self, view: Mapping[str, Any]) -> dict[str, Any]:
        """For views that travel in an ack."""
        return seal_view(view, self._domains)

    def sealed_ack(self, message: Outgoing) -> dict[str, Any]:
        """For notes that travel in the ack of a command."""
        return {"response_type": "ephemeral", **self._sealed(message)}

    async def direct_channel(self, person: str) -> str:
        """The channel of the direct messages with this person; its id stands in when Slack refuses."""
        if person not in self._direct:
            try:
                answer = await self.call("conversations_open", users=person)
            except SlackRefused:
                return person
            self.remember_direct(person, answer["channel"]["id"])
        return self._direct[person]

    def known_direct(self, person: str) -> str:
        """As `direct_channel` without asking Slack; empty when it was not met yet."""
        return self._direct.get(person, "")

    def remember_direct(self, person: str, channel: str) -> None:
        """Note a direct channel seen in passing."""
        self._direct[person] = channel

    async def find_posted(
        self, channel: str, outbox_id: str, since: datetime, thread_ts: str = ""
    ) -> Placed | None:
        """Our message of that outbox id, when it stands there already. Same errors."""
        method = "conversations_replies" if thread_ts else "conversations_history"
        extra: dict[str, Any] = {"ts": thread_ts} if thread_ts else {}
        cursor = ""
        while True:
            answer = await self.call(
                method,
                channel=channel,
                oldest=f"{(since - CLOCKS_APART).timestamp():.6f}",
                include_all_metadata=True,
                limit=200,
                cursor=cursor,
                **extra,
            )
            for message in answer.get("messages", ()):
                metadata = message.get("metadata") or {}
                if (metadata.get("event_payload") or {}).get("outbox_id") == outbox_id:
                    return Placed(channel, message["ts"])
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return None

    async def permalink(self, channel: str, ts: str) -> str:
        """A link to a message, empty when Slack gives none."""
        try:
            answer = await self.call("chat_getPermalink", channel=channel, message_ts=ts)
        except (SlackBusy, SlackUncertain, SlackRefused):
            return ""
        return str(answer.get("permalink", ""))

    async def call(self, method: str, *, by: float = math.inf, **arguments: Any) -> Mapping[str, Any]:
        """One paced call of a Web API method, by its name in slack_sdk; `by` as for `post`. Same errors."""
        if method in TIERS:
            await self._wait(method, **_tier(method))
        if asyncio.get_running_loop().time() > by:
            # a process that was frozen up to here no longer has the message to itself
            raise SlackBusy(0.0)
        outcome = "cancelled"
        try:
            answer = await self._asked(method, arguments)
            outcome = "ok"
        except (SlackBusy, SlackUncertain) as error:
            outcome = "busy" if isinstance(error, SlackBusy) else "uncertain"
            raise
        except SlackRefused as error:
            outcome = error.reason
            raise
        finally:
            self._observers.tell(SlackCalled(method, outcome))
        return answer

    async def _asked(self, method: str, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            answer = await getattr(self.client, method)(**arguments)
        except SlackApiError as error:
            raise self._named(method, error) from error
        except aiohttp.ClientConnectorError as error:
            raise SlackBusy(5.0) from error
        except (aiohttp.ClientError, TimeoutError, OSError, SlackClientError) as error:
            raise SlackUncertain(type(error).__name__) from error
        data = answer.data
        return data if isinstance(data, dict) else {}

    def _named(self, method: str, error: SlackApiError) -> Exception:
        response = error.response
        status = getattr(response, "status_code", 200)
        # a 5xx from a proxy has text where Slack has JSON
        data = response.data if isinstance(getattr(response, "data", None), dict) else {}
        reason = str(data.get("error", ""))
        if status == 429 or reason in ("ratelimited", "rate_limited"):
            after = float(response.headers.get("Retry-After", 5)) if hasattr(response, "headers") else 5.0
            if method in TIERS:
                self._throttle.hold(method, after, **_tier(method))
            return SlackBusy(after, is_channel=method == "chat_postMessage")
        if status >= 500 or reason in UNCERTAIN or not reason:
            return SlackUncertain(reason or str(status))
        return SlackRefused(reason, str(data.get("needed") or ""))

    async def _wait(self, key: str, *, every_s: float, burst: int, is_channel: bool = False) -> None:
        delay = self._throttle.take(key, every_s=every_s, burst=burst, longest_s=LONGEST_WAIT_S)
        if delay > LONGEST_WAIT_S:
            raise SlackBusy(delay, is_channel=is_channel)
        if delay > 0:
            await asyncio.sleep(delay)

    def _sealed(self, message: Outgoing) -> dict[str, Any]:
        return seal_message(message, self._domains)

    def is_slacks(self, url: str) -> bool:
        """Whether a URL that came in a payload leads to Slack."""
        parts, ours = urlsplit(url), urlsplit(self.client.base_url)
        if (parts.scheme, parts.netloc) == (ours.scheme, ours.netloc):
            return True
        host = parts.hostname or ""
        return parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))

    @staticmethod
    def _view_id(answer: Mapping[str, Any]) -> str:
        return str((answer.get("view") or {}).get("id", ""))
