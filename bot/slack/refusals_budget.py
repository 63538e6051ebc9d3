"""The sentences of errors around money."""

from collections.abc import Callable, Mapping

from bot.slack import budget_text as words
from bot.slack.elements import escape

Facts = Mapping[str, str]


def budget_spent(facts: Facts) -> str:
    """A limit was reached."""
    if not {"scope", "name", "period", "limit", "spent", "ends"} <= set(facts):
        return "The budget for this is spent, so no model was asked. An admin can add to it."
    return words.refusal(dict(facts))


def unknown_price(facts: Facts) -> str:
    """A model nobody can pay for knowingly."""
    model = escape(facts.get("model", ""))
    named = f" `{model}`" if model else ""
    return (
        f"Nobody knows what the model{named} costs, so it was not called. An admin gives it a `price` in "
        "models.yaml; 0 for one that costs nothing."
    )


def unknown_budget(facts: Facts) -> str:
    """Nothing to lift or add to."""
    return "There is no such limit; it may have been lifted. `/spanwise budget` shows those there are."


def invalid_top_up(facts: Facts) -> str:
    """An amount or a day that makes no sense."""
    return words.needs_amount() if facts.get("why") == "amount" else words.needs_day()


def not_a_team(facts: Facts) -> str:
    """A group that nothing is counted for."""
    return (
        f"Spending is not counted for the group `{escape(facts.get('group', ''))}`, so a limit would hold "
        "nothing. The setting `SPANWISE_TEAMS` names the groups it is counted for."
    )


SENTENCES: Mapping[str, Callable[[Facts], str]] = {
    "BudgetSpent": budget_spent,
    "InvalidLimit": lambda facts: words.invalid_limit(facts.get("typed", "")),
    "InvalidTopUp": invalid_top_up,
    "NotATeam": not_a_team,
    "UnknownBudget": unknown_budget,
    "UnknownPrice": unknown_price,
    "UnknownScope": lambda facts: words.unknown_scope(facts.get("typed", "")),
}
"""Error class to its sentence."""
