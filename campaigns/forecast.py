"""What a campaign will have cost, and when it will end, from the sessions that are finished.

For k sessions still to come and n sessions seen, with mean m and standard deviation s, their sum
is k·m, give or take t·s·sqrt(k·(1 + k/n)): the scatter of k sessions and the uncertainty of the
mean together, t being Student's for n - 1 degrees of freedom (a prediction interval for a sum;
Hahn and Meeker, 1991, "Statistical Intervals", chapter 4). What the sessions being played have
cost already is part of their k·m.
"""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from domain.base import Noun
from domain.price import dollars

if TYPE_CHECKING:
    from engine.live import LiveState

LEVEL = 0.9
"""Share of the intervals that should hold what comes."""
LEAST = 5
"""Sessions under which nothing is foretold; nor is it before as many are counted as are in flight:
the first to be counted are the short ones."""
CALLS, TOKENS, PICO = range(3)


class Interval(Noun):
    """A number foretold: `low` to `high` holds it in nine cases of ten."""

    expected: float
    low: float
    high: float


class Forecast(Noun):
    """What a campaign comes to when it is played to its end."""

    sessions_seen: int
    calls: Interval
    tokens: Interval
    usd: Interval
    seconds_left: Interval | None = None
    """None while no call returns, or nothing is being played."""


def forecast(live: LiveState) -> Forecast | None:
    """Foretell from a run's live state; None while too few sessions have finished."""
    if live.sample.n < max(LEAST, live.in_flight):
        return None
    calls, tokens, pico = (_total(live, kind) for kind in (CALLS, TOKENS, PICO))
    usd = Interval(**{name: dollars(int(value)) for name, value in pico.model_dump().items()})
    return Forecast(
        sessions_seen=live.sample.n,
        calls=calls,
        tokens=tokens,
        usd=usd,
        seconds_left=_seconds(live, calls),
    )


def _total(live: LiveState, kind: int) -> Interval:
    """Add what is to come to what is spent."""
    spent, played = live.spent[kind], live.open[kind]
    left = live.planned - live.before - sum(live.finished.values())
    expected, give = sum_of(left, live.sample.n, live.sample.sums[kind], live.sample.squares[kind])
    more = max(0.0, expected - played)
    return Interval(
        expected=spent + more,
        low=spent + max(0.0, more - give),
        high=spent + more + give,
    )


def sum_of(k: int, n: int, total: float, squares: float) -> tuple[float, float]:
    """Return what `k` more will sum to, and what to give or take, from `n` that sum to `total`."""
    mean = total / n
    variance = max(0.0, (squares - total * mean) / (n - 1))
    give = student(n - 1) * sqrt(variance * k * (1 + k / n))
    return k * mean, give


def student(freedom: int, level: float = LEVEL) -> float:
    """Return Student's t that holds `level` of the distribution between -t and t.

    By the Cornish-Fisher expansion (Abramowitz and Stegun, 1964, 26.7.5), within 0.5% from 4
    degrees of freedom on.
    """
    x = NormalDist().inv_cdf((1 + level) / 2)
    one = (x**3 + x) / 4
    two = (5 * x**5 + 16 * x**3 + 3 * x) / 96
    three = (3 * x**7 + 19 * x**5 + 17 * x**3 - 15 * x) / 384
    return x + one / freedom + two / freedom**2 + three / freedom**3


def _seconds(live: LiveState, calls: Interval) -> Interval | None:
    if live.calls_per_second <= 0 or live.over:
        return None
    seconds = (
        max(0.0, (value - live.spent[CALLS]) / live.calls_per_second)
        for value in (calls.expected, calls.low, calls.high)
    )
    expected, low, high = seconds
    return Interval(expected=expected, low=low, high=high)
