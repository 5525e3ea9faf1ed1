"""Short versions of what `make chaos` does at length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from understudy.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

INLINE = ("boundaries", "inline", "sigint")
KILLS = 2


@pytest.fixture(scope="module")
def report(harness: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return harness(*INLINE, "faults", kills=KILLS)


@pytest.mark.parametrize("mode", INLINE)
def test_nothing_is_lost_and_nothing_paid_twice(report: dict[str, Any], mode: str) -> None:
    of_mode = report["modes"][mode]
    assert of_mode["problems"] == []
    assert of_mode["kills"] == KILLS
    assert of_mode["lost"] == 0
    assert of_mode["same_bytes"]
    assert of_mode["asked_twice"] <= of_mode["in_flight_at_kill"]
    assert of_mode["unrecorded"] <= of_mode["in_flight_at_kill"]
    assert of_mode["held"]


def test_every_fault_is_typed_and_every_session_ends(report: dict[str, Any]) -> None:
    faults = report["modes"]["faults"]
    assert faults["problems"] == []
    assert (faults["missing"], faults["twice"]) == (0, 0)
    ended = faults["accepted"] + faults["rejected"] + faults["quarantined"]
    assert ended == faults["sessions"] == 40
    assert faults["by_fault"].keys() == {fault.value for fault in Fault}
    assert sum(faults["quarantined_for"].values()) == faults["quarantined"]


@pytest.mark.slow
def test_many_random_kills(harness: Callable[..., dict[str, Any]]) -> None:
    report = harness("boundaries", "inline", kills=30, seed=2)
    assert report["held"], report
    assert report["kills"] == 60


@pytest.mark.ray
@pytest.mark.slow
def test_kills_on_ray(harness: Callable[..., dict[str, Any]]) -> None:
    report = harness("driver", "worker", kills=2, seed=2)
    assert report["held"], report
    assert report["kills"] == 4
