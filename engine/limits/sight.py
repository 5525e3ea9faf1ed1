"""What a worker saw of an endpoint since its last report, and what it is told to do there."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, log

from domain.call import Outcome

BURST_S = 1.0
"""Seconds of a rate that may be used at once after a rest."""
SHORTEST_MS = 0.001
"""Latencies below count as this, so that every one has a logarithm."""

FAILURES = frozenset(
    {Outcome.RATE_LIMITED, Outcome.SERVER_ERROR, Outcome.TIMEOUT, Outcome.CONNECTION}
)
"""Outcomes without an answer."""
TIMED = frozenset({Outcome.OK, Outcome.TRUNCATED})
"""Outcomes that take as long as a model's answer takes, written to its end or to the token limit.

The others answer as well, so the endpoint is there, but their latency says nothing of its load: a
rejected parameter, a content filter and a proxy's page come back at once, a refusal and an answer
without text are short, and an answer that is too large is cut off on the way. An answer that does
not fit its schema was written to its end; it counts as `OK` here, since it is looked at later."""


@dataclass(slots=True)
class Timing:
    """Sums over latencies: enough for mean, geometric mean and spread, and they can be added.

    Latencies of model calls are spread about their median like a lognormal, so the mean of the
    logarithms says where the median is, and a few long answers do not move it much.
    """

    n: int = 0
    seconds: float = 0.0
    log: float = 0.0
    log2: float = 0.0

    def count(self, latency_ms: float) -> None:
        """Add one call."""
        of = log((latency_ms if latency_ms > SHORTEST_MS else SHORTEST_MS) / 1000)
        self.n += 1
        self.seconds += latency_ms / 1000
        self.log += of
        self.log2 += of * of

    def add(self, other: Timing) -> None:
        """Add other calls."""
        self.n += other.n
        self.seconds += other.seconds
        self.log += other.log
        self.log2 += other.log2

    def without(self, lag_s: float, least_s: float) -> Timing:
        """Return the calls as they would be without a lag of our own.

        Args:
            lag_s: What it added to each, in the mean.
            least_s: What they take in the mean in any case.
        """
        own_s = min(lag_s, self.seconds / self.n - least_s) if self.n else 0.0
        if own_s <= 0:
            return self
        shift = log(1 - own_s / self.mean_s)
        return Timing(
            self.n,
            self.seconds - self.n * own_s,
            self.log + self.n * shift,
            self.log2 + 2 * shift * self.log + self.n * shift * shift,
        )

    @property
    def mean_s(self) -> float:
        """Arithmetic mean; there must be at least one call."""
        return self.seconds / self.n

    @property
    def mean_log(self) -> float:
        """Mean of the logarithms of seconds; there must be at least one call."""
        return self.log / self.n

    @property
    def scatter(self) -> float:
        """Sum of squared deviations of the logarithms from their mean."""
        return max(0.0, self.log2 - self.log * self.log / self.n) if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the run file allows at an endpoint, over all workers."""

    ceiling: int
    calls_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def narrower(self, other: Bounds) -> Bounds:
        """Roles may ask for different bounds at one endpoint; the smallest hold."""
        return Bounds(
            min(self.ceiling, other.ceiling),
            _least(self.calls_per_minute, other.calls_per_minute),
            _least(self.tokens_per_minute, other.tokens_per_minute),
        )


def _least(one: int | None, other: int | None) -> int | None:
    given = [value for value in (one, other) if value is not None]
    return min(given) if given else None


@dataclass(slots=True)
class Seen:
    """One worker's view of one endpoint since its last report.

    A call is fresh when it was sent after the worker was last told of a cut: only such a call
    says anything about the limit as it is now.
    """

    bounds: Bounds
    within_s: float = 0.0
    """Seconds since the last report."""
    lag_s: float = 0.0
    """What the worker's own event loop added to each latency meanwhile, in the mean."""
    in_flight: int = 0
    waiting: int = 0
    demand: int = 0
    """The most calls that were under way or waiting at one moment."""
    pressed: bool = False
    """Whether a call had to wait for the limit."""
    answers: dict[str, int] = field(default_factory=dict)
    """Calls that a model answered, by role."""
    others: int = 0
    """Calls that came back with something else, see `TIMED`."""
    timings: dict[str, Timing] = field(default_factory=dict)
    """Latencies of the fresh ones among them, by role."""
    stale: dict[str, Timing] = field(default_factory=dict)
    """Latencies of the others."""
    refused: int = 0
    refused_fresh: int = 0
    timeouts: int = 0
    timeouts_fresh: int = 0
    failed: int = 0
    """Refusals, timeouts, server errors and broken connections."""
    trailing: int = 0
    """Failures since the last answer, if there was one."""
    retry_after_s: float = 0.0
    """The longest pause that was asked for since the last report, as of this one."""
    errors: dict[str, int] = field(default_factory=dict)
    """What failed, by outcome."""
    last_error: str = ""
    overdue_s: float | None = None
    """Seconds since the last of those calls in line had enough that lack nothing but a last try of
    the endpoint; None where there is none."""

    @property
    def answered(self) -> int:
        """Calls that the endpoint gave an answer to, of whatever use."""
        return sum(self.answers.values()) + self.others


@dataclass(frozen=True, slots=True)
class Order:
    """What one worker may do at one endpoint until it is told something else."""

    limit: int
    """Calls under way at most."""
    cut: int = 0
    """Counts the cuts of the endpoint's limit; a new number begins what is fresh anew."""
    closed_s: float = 0.0
    """Seconds during which no call may be sent."""
    failing: bool = False
    """Whether the endpoint's circuit is open: failures there are not the calls' fault."""
    hasty: bool = False
    """Whether answers are told soon, because the limit goes by them and round trips are short."""
    silent_s: float = 0.0
    """Seconds that the endpoint has answered nothing while it is left alone; 0 where calls go."""
    tried_s: float = inf
    """Seconds since the last probe that failed was sent; 0 where none may be, since the endpoint
    asks to be left alone."""
    said: str = ""
    """What the endpoint said last when a call failed there; given while it is silent."""
    calls_per_s: float | None = None
    tokens_per_s: float | None = None


def rates(bounds: Bounds, share: float, workers: int = 1) -> tuple[float | None, float | None]:
    """Return the calls and tokens per second that are one worker's `share` of what is allowed.

    So that no minute sees more than the cap, the burst is part of it, and so is the one call by
    which each further worker may be ahead.
    """
    calls, tokens = bounds.calls_per_minute, bounds.tokens_per_minute
    span = 60 + BURST_S
    return (
        None if calls is None else share * max(calls - (workers - 1), calls / 2) / span,
        None if tokens is None else share * tokens / span,
    )
