"""Telling the people who answer for a budget that it runs low or is spent, once a period each."""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import Connection

from bot.adapters.store import audit_log, balances_log, outbox_log
from bot.adapters.store.balances_log import balance_key
from bot.adapters.store.outbox_log import NewItem
from bot.governance.budget import Balance, ScopeKind
from bot.services import opaque_ids
from bot.services.access import Access
from bot.services.complaints import admins_of, owners_of
from bot.services.work import ITSELF

LOW, SPENT = "budget-low", "budget-spent"
"""Kinds of outbox messages."""


def budget_subject(budget_id: str) -> str:
    """What the messages about a budget are about."""
    return f"budget:{budget_id}"


class BudgetNotices:
    """Writes to the owners of a workflow; for people, teams and the workspace, to the admins."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def owners(self, connection: Connection, balance: Balance) -> tuple[str, ...]:
        """Who is told, as ids of people."""
        grants, scope = self._access.grants(connection), balance.budget.scope
        if scope.kind is ScopeKind.WORKFLOW:
            return owners_of(grants, scope.name)
        return admins_of(grants)

    def say_low(self, connection: Connection, balance: Balance, at: datetime) -> None:
        """Most of it is spent."""
        self._say(connection, balance, LOW, "warned_at", at, {})

    def say_spent(
        self, connection: Connection, balance: Balance, at: datetime, workflow: str, needs: Decimal
    ) -> None:
        """A call did not fit any more."""
        context = {"workflow": workflow, "needs": f"{needs:f}"}
        self._say(connection, balance, SPENT, "refused_at", at, context)

    def _say(
        self,
        connection: Connection,
        balance: Balance,
        kind: str,
        mark: str,
        at: datetime,
        context: dict[str, str],
    ) -> None:
        budget = balance.budget
        balances_log.mark_balance(connection, balance_key(budget, at), **{mark: at})
        audit_log.append_event(
            connection,
            actor=ITSELF,
            action="budget.ran-low" if kind == LOW else "budget.spent",
            target=f"budget:{budget.scope}",
            context={
                "period": budget.period.value,
                "spent_usd": f"{balance.spent_usd:f}",
                "limit_usd": f"{budget.allowed(at):f}",
                **context,
            },
            at=at,
        )
        for owner in self.owners(connection, balance):
            key = opaque_ids.message_id(budget.id, f"{kind}:{owner}:{balance.starts_at}:{at}")
            item = NewItem(
                id=key,
                kind=kind,
                channel=owner,
                body=context,
                subject=budget_subject(budget.id),
            )
            outbox_log.insert_item(connection, item, at)
