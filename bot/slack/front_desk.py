"""What taking a command needs at hand, and what a handler gives back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.services.catalogue import Catalogue
from bot.services.preferences import Preferences
from bot.services.runs import Runs
from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from bot.slack.identities import People
from bot.slack.payloads import Call
from workflows.ports import Clock

LINK_S = 0.1
"""A notice does without a link rather than hold up its acknowledgement longer; the next one has it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back with the acknowledgement, and what is done once Slack has it."""

    ack: Mapping[str, Any] | None = None
    after: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontDesk:
    """All that a workflow's command needs; everything else is loaded when somebody asks for it."""

    runs: Runs
    catalogue: Catalogue
    preferences: Preferences
    gateway: Gateway
    people: People
    clock: Clock
    workspace_url: str = ""
    """Start of links into this workspace, as auth.test gives it; empty for no links."""
    asking: set["asyncio.Task[str]"] = field(default_factory=set, repr=False, compare=False)
    """Questions to Slack that go on though nobody waits for them."""

    async def direct_link(self, person: str) -> str:
        """A link to the person's conversation with us; empty when Slack does not name it at once."""
        asking = asyncio.create_task(self._direct_channel(person))
        self.asking.add(asking)
        asking.add_done_callback(self.asking.discard)
        done, _ = await asyncio.wait({asking}, timeout=LINK_S)
        channel = asking.result() if done else ""
        return (
            f"{self.workspace_url}archives/{channel}"
            if channel.startswith("D") and self.workspace_url
            else ""
        )

    async def _direct_channel(self, person: str) -> str:
        try:
            return await self.gateway.direct_channel(person)
        except (SlackBusy, SlackRefused, SlackUncertain):
            return ""

    async def tell(self, call: Call, message: Outgoing, *, replace: bool = False) -> None:
        """Say something to the person who did this, seen by nobody else."""
        if call.response_url:
            try:
                await self.gateway.respond(call.response_url, message, replace=replace)
            except (SlackRefused, SlackUncertain):
                # the URL is used up or half an hour old
                await self._whisper(call, message)
        else:
            await self._whisper(call, message)

    async def _whisper(self, call: Call, message: Outgoing) -> None:
        if call.channel:
            await self.gateway.whisper(call.channel, call.person, message, call.thread_ts)
        elif call.person:
            await self.gateway.post(await self.gateway.direct_channel(call.person), message)
