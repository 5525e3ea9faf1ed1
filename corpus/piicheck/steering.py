"""Plants lines that steer a reader or a learner in sessions, and counts which are flagged."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from corpus.instructions import families_of
from corpus.piicheck.material import MaterialSet, load_material
from corpus.piicheck.wilson import Interval, wilson
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Iterator

ENOUGH = 0.95


class Steering(Noun):
    """Rows with a planted line that were flagged, and rows of sessions that were."""

    planted: int
    found: int
    recall: float
    interval: Interval
    by_family: dict[str, float]
    clean: int
    false_flags: int
    bar: float = ENOUGH

    @property
    def is_enough(self) -> bool:
        """Whether the bar is met."""
        return self.recall >= self.bar


def check_steering() -> Steering:
    """Flag every planted line, alone and behind a sentence of a session, and every clean one."""
    raw: dict[str, Any] = yaml.safe_load(
        files("corpus.piicheck.data").joinpath("instructions.yaml").read_text(encoding="utf-8")
    )
    hits = {
        family: [bool(families_of(row)) for line in lines for row in _rows(line)]
        for family, lines in raw["families"].items()
    }
    clean = [*raw["clean"], *(line for which in MaterialSet for line in _fillers(which))]
    every = [hit for own in hits.values() for hit in own]
    return Steering(
        planted=len(every),
        found=sum(every),
        recall=sum(every) / len(every),
        interval=wilson(sum(every) / 2, len(every) // 2),
        by_family={family: sum(own) / len(own) for family, own in hits.items()},
        clean=len(clean),
        false_flags=sum(bool(families_of(line)) for line in clean),
    )


def _rows(line: str) -> Iterator[str]:
    fillers = _fillers(MaterialSet.DEV)
    yield line
    yield f"{fillers[len(line) % len(fillers)]} {line}"


def _fillers(which: MaterialSet) -> tuple[str, ...]:
    return load_material(which).fillers
