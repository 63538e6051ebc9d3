"""Delivers commands, interactions and events to the app, and waits for its acknowledgement."""

import contextlib
from dataclasses import dataclass
from typing import Literal, Protocol

from bot.workspace.clockwork import within
from bot.workspace.noticeboard import Json
from bot.workspace.site import Site

ACK_S = 3.0
RETRY_AFTER_S = (0.0, 60.0, 300.0)
"""Events are sent again after these waits; commands and interactions never."""
Kind = Literal["slash_commands", "interactive", "events_api"]
Reason = Literal["operation_timeout", "dispatch_failed"]


class NotAcknowledged(Exception):
    """The app did not take a delivery: no answer in three seconds, or none possible."""

    def __init__(self, reason: Reason, *, may_retry: bool = True) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.may_retry = may_retry


@dataclass(frozen=True, slots=True)
class Retry:
    """Which repetition of an event this is, and why."""

    attempt: int
    reason: str


class Transport(Protocol):
    """One way to the app: Socket Mode or signed HTTP."""

    @property
    def is_connected(self) -> bool:
        """Whether there is anybody to deliver to."""
        ...

    async def carry(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Json:
        """The payload of the acknowledgement ({} when it has none). Raises NotAcknowledged."""
        ...


class Postman:
    """Carries things to the app over its transport."""

    def __init__(self, site: Site, transport: Transport) -> None:
        self._site = site
        self._transport = transport

    @property
    def is_connected(self) -> bool:
        """Whether the app can be reached."""
        return self._transport.is_connected

    async def deliver(self, kind: Kind, payload: Json, retry: Retry | None = None) -> Json:
        """One delivery; the acknowledgement's payload. Raises NotAcknowledged."""
        fault = self._site.faults.take(kind)
        if fault is not None and fault.effect == "drop":
            raise NotAcknowledged("operation_timeout")
        if not self._transport.is_connected:
            raise NotAcknowledged("dispatch_failed")
        if fault is not None and fault.effect == "duplicate":
            self._site.spawn(self._again(kind, payload))
        try:
            return await within(self._site.clock, ACK_S, self._transport.carry(kind, payload, retry))
        except TimeoutError:
            raise NotAcknowledged("operation_timeout") from None

    def announce(self, payload: Json) -> None:
        """Deliver an event in the background, again when it is not taken. Nobody connected: it is lost."""
        if self.is_connected:
            self._site.spawn(self._deliver_event(payload))

    async def _deliver_event(self, payload: Json) -> None:
        retry: Retry | None = None
        for wait in (*RETRY_AFTER_S, None):
            try:
                await self.deliver("events_api", payload, retry)
                return
            except NotAcknowledged as failure:
                if wait is None or not failure.may_retry:
                    return
                reason = "timeout" if failure.reason == "operation_timeout" else "http_error"
                retry = Retry(1 if retry is None else retry.attempt + 1, reason)
            if wait:
                await self._site.clock.sleep(wait)

    async def _again(self, kind: Kind, payload: Json) -> None:
        retry = Retry(1, "timeout") if kind == "events_api" else None
        with contextlib.suppress(NotAcknowledged):
            await self._transport.carry(kind, payload, retry)
