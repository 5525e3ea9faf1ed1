"""A figure that cannot be had is left out with its reason, and the others are measured."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, cast

from benchmarks import legs
from benchmarks.meter import Lap

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

REASON = "at most 434 of 512 calls were under way"
LAP = Lap(calls=100, cpu_s=0.1, wall_s=0.2)


class ScriptedLane:
    """Says what a lap cost, or why there is none."""

    def __init__(self, said: Lap | str) -> None:
        self._said, self.taken = said, 0

    def lap(self, *_: object) -> Lap | str:
        self.taken += 1
        return self._said

    def median(self, figure: Callable[[Lap], float], *_: object) -> float:
        assert isinstance(self._said, Lap), "a leg without laps has no median"
        return figure(self._said)


class ScriptedBench:
    repeats = 3

    def __init__(self) -> None:
        self.lanes: dict[str, ScriptedLane] = {}

    def lane(self, name: str) -> AbstractContextManager[Any]:
        self.lanes[name] = ScriptedLane(REASON if name == "wide" else LAP)
        return nullcontext(self.lanes[name])


def test_a_leg_that_has_no_laps_costs_its_own_figure_only() -> None:
    bench = ScriptedBench()
    keys = {"concurrency_512_over_32", "engine_over_raw", legs.WORKERS}
    found = legs.measure(cast("legs.Bench", bench), keys)
    assert found.skipped == {"concurrency_512_over_32": REASON}
    assert found.figures == {"engine_over_raw": 1.0, legs.WORKERS: 1.0}
    assert "engine at 512" not in found.ms
    assert bench.lanes["wide"].taken == 1  # it is not asked again
    assert bench.lanes["raw"].taken == 3
