"""A desk for tests of money: a store, budgets, and models whose provider keeps its own statement."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from bot.adapters.llm import Models
from bot.adapters.profiles import read_profiles
from bot.adapters.queue.wakeup import WakeUp
from bot.adapters.store.database import Store
from bot.governance.budget import WORKSPACE, Period, Scope, ScopeKind, Spender
from bot.governance.roles import Role
from bot.services.access import OPERATOR, Access
from bot.services.actors import Actor
from bot.services.billing import Billing
from bot.services.budget_notices import BudgetNotices
from bot.services.budgeting import Budgets, BudgetView
from bot.services.catalogue import UnknownWorkflow
from tests.fakes import FakeClock
from tests.openai_server import OpenAIServer
from workflows.ports import Message, Model, ModelReply, ModelRequest, Purpose, Task

PROFILES = """
default:
  model: openai/dear
  api_base: {base}
  price: {{input_per_million: 1000, output_per_million: 4000, cached_input_per_million: 100}}
  max_output_tokens: 20
  cheaper: cheap
cheap:
  model: openai/cheap
  api_base: {base}
  price: {{input_per_million: 10, output_per_million: 40}}
  max_output_tokens: 20
backed:
  model: openai/first
  api_base: {base}
  price: {{input_per_million: 500, output_per_million: 500}}
  max_output_tokens: 20
  fallbacks: [default, cheap]
endless:
  model: openai/endless
  api_base: {base}
  price: {{input_per_million: 1, output_per_million: 1}}
unknown:
  model: openai/unheard-of
  api_base: {base}
"""

ADMIN, OWNER, ANA = Actor("U0DEV"), Actor("U0OWN"), Actor("U0ANA", groups=frozenset({"S0PEOPLE"}))
TERMINAL = Actor(OPERATOR)
ASK_POLICY = Scope(ScopeKind.WORKFLOW, "ask-policy")
SPENDER = Spender("ask-policy", "U0ANA", "S0PEOPLE", "C0PEOPLE", {"workflow": {"ask-policy": 3}})


class Workflows:
    """A catalogue of two names."""

    def find_in(self, _connection: Any, name: str, _actor: Any = None) -> None:
        if name not in ("ask-policy", "summarise"):
            raise UnknownWorkflow(name, "ask-policy")


@dataclass
class BudgetDesk:
    """Money, and who spends it. Two desks on one store are two processes, as far as money goes."""

    store: Store
    server: OpenAIServer
    clock: FakeClock = field(default_factory=FakeClock)
    outgoing: WakeUp = field(default_factory=WakeUp)
    teams: tuple[str, ...] = ()
    allows_unpriced: bool = True

    def __post_init__(self) -> None:
        self.access = Access(self.store, self.clock, ["U0DEV"])
        self.billing = Billing(
            self.store, self.clock, BudgetNotices(self.access), self.outgoing, teams=self.teams
        )
        self.budgets = Budgets(
            self.store,
            self.access,
            Workflows(),  # type: ignore[arg-type]
            self.clock,
            self.billing.book,
            self.outgoing,
            self.teams,
        )
        self.models = Models(
            read_profiles(PROFILES.format(base=self.server.base_url)),
            self.store,
            clock=self.clock,
            environ={},
            allows_unpriced=self.allows_unpriced,
        )

    async def own(self) -> None:
        """The workflow has an owner."""
        await self.access.grant(ADMIN, OWNER.id, Role.OWNER, "workflow:ask-policy")

    async def limit(
        self, dollars: str, scope: Scope = WORKSPACE, period: Period = Period.DAY, actor: Actor = ADMIN
    ) -> BudgetView:
        """Set one, and let this process hear of it."""
        view = await self.budgets.set_limit(actor, scope, Decimal(dollars), period)
        await self.hear()
        return view

    async def hear(self) -> None:
        """As if a second had gone by."""
        await self.store.read(lambda connection: self.billing.book.look(connection))

    def model(self, spender: Spender = SPENDER, run_id: str = "", fence: int = 1) -> Model:
        account = self.billing.payer(spender, run_id, fence)
        return self.models.bind(account.record, run_id=run_id, payer=account)

    async def ask(
        self,
        alias: str = "default",
        *,
        words: int = 3,
        purpose: Purpose = "answer",
        spender: Spender = SPENDER,
        run_id: str = "",
        streamed: bool = False,
        **more: Any,
    ) -> ModelReply:
        """One request to a model."""
        request = ModelRequest(
            alias, (Message("user", "word " * words),), Task("write"), "answer", purpose, **more
        )
        return await self.model(spender, run_id).complete(request, (lambda _: None) if streamed else None)

    def sql(self, statement: str, **values: Any) -> Sequence[Any]:
        """What the database says, after everything that is queued."""
        return self.store.write_now(
            lambda connection: (
                list(result) if (result := connection.execute(text(statement), values)).returns_rows else []
            )
        )

    def spent(self) -> Decimal:
        """By the ledger."""
        return sum((Decimal(str(row[0])) for row in self.sql("SELECT cost_usd FROM ledger")), Decimal(0))

    def balance(self) -> tuple[Decimal, Decimal]:
        """Spent and set aside, of the only budget."""
        ((spent, reserved),) = self.sql("SELECT spent_usd, reserved_usd FROM budget_balances")
        return Decimal(spent) / 10**10, Decimal(reserved) / 10**10

    def set_aside(self) -> Decimal:
        """What stands as reserved in advance."""
        return Decimal(self.sql("SELECT coalesce(sum(dollars), 0) FROM reservations")[0][0]) / 10**10

    def told(self) -> list[tuple[str, str]]:
        """Kinds of messages and to whom."""
        return [(row[0], row[1]) for row in self.sql("SELECT kind, channel FROM outbox ORDER BY seq")]
