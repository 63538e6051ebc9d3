"""What taking a command needs at hand, and what a handler gives back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
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
    comes_again: bool = False
    """It is not acknowledged, so that Slack delivers it once more."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A question to Slack, and until when somebody waits for the answer, by the loop's clock."""

    task: "asyncio.Task[None]"
    until: float


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
    asking: dict[str, "Asking"] = field(default_factory=dict, repr=False, compare=False)
    """By person, questions for their direct messages that are still open."""

    def ask_ahead(self, person: str) -> None:
        """Have Slack name the person's direct messages while something else is done."""
        if person in self.asking or self.gateway.known_direct(person):
            return
        task = asyncio.create_task(self._direct_channel(person))
        self.asking[person] = Asking(task, asyncio.get_running_loop().time() + LINK_S)
        task.add_done_callback(lambda _: self.asking.pop(person, None))

    async def direct_link(self, person: str) -> str:
        """A link to the person's conversation with us; empty when Slack does not name it at once."""
        self.ask_ahead(person)
        asked = self.asking.get(person)
        if asked is not None:
            # the question goes on though nobody waits for it
            await asyncio.wait(
                {asked.task}, timeout=max(0.0, asked.until - asyncio.get_running_loop().time())
            )
        channel = self.gateway.known_direct(person)
        return (
            f"{self.workspace_url}archives/{channel}"
            if channel.startswith("D") and self.workspace_url
            else ""
        )

    async def _direct_channel(self, person: str) -> None:
        with suppress(SlackBusy, SlackRefused, SlackUncertain):
            await self.gateway.direct_channel(person)

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
