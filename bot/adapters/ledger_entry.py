"""One call to a provider, as it is billed: the unit of every cost figure."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from bot.adapters.reservation import Reservation
from workflows.ports import Purpose


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One provider call, whether it succeeded, failed or was a fallback."""

    run_id: str
    step_id: str
    purpose: Purpose
    alias: str
    """What the workflow asked for."""
    model: str
    """What was called, e.g. `openai/gpt-4o-mini`."""
    input_tokens: int
    output_tokens: int
    cost_usd: Decimal
    started_at: datetime
    seconds: float
    outcome: str
    """`ok`, or the name of the error class."""
    priced: bool = True
    """False when nobody knows the model's price: the cost is then 0 and too low."""
    cached_tokens: int = 0
    """Of the input, what the provider had in its cache."""
    served_by: str = ""
    """What the provider said that answered, e.g. `gpt-4o-mini-2024-07-18`."""
    reservation: Reservation | None = field(default=None, compare=False, repr=False)
    """What was set aside for the call; not kept with the row."""
