"""What a handler has at hand, and what it gives back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from bot.services.access import Access
from bot.services.administering import Admin
from bot.services.alerting import Alerting
from bot.services.auditing import Auditing
from bot.services.budgeting import Budgets
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
from bot.services.promotion import Promotions
from bot.services.remedies import Remedies
from bot.services.replaying import Replays
from bot.services.staging import Stages
from bot.services.triage import Triage
from bot.slack.digest_charts import ChartShow
from bot.slack.front_desk import FrontDesk, Reply
from bot.slack.payloads import Call
from bot.slack.pictures import Pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(FrontDesk):
    """The services and the way out. Built once, by the composition root."""

    feedback: Feedback
    access: Access
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


__all__ = ["Desk", "FrontDesk", "Handler", "Reply"]

Handler: TypeAlias = Callable[[Call, Desk], Awaitable[Reply]]
