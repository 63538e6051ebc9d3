"""HTTP mode: signed posts to the app's request URL."""

import hashlib
import hmac
import json
from urllib.parse import urlencode

import aiohttp

from bot.workspace.clockwork import Clock
from bot.workspace.noticeboard import Json
from bot.workspace.postman import Kind, NotAcknowledged, Retry


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """Slack's v0 signature over a raw body."""
    digest = hmac.new(secret.encode(), f"v0:{timestamp}:".encode() + body, hashlib.sha256)
    return f"v0={digest.hexdigest()}"


class SignedHttp:
    """Posts commands as forms, interactions as a form's payload, events as JSON."""

    is_connected = True

    def __init__(self, clock: Clock, request_url: str, secret: str) -> None:
        self._clock = clock
        self._request_url = request_url
        self._secret = secret

    async def carry(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Json:
        """Post and read the answer; anything but 200 is no acknowledgement."""
        body, content_type = _encoded(kind, payload)
        timestamp = str(int(self._clock.now()))
        headers = {
            "Content-Type": content_type,
            "X-Slack-Request-Timestamp": timestamp,
            "X-Slack-Signature": signature(self._secret, timestamp, body),
        }
        if retry is not None:
            headers |= {"X-Slack-Retry-Num": str(retry.attempt), "X-Slack-Retry-Reason": retry.reason}
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(self._request_url, data=body, headers=headers) as response,
            ):
                text = await response.text()
        except aiohttp.ClientError:
            raise NotAcknowledged("dispatch_failed") from None
        if response.status != 200:
            may_retry = response.headers.get("X-Slack-No-Retry") != "1"
            raise NotAcknowledged("dispatch_failed", may_retry=may_retry)
        return _read(text)


def _encoded(kind: Kind, payload: Json) -> tuple[bytes, str]:
    if kind == "events_api":
        return json.dumps(payload).encode(), "application/json"
    fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
    return urlencode(fields).encode(), "application/x-www-form-urlencoded"


def _read(text: str) -> Json:
    if not text.strip():
        return {}
    try:
        answer = json.loads(text)
    except ValueError:
        return {"text": text}
    return answer if isinstance(answer, dict) else {"text": text}
