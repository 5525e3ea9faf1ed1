"""What calls take where none has to queue, by role: what latency is held against.

A critique takes longer than a line of talk, so each role has a latency of its own, and what is said
of all roles goes by how many calls of each there were lately.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING

from engine.limits.sight import Timing

if TYPE_CHECKING:
    from collections.abc import Mapping

FIRST_CALLS = 8
"""A role's first answers, from which its unloaded latency is taken at first: two round trips at
the first limit, because the first answers of all are the short ones."""
MEMORY_CALLS = 256
"""Calls that the unloaded latency is remembered over."""
LEAST_ROUND_S = 0.1
"""A round trip counts as at least this, the time between two reports."""
FLOOR_S = 0.03
"""Latencies below are not told apart: that is the machine's own noise, not an endpoint's queue."""
OWN_LEAST = 0.5
"""Share of a latency that is held to be the endpoint's, until the unloaded one is known."""


@dataclass(slots=True)
class Unloaded:
    """A role's latency where there is no queue."""

    log: float
    mean_s: float
    n: int

    def learn(self, timing: Timing, weight: float, short: float = 0.0) -> None:
        """Move towards `timing`, wholly at a weight of 1.

        Args:
            timing: What was seen.
            weight: 0 to 1.
            short: By how much the logarithms of what was seen are too low.
        """
        self.log += weight * (timing.mean_log + short - self.log)
        self.mean_s += weight * (timing.mean_s * exp(short) - self.mean_s)
        self.n = min(MEMORY_CALLS, self.n + timing.n)


class UnloadedByRole:
    """The roles' unloaded latencies, and how recent calls are spread over the roles."""

    def __init__(self) -> None:
        self._known: dict[str, Unloaded] = {}
        self._new: dict[str, Timing] = {}
        """Of roles whose unloaded latency is not known yet."""
        self._mix: dict[str, float] = {}
        """Recent calls by role."""

    def __contains__(self, role: str) -> bool:
        return role in self._known

    @property
    def is_known(self) -> bool:
        """Whether any role's is."""
        return bool(self._known)

    @property
    def round_s(self) -> float:
        """Seconds of a round trip without a queue: the mean over recent calls."""
        known = self._recent()
        if not known:
            return LEAST_ROUND_S
        total = sum(self._known[role].mean_s * n for role, n in known.items())
        return max(LEAST_ROUND_S, total / sum(known.values()))

    @property
    def typical_s(self) -> float | None:
        """Geometric mean over recent calls; None where it is unknown."""
        known = self._recent()
        if not known:
            return None
        logs = sum(self._known[role].log * n for role, n in known.items())
        return exp(logs / sum(known.values()))

    def _recent(self) -> dict[str, float]:
        return {role: n for role, n in self._mix.items() if role in self._known}

    def count(self, answers: Mapping[str, int]) -> float:
        """Count answers by role; return the seconds that they take where none queues."""
        work = 0.0
        for role, n in answers.items():
            if role in self._known:
                work += n * max(self._known[role].mean_s, FLOOR_S)
            self._mix[role] = self._mix.get(role, 0.0) + n
        return work

    def fade(self) -> None:
        """Let the calls counted so far say half as much of the mix of roles."""
        self._mix = {role: n / 2 for role, n in self._mix.items()}

    def served(self, role: str, timing: Timing, lag_s: float) -> Timing:
        """Return what the endpoint took of a latency, without what our own event loop added."""
        unloaded = self._known.get(role)
        return timing.without(lag_s, unloaded.mean_s if unloaded else OWN_LEAST * timing.mean_s)

    def meet(self, role: str, timing: Timing) -> None:
        """Take the first latencies of a role for the unloaded ones."""
        if role in self._known:
            return
        new = self._new.setdefault(role, Timing())
        new.add(timing)
        if new.n >= FIRST_CALLS:
            self._known[role] = Unloaded(new.mean_log, new.mean_s, new.n)
            del self._new[role]

    def rise(self, timings: Mapping[str, Timing]) -> float | None:
        """Return the mean logarithm of latency over the unloaded one; None where none is known."""
        n, total = 0, 0.0
        for role, timing in timings.items():
            unloaded = self._known.get(role)
            if unloaded is not None and timing.n:
                n += timing.n
                total += timing.log - timing.n * max(unloaded.log, log(FLOOR_S))
        return total / n if n else None

    def calls(self, timings: Mapping[str, Timing]) -> int:
        """Return over how many calls the unloaded latencies of these roles are known."""
        return max(1, sum(self._known[role].n for role in timings if role in self._known))

    def learn(self, timings: Mapping[str, Timing], least: float, short: float = 0.0) -> None:
        """Move each role's towards what was seen of it, by its share of the calls remembered.

        Args:
            timings: What was seen, by role; a role that is not known yet is left out.
            least: Weight that it has at least, 0 to 1.
            short: By how much the logarithms of what was seen are too low.
        """
        for role, timing in timings.items():
            unloaded = self._known.get(role)
            if unloaded is not None and timing.n:
                weight = max(least, timing.n / (unloaded.n + timing.n))
                unloaded.learn(timing, weight, short)
