"""When a run that found no model is tried again: what was asked for is kept, not failed."""

import random

from bot.adapters.store.run_log import RunRow
from bot.services.actors import Origin
from workflows.run import AGAIN, Failure

MOST = 12
"""Times that a run is put off: with the waits below, for about three quarters of an hour."""
FIRST_S, LONGEST_S = 15.0, 300.0
"""The first wait at least, doubling from time to time, and the longest."""
SPREAD = 0.25
"""By how much a wait may be longer, so that not all runs come back at once."""


def put_off_s(row: RunRow, failure: Failure | None) -> float | None:
    """Seconds until it should be tried again; None when it has failed for good.

    Whoever waits at a terminal is told at once.
    """
    again_s = failure.facts.get(AGAIN, "") if failure is not None else ""
    if not again_s.isdecimal() or row.put_off >= MOST or Origin.from_json(row.origin).surface == "terminal":
        return None
    wait_s: float = max(float(again_s), min(LONGEST_S, FIRST_S * 2.0**row.put_off))
    return wait_s * (1 + random.uniform(0, SPREAD))
