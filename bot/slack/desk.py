"""What a handler has at hand, and what it gives back."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from bot.services.access import Access
from bot.services.administering import Admin
from bot.services.alerting import Alerting
from bot.services.auditing import Auditing
from bot.services.budgeting import Budgets
from bot.services.catalogue import Catalogue
from bot.services.change_requests import Changes
from bot.services.digest_acting import DigestActs
from bot.services.digesting import Digests
from bot.services.drafting import Drafting
from bot.services.escalating import Escalating
from bot.services.evaluation_requests import EvaluationRequests
from bot.services.explaining import Explaining
from bot.services.feedback import Feedback
from bot.services.golden_cases import GoldenCases
from bot.services.home_page import HomePages
from bot.services.past_runs import PastRuns
from bot.services.preferences import Preferences
from bot.services.promotion import Promotions
from bot.services.remedies import Remedies
from bot.services.replaying import Replays
from bot.services.runs import Runs
from bot.services.staging import Stages
from bot.services.triage import Triage
from bot.slack.digest_charts import ChartShow
from bot.slack.elements import Outgoing
from bot.slack.gateway import Gateway, SlackBusy, SlackRefused, SlackUncertain
from bot.slack.identities import People
from bot.slack.payloads import Call
from bot.slack.pictures import Pictures
from workflows.ports import Clock

LINK_S = 0.8
"""A notice that must be out within Slack's three seconds does without a link rather than wait longer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back with the acknowledgement, and what is done once Slack has it."""

    ack: Mapping[str, Any] | None = None
    after: Callable[[], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """The services and the way out. Built once, by the composition root."""

    runs: Runs
    catalogue: Catalogue
    feedback: Feedback
    access: Access
    preferences: Preferences
    admin: Admin
    budgets: Budgets
    changes: Changes
    digests: Digests
    digest_acts: DigestActs
    drafting: Drafting
    triage: Triage
    escalating: Escalating
    remedies: Remedies
    stages: Stages
    promotions: Promotions
    auditing: Auditing
    alerting: Alerting
    golden: GoldenCases
    evaluation_requests: EvaluationRequests
    replays: Replays
    explaining: Explaining
    past_runs: PastRuns
    pictures: Pictures
    charts: ChartShow
    home: HomePages
    gateway: Gateway
    people: People
    clock: Clock
    workspace_url: str = ""
    """Start of links into this workspace, as auth.test gives it; empty for no links."""

    async def direct_link(self, person: str) -> str:
        """A link to the person's conversation with us; empty when Slack does not name it at once."""
        try:
            async with asyncio.timeout(LINK_S):
                channel = await self.gateway.direct_channel(person)
        except (SlackBusy, SlackRefused, SlackUncertain, TimeoutError):
            return ""
        return (
            f"{self.workspace_url}archives/{channel}"
            if channel.startswith("D") and self.workspace_url
            else ""
        )

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


Handler: TypeAlias = Callable[[Call, Desk], Awaitable[Reply]]
