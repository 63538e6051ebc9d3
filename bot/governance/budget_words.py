"""What people type about budgets: whose, how much, for how long. Pure."""

import re
from dataclasses import dataclass
from decimal import Decimal

from bot.governance.budget import MOST_USD, WORKSPACE, Period, Scope, ScopeKind

_AMOUNT = r"\$?\s*(\d{1,9}(?:\.\d{1,4})?)"
_LIMIT = re.compile(rf"{_AMOUNT}\s*(?:/|\bper\b|\ba\b)\s*(day|week|month)", re.IGNORECASE)
_LIFT = re.compile(r"(?:off|none)(?:\s*/?\s*(day|week|month))?", re.IGNORECASE)
_DOLLARS = re.compile(_AMOUNT)
_MENTION = re.compile(r"<(?:@|!subteam\^)([A-Z0-9]+)(?:\|[^>]*)?>")
_WORKFLOW = re.compile(r"[a-z][a-z0-9-]{0,63}")
_PERSON, _TEAM = re.compile(r"[UW][A-Z0-9]{2,30}"), re.compile(r"S[A-Z0-9]{2,30}")


class InvalidLimit(Exception):
    """Not an amount of dollars for a day, week or month; fact `typed` is what was given."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.facts = {"typed": typed}


class UnknownScope(Exception):
    """Nothing that can have a budget; fact `typed` is what was given."""

    def __init__(self, typed: str) -> None:
        super().__init__(typed)
        self.facts = {"typed": typed}


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """What was typed: nothing but a scope to look at it, a limit to set it, or that it shall be lifted."""

    scope: Scope | None = None
    dollars: Decimal | None = None
    period: Period | None = None
    lifts: bool = False


def read_request(typed: str, myself: str = "") -> BudgetRequest:
    """`ask-policy`, `@ana 5/day`, `workspace 500/month`, `ask-policy off`, `me`.

    Raises UnknownScope, InvalidLimit.
    """
    words = _MENTION.sub(r"\1", typed).strip()
    if not words:
        return BudgetRequest()
    first, _, rest = words.partition(" ")
    scope, rest = read_scope(myself if first.lower() == "me" and myself else first), rest.strip()
    if not rest:
        return BudgetRequest(scope)
    lift = _LIFT.fullmatch(rest)
    if lift is not None:
        return BudgetRequest(scope, None, Period(lift[1].lower()) if lift[1] else None, lifts=True)
    dollars, period = read_limit(rest)
    return BudgetRequest(scope, dollars, period)


def read_scope(word: str) -> Scope:
    """A workflow with or without its slash, an id of Slack, or `workspace`. Raises UnknownScope."""
    plain = word.strip("`").removeprefix("/")
    if plain.lower() == WORKSPACE.kind.value:
        return WORKSPACE
    if _PERSON.fullmatch(plain):
        return Scope(ScopeKind.PERSON, plain)
    if _TEAM.fullmatch(plain):
        return Scope(ScopeKind.TEAM, plain)
    if _WORKFLOW.fullmatch(plain):
        return Scope(ScopeKind.WORKFLOW, plain)
    raise UnknownScope(word)


def read_limit(typed: str) -> tuple[Decimal, Period]:
    """`50/month`, `$2.50 / day`, `10 per week`. Raises InvalidLimit."""
    found = _LIMIT.fullmatch(typed.strip())
    if found is None or Decimal(found[1]) > MOST_USD:
        raise InvalidLimit(typed)
    return Decimal(found[1]), Period(found[2].lower())


def read_dollars(typed: str) -> Decimal:
    """`20`, `$7.50`. Raises InvalidLimit."""
    found = _DOLLARS.fullmatch(typed.strip())
    if found is None or Decimal(found[1]) > MOST_USD:
        raise InvalidLimit(typed)
    return Decimal(found[1])
