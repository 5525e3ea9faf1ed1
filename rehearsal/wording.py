"""How numbers are written for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from campaigns.forecast import Interval


def short(number: float) -> str:
    """Write a count in few digits: 950, 12.3k, 4.56M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return f"{number:.0f}"


def counted(number: int, what: str) -> str:
    """Write how many there are: `1 record`, `1,200 records`."""
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def usd(amount: float) -> str:
    """Write dollars: cents, or two digits of what is less."""
    if amount == 0 or amount >= 0.1:
        return f"${amount:,.2f}"
    return f"${amount:.2g}" if amount >= 1e-4 else f"${amount:.1e}"


def exactly(amount: float) -> str:
    """Write dollars as they were given: `$0.135`, `$5`."""
    return "$" + f"{amount:,.12f}".rstrip("0").rstrip(".")


def span(seconds: float) -> str:
    """Write a time: 42 s, 7 min, 3 h 20 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def spread(interval: Interval, write: Callable[[float], str]) -> str:
    """Write an interval: `4.9M (4.7M to 5.1M)`."""
    return f"{write(interval.expected)} ({write(interval.low)} to {write(interval.high)})"
