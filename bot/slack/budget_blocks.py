"""Budgets as messages and a form. Pure."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.governance.budget import Scope, ScopeKind
from bot.services.budgeting import BudgetView, ScopeSpending
from bot.services.outbox_items import OutboxItem
from bot.slack import budget_text as words
from bot.slack import elements as el
from bot.slack.blocks import notice
from bot.slack.elements import Outgoing
from bot.slack.richtext import Block

TOP_UP = "budget-top-up"
"""Action id; the value is the budget."""
TOP_UP_FORM = "budget-top-up-form"
"""Callback id."""
AMOUNT, UNTIL, FIELD = "budget-amount", "budget-until", "value"
"""Block ids, and the action id in both."""
SHOWN = 40
"""Limits in one message; Slack takes 50 blocks."""


def overview_message(views: Sequence[BudgetView], *, may_set: bool) -> Outgoing:
    """Every limit that somebody may see."""
    if not views:
        return notice(words.no_budgets(is_anyone=may_set))
    rows = [el.section(f"{words.heading(v.budget.scope)}\n{words.limit_line(v)}", _button(v)) for v in views]
    cut = [el.context(words.more_budgets(len(rows) - SHOWN))] if len(rows) > SHOWN else []
    footer = [el.context(words.HOW_TO)] if may_set else []
    said = f"{len(views)} limit{'' if len(views) == 1 else 's'} on spending"
    return Outgoing(
        said, (*rows[:SHOWN], *cut, *footer), _people(v.budget.scope for v in views) | _adders(views)
    )


def spending_message(spending: ScopeSpending) -> Outgoing:
    """What one scope spent, beside its limits."""
    rows = [el.section(words.limit_line(view), _button(view)) for view in spending.budgets]
    if not rows:
        rows = [el.section(words.no_limit(spending.scope, may_change=spending.may_change))]
    title = el.section(f"{words.heading(spending.scope)}\n{words.spent_lines(dict(spending.by_period))}")
    people = _people([spending.scope]) | _adders(spending.budgets)
    return Outgoing("What was spent, and the limits", (title, *rows), people)


def low_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """Most of it is spent."""
    view = _about(item)
    if view is None:
        return notice(words.lifted_since())
    if not view.is_low:
        return _letter(words.open_again(view), view)
    return _letter(words.low(view), view, el.context(words.low_means()))


def spent_letter(item: OutboxItem, _now: datetime, _names: Mapping[str, str]) -> Outgoing:
    """A call did not fit any more."""
    view = _about(item)
    if view is None:
        return notice(words.lifted_since())
    # whoever adds to it closes the case for the other owners, who have the same message
    if any(each.until > view.at for each in view.budget.top_ups) and not view.is_low:
        return _letter(words.open_again(view), view)
    return _letter(
        words.spent(view, str(item.body.get("workflow", "")), str(item.body.get("needs", ""))), view
    )


def top_up_form(view: BudgetView, place: Mapping[str, str]) -> Block:
    """How much more, and until when."""
    last = (view.ends_at - timedelta(seconds=1)).date().isoformat()
    amount: Block = {
        "type": "number_input",
        "action_id": FIELD,
        "is_decimal_allowed": True,
        "min_value": "0.01",
        "max_value": "10000000",
    }
    until: Block = {"type": "datepicker", "action_id": FIELD, "initial_date": last}
    return el.modal(
        words.TITLE,
        [
            el.section(words.form_opening(view)),
            el.field_block(AMOUNT, words.AMOUNT, amount),
            el.field_block(UNTIL, words.UNTIL, until, hint=words.form_hint()),
        ],
        callback_id=TOP_UP_FORM,
        metadata=json.dumps({**place, "budget": view.budget.id}, separators=(",", ":")),
        submit="Add",
        close="Cancel",
    )


def read_top_up(state: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Amount and day as entered."""
    amount = (state.get(AMOUNT) or {}).get(FIELD) or {}
    until = (state.get(UNTIL) or {}).get(FIELD) or {}
    return str(amount.get("value") or ""), str(until.get("selected_date") or "")


def said_of(view: BudgetView, said: str) -> Outgoing:
    """A sentence about one budget, with the people it names."""
    return notice(said, mentions=_people([view.budget.scope]) | _adders([view]))


def _letter(said: str, view: BudgetView, *below: Block) -> Outgoing:
    button = el.actions(_top_up(view, style="primary"))
    blocks = (el.section(said), el.section(words.limit_line(view)), *below, button)
    return Outgoing(said, blocks, _people([view.budget.scope]) | _adders([view]))


def _about(item: OutboxItem) -> BudgetView | None:
    return item.about if isinstance(item.about, BudgetView) else None


def _button(view: BudgetView) -> Block | None:
    return _top_up(view) if view.may_change else None


def _top_up(view: BudgetView, *, style: str = "") -> Block:
    about = (
        f"Add to the budget of {view.budget.scope.name or 'the workspace'} for a {view.budget.period.value}"
    )
    return el.button(words.TOP_UP, TOP_UP, view.budget.id, style=style, about=about)


def _people(scopes: Iterable[Scope]) -> frozenset[str]:
    return frozenset(scope.name for scope in scopes if scope.kind is ScopeKind.PERSON)


def _adders(views: Iterable[BudgetView]) -> frozenset[str]:
    return frozenset(added.by for view in views for added in view.budget.top_ups)
