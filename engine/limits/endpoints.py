"""The steward's side of the endpoints: one limit each, shared out among the workers."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.endpointstate import EndpointState, PauseState, Phase
from engine.limits.breaker import Breaker
from engine.limits.hold import Hold
from engine.limits.limit import Limit
from engine.limits.recent import RECENT_S, SPAN_S, Recent
from engine.limits.shares import shared_out
from engine.limits.sight import Bounds, Order, Seen, rates

if TYPE_CHECKING:
    from collections.abc import Mapping

logger = logging.getLogger(__name__)

LONE_SHARE = 0.1
"""Refusals among the calls that ended within a round trip; up to so many, the endpoint is working
at its capacity and the refused call was one too many."""
ROTATION_S = 1.0
"""How long a worker keeps its turn where there are fewer places than workers."""
SLACK_SHARE = 0.1
"""Of a Retry-After: the last worker comes back so much later than the first."""


@dataclass
class _Worker:
    """What one worker last said, and was last told."""

    seen: Seen
    granted: int = 0

    @property
    def takes(self) -> int:
        """Calls it may have under way before it hears more."""
        return max(self.granted, self.seen.in_flight)


class SharedEndpoint:
    """One endpoint, as all workers together see it."""

    def __init__(self, base_url: str, bounds: Bounds, now: float) -> None:
        self.base_url = base_url
        self._bounds = bounds
        self._limit = Limit(bounds.ceiling, now)
        self._breaker = Breaker()
        self._workers: dict[int, _Worker] = {}
        self._recent = Recent(now)
        self._hold = Hold(now)
        self._silent_from: float | None = None
        """When it was first left alone, since the last answer."""
        self._answered = 0
        self._refused = 0
        self._last_error = ""
        self._latency_s: float | None = None

    def exchange(self, worker: int, seen: Seen, now: float) -> Order:
        """Take in what a worker saw, and tell it what it may do."""
        self._bounds = self._bounds.narrower(seen.bounds)
        self._limit.ceiling = self._bounds.ceiling
        self._workers.setdefault(worker, _Worker(seen)).seen = seen
        self._count(seen, now)
        in_flight = sum(one.seen.in_flight for one in self._workers.values())
        was_open = self._breaker.is_open
        if self._breaker.see(worker, seen, in_flight, now):
            self._limit.restart(now)
            logger.warning("%s answers again", self.base_url)
        elif not self._breaker.is_open:
            self._limit.see(worker, seen, in_flight, now)
        self._heed(seen, now)
        self._listen(seen, now)
        if self._breaker.is_open and not was_open:
            self._warn(now)
        return self._order(worker, now)

    def _listen(self, seen: Seen, now: float) -> None:
        """Keep since when nothing has been answered."""
        if seen.answered:
            self._silent_from = None
        if self._silent_from is None and self._is_shut(now):
            self._silent_from = now

    def _is_shut(self, now: float) -> bool:
        """Whether no call may go, or none but a probe."""
        return self._breaker.is_open or self._hold.closed_s(now) > 0

    def _silent_s(self, now: float) -> float:
        """Return for how long it has been left alone and answered nothing; 0 where calls go."""
        if self._silent_from is None or not self._is_shut(now):
            return 0.0
        return now - self._silent_from

    def _tried_s(self, now: float) -> float:
        """Return for how long it has not been tried in vain; its own word is as good as a try."""
        return 0.0 if self._hold.closed_s(now) else now - self._breaker.tried_at

    def _warn(self, now: float) -> None:
        """Tell whoever runs this why nothing happens any more."""
        pause = self._pause(now)
        if pause is not None:
            logger.warning(
                "%s is paused: %s; tried again in %.0f s, then less often",
                self.base_url,
                pause.why,
                pause.probe_in_s,
            )

    def forget(self, worker: int) -> None:
        """A worker has died: what it had is for the others."""
        self._workers.pop(worker, None)
        self._breaker.forget(worker)

    def _heed(self, seen: Seen, now: float) -> None:
        """Close the endpoint for as long as it asks, unless it is busy answering others.

        Many servers send the same Retry-After with every call that is one too many. Where nearly
        all calls are answered it is meant for the one that was not, which waits by itself.
        """
        if seen.retry_after_s <= 0 or not (seen.refused or self._breaker.is_open):
            return
        if self._breaker.is_open or self._refuses_many(now):
            self._hold.ask(seen.retry_after_s, now)

    def _refuses_many(self, now: float) -> bool:
        """Whether more calls were refused lately than are at an endpoint that is used up."""
        lately = self._recent.within(self._limit.round_s + SPAN_S, now)
        return lately.refused > LONE_SHARE * (lately.refused + lately.answered)

    def _count(self, seen: Seen, now: float) -> None:
        self._recent.count(seen, now)
        self._answered += seen.answered
        self._refused += seen.refused
        self._last_error = seen.last_error or self._last_error
        n = sum(timing.n for timing in seen.timings.values())
        if n:
            mean = sum(timing.seconds for timing in seen.timings.values()) / n
            old = mean if self._latency_s is None else self._latency_s
            self._latency_s = old + min(1.0, n / 64) * (mean - old)

    def _order(self, worker: int, now: float) -> Order:
        one = self._workers[worker]
        silent_s = self._silent_s(now)
        tried_s, said = self._tried_s(now), self._last_error if silent_s else ""
        if self._breaker.is_open:
            one.granted = int(self._may_probe(worker, now))
            return Order(
                one.granted,
                cut=self._limit.cuts,
                failing=True,
                silent_s=silent_s,
                tried_s=tried_s,
                said=said,
            )
        one.granted = self._grant(worker, now)
        closed_s = self._hold.closed_s(now)
        if closed_s:
            place = sorted(self._workers).index(worker) / len(self._workers)
            closed_s *= 1 + SLACK_SHARE * place
        calls_per_s, tokens_per_s = rates(self._bounds, self._share(worker), len(self._workers))
        return Order(
            one.granted,
            cut=self._limit.cuts,
            closed_s=closed_s,
            hasty=self._limit.hasty,
            silent_s=silent_s,
            tried_s=tried_s,
            said=said,
            calls_per_s=calls_per_s,
            tokens_per_s=tokens_per_s,
        )

    def _may_probe(self, worker: int, now: float) -> bool:
        """Whether the worker may try a paused endpoint; one with nothing to send lets another."""
        seen = self._workers[worker].seen
        if not seen.demand:
            self._breaker.forget(worker)
            return False
        if self._hold.closed_s(now):
            return False
        return self._breaker.may_probe(worker, now, seen.overdue_s)

    def _grant(self, worker: int, now: float) -> int:
        """Give a worker its part of the limit, as far as the others have left it free."""
        limit = self._limit.value
        wanted = shared_out(
            limit, {n: one.seen.demand for n, one in self._workers.items()}, int(now / ROTATION_S)
        )
        free = limit - sum(one.takes for n, one in self._workers.items() if n != worker)
        return max(0, min(wanted[worker], free))

    def _share(self, worker: int) -> float:
        """Return a worker's part of the rates, by what it has to send."""
        demand = {n: one.seen.demand + 1 for n, one in self._workers.items()}
        return demand[worker] / sum(demand.values())

    def state(self, now: float) -> EndpointState:
        """Say how the endpoint stands."""
        workers = [one.seen for one in self._workers.values()]
        recent = self._recent.within(RECENT_S, now)
        unloaded_s = self._limit.unloaded_s
        return EndpointState(
            base_url=self.base_url,
            phase=self._phase(now),
            limit=0 if self._breaker.is_open else self._limit.value,
            ceiling=self._bounds.ceiling,
            in_flight=sum(seen.in_flight for seen in workers),
            waiting=sum(seen.waiting for seen in workers),
            answered=self._answered,
            refused=self._refused,
            refused_share=recent.refused_share,
            latency_ms=None if self._latency_s is None else 1000 * self._latency_s,
            unloaded_ms=None if unloaded_s is None else 1000 * unloaded_s,
            errors=recent.errors,
            last_error=self._last_error,
            pause=self._pause(now),
        )

    def _pause(self, now: float) -> PauseState | None:
        """Say why nothing is sent, or None where calls may go."""
        if not self._is_shut(now):
            return None
        probe_in_s = self._breaker.probe_in_s(now) if self._breaker.is_open else 0.0
        return PauseState(
            why=self._breaker.why if self._breaker.is_open else "it asks to be left alone",
            since_s=self._silent_s(now),
            probe_in_s=max(self._hold.closed_s(now), probe_in_s),
            asked_s=self._hold.asked_s(now),
        )

    def _phase(self, now: float) -> Phase:
        if self._breaker.is_open:
            waits = self._breaker.prober is None or self._hold.closed_s(now)
            return Phase.PAUSED if waits else Phase.PROBING
        if self._hold.closed_s(now):
            return Phase.HELD
        return Phase.STARTING if self._limit.starting else Phase.STEADY


class Endpoints:
    """All endpoints of a run."""

    def __init__(self) -> None:
        self._endpoints: dict[str, SharedEndpoint] = {}

    def exchange(self, worker: int, seen: Mapping[str, Seen], now: float) -> dict[str, Order]:
        """Take in what a worker saw, and tell it what it may do."""
        orders = {}
        for base_url, one in seen.items():
            endpoint = self._endpoints.get(base_url)
            if endpoint is None:
                endpoint = self._endpoints[base_url] = SharedEndpoint(base_url, one.bounds, now)
            orders[base_url] = endpoint.exchange(worker, one, now)
        return orders

    def forget(self, worker: int) -> None:
        """Forget a worker that has died."""
        for endpoint in self._endpoints.values():
            endpoint.forget(worker)

    def states(self, now: float) -> tuple[EndpointState, ...]:
        """Say how every endpoint stands, in the order in which they were first used."""
        return tuple(endpoint.state(now) for endpoint in self._endpoints.values())
