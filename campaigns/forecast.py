"""What a campaign will have cost, and when it will end, from how its sessions have gone so far.

Sessions that are finished when one looks are too short on average: the long ones are still being
played. So nothing is averaged over finished sessions. Time is counted in calls. With r[i] sessions
that made their i-th call and d[i] that ended after it, h[i] = d[i] / r[i] is the chance to end
there (Kaplan and Meier, 1958, JASA 53:457), and m[i], the mean cost of an i-th call over all who
made it, is what it costs to come that far (Lin, Feuer, Etzioni and Wax, 1997, Biometrics 53:419:
costs under censoring are to be summed over stretches of time; a Kaplan-Meier curve of the costs
themselves is biased, as those who spend fast are censored late). Sessions still being played are
counted in r as far as they have come, and those that an earlier run began from where this run
took them up.

From where the sessions stand, A[i] of them will yet make an i-th call: A[i+1] = A[i]·(1 - h[i]) +
those that stand at i. What is to come is the sum of A[i]·m[i]. With W[i] what a session that goes
on after call i will yet spend, the variance of what is to come is the sum of

    h[i]·(1 - h[i])·W[i]²·A[i]·(1 + A[i] / r[i])

the 1 being the chance of those to come (the steps are martingale differences) and A/r the error of
h (Greenwood, 1926, by the delta method). With no session censored this is k·s²·(1 + k/n), the
prediction interval for the sum of k after n (Hahn and Meeker, 1991, "Statistical Intervals",
chapter 4). Some sessions spend more on each call than others; their squared deviation from what
their number of calls lets expect, as a share, is added in the same way.

Where fewer than `FEW` sessions have been seen, the chance to end is that of the upper half of the
curve, the same at every call (an exponential tail: Brown, Hollander and Korwar, 1974, "Reliability
and Biometry", SIAM, 327-354). `tests/campaigns/test_forecast.py` counts how often it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import sqrt
from operator import mul
from typing import TYPE_CHECKING

from domain.base import Noun
from domain.price import dollars

if TYPE_CHECKING:
    from engine.live import LiveState, Survey

LEVEL = 0.9
"""Share of the intervals that should hold what comes."""
LEAST = 20
"""Sessions that must have ended before anything is foretold."""
HALF = 15
"""Sessions that must have been seen at the call by which half of them end."""
FEW = 5
"""Sessions under which a call's own chance is not believed: the tail's stands for it."""
UNSEEN = 0.2
"""Most of the sessions that may go on beyond the last such call."""
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


@dataclass(frozen=True)
class Curve:
    """The chance to end after each call, from the first; the last stands for all that follow."""

    risk: tuple[int, ...]
    """Sessions that the chance is taken from."""
    ends: tuple[float, ...]


def forecast(live: LiveState) -> Forecast | None:
    """Foretell from a run's live state; None while too few sessions have finished."""
    seen = sum(live.survey.ended)
    curve = curve_of(live.survey) if seen >= LEAST else None
    if curve is None:
        return None
    calls, tokens, pico = (_total(live, curve, kind) for kind in (CALLS, TOKENS, PICO))
    usd = Interval(**{name: dollars(int(value)) for name, value in pico.model_dump().items()})
    return Forecast(
        sessions_seen=seen,
        calls=calls,
        tokens=tokens,
        usd=usd,
        seconds_left=_seconds(live, calls),
    )


def curve_of(survey: Survey) -> Curve | None:
    """Estimate after which call sessions end; None where too few have been seen.

    After a resume the first to end are those that an earlier run began: of the calls that they had
    made by then this run has seen nothing, neither how many end there nor what they cost.
    """
    risk = [made[CALLS] for made in survey.made[1:]]
    ended = survey.ended[1:]
    believed = [i for i, (r, d) in enumerate(zip(risk, ended, strict=True)) if d and r >= FEW]
    last = believed[-1] + 1 if believed else 0
    if any(r < FEW for r in risk[:last]):
        return None
    chances = [d / r if r else 0.0 for r, d in zip(risk[:last], ended[:last], strict=True)]
    going = list(accumulate((1 - chance for chance in chances), mul))
    half = next((i for i, share in enumerate(going) if share <= 0.5), 0)
    if not going or going[-1] > UNSEEN or risk[half] < HALF:
        return None
    tail = sum(risk[half:])
    return Curve((*risk[:last], tail), (*chances, sum(ended[half:]) / tail))


def _total(live: LiveState, curve: Curve, kind: int) -> Interval:
    """Add what is to come to what is spent."""
    means = _means(live.survey, curve, kind)
    ahead = _ahead(live, curve)
    rest = _rest(curve, means)
    more = sum(a * m for a, m in zip(ahead, means, strict=True))
    variance = sum(
        h * (1 - h) * w**2 * a * (1 + a / r)
        for h, w, a, r in zip(curve.ends, rest, ahead, curve.risk, strict=True)
        if r
    )
    variance += _of_spenders(live.survey, kind, curve, means, more)
    seen = sum(live.survey.ended)
    give = student(seen - 1) * sqrt(variance)
    spent = live.spent[kind]
    return Interval(
        expected=spent + more, low=spent + max(0.0, more - give), high=spent + more + give
    )


def _means(survey: Survey, curve: Curve, kind: int) -> list[float]:
    """Return what a session's i-th call costs; of calls beyond the curve, what its last ones do."""
    last = len(curve.ends) - 1
    costs = [(made[kind], made[CALLS]) for made in survey.made[1:]]
    means = [cost / n if n else 0.0 for cost, n in costs[:last]]
    beyond = costs[last:] if any(n for _, n in costs[last:]) else costs[max(0, last - 1) : last]
    return [*means, sum(cost for cost, _ in beyond) / max(1, sum(n for _, n in beyond))]


def _ahead(live: LiveState, curve: Curve) -> list[float]:
    """Return how many sessions will yet make an i-th call; of the last, how many such calls."""
    playing = live.survey.playing
    last = len(curve.ends) - 1
    finished = live.before + sum(live.finished.values())
    unbegun = max(0, live.planned - finished - sum(playing))
    ahead = [float(unbegun + (playing[0] if playing else 0))]
    for number, ends in enumerate(curve.ends[:-1], 1):
        here = playing[number] if number < len(playing) else 0
        ahead.append(ahead[-1] * (1 - ends) + here)
    ahead[last] = (ahead[last] + sum(playing[last + 1 :])) / curve.ends[-1]
    return ahead


def _rest(curve: Curve, means: list[float]) -> list[float]:
    """Return what a session that goes on after its i-th call will yet spend."""
    rest = [means[-1] / curve.ends[-1]]
    for ends, mean in zip(reversed(curve.ends[1:]), reversed(means[1:]), strict=True):
        rest.append(mean + (1 - ends) * rest[-1])
    return rest[::-1]


def _of_spenders(survey: Survey, kind: int, curve: Curve, means: list[float], more: float) -> float:
    """Return the variance that comes of sessions that spend more, or less, on each call."""
    upto = [0.0, *accumulate(means)]
    upto += [upto[-1]] * (len(survey.whole) - len(upto))
    seen = sum(moments.n for moments in survey.whole)
    if seen < LEAST or not any(means):
        return 0.0
    off = weight = 0.0
    for moments, mean in zip(survey.whole, upto, strict=False):
        off += moments.squares[kind] - 2 * mean * moments.sums[kind] + moments.n * mean**2
        weight += moments.n * mean**2
    going, each, square = 1.0, 0.0, 0.0
    for ends, mean in zip(curve.ends, upto[1:], strict=False):
        each += going * ends * mean
        square += going * ends * mean**2
        going *= 1 - ends
    if not weight or not each:  # nothing was spent, by calls that cost nothing, say
        return 0.0
    sessions = more / each
    return max(0.0, off / weight) * square * sessions * (1 + sessions / seen)


def student(freedom: int, level: float = LEVEL) -> float:
    """Return Student's t that holds `level` of the distribution between -t and t."""
    from scipy.special import stdtrit

    return float(stdtrit(freedom, (1 + level) / 2))


def _seconds(live: LiveState, calls: Interval) -> Interval | None:
    if live.calls_per_second <= 0 or live.over:
        return None
    seconds = (
        max(0.0, (value - live.spent[CALLS]) / live.calls_per_second)
        for value in (calls.expected, calls.low, calls.high)
    )
    expected, low, high = seconds
    return Interval(expected=expected, low=low, high=high)
