"""Money, durations, shares and counts as people read them: the same in messages, charts and reports. Pure."""

from decimal import Decimal

_CENT = Decimal("0.01")


def dollars(amount: Decimal) -> str:
    """Money with as many digits as it needs to be more than nothing."""
    if amount == 0:
        return "$0"
    return f"${amount:,.2f}" if amount >= _CENT else f"${amount:.4f}"


def fine_dollars(amount: Decimal) -> str:
    """Money of which small differences count: three figures, and never fewer than cents."""
    if not amount or amount >= 1:
        return dollars(amount)
    places = min(2 - amount.adjusted(), 8)
    return f"${amount:.{places}f}"


def short_dollars(amount: Decimal) -> str:
    """Money where there is little room: three figures or so."""
    if amount >= Decimal("999.5"):
        return f"${short_count(float(amount))}"
    return f"${amount:.0f}" if amount >= 100 else dollars(amount).removesuffix(".00")


def short_count(number: float) -> str:
    """A number where there is little room: 950, 1.2k, 34k, 5.6M."""
    for size, letter in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        # what rounds up to a thousand of the smaller unit is one of the larger
        if number >= size * 0.9995:
            scaled = number / size
            digits = f"{scaled:.0f}" if scaled >= 9.95 else f"{scaled:.1f}".removesuffix(".0")
            return f"{digits}{letter}"
    return f"{number:.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def elapsed(seconds: float) -> str:
    """A duration as people say it."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 6000:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def fine_elapsed(seconds: float) -> str:
    """A duration of which small differences count."""
    if not seconds:
        return "0 s"
    return f"{seconds:.2f} s" if seconds < 0.995 else elapsed(seconds)


def percent(share: float) -> str:
    """A share from 0 to 1; never all or nothing unless it is."""
    if 0 < share < 0.005:
        return "under 1 %"
    if 0.995 < share < 1:
        return "over 99 %"
    return f"{share * 100:.0f} %"


def counted(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: `1 run`, `1,200 runs`."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"
