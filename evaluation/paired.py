"""Two models' scores on one criterion, paired by scenario: what comparing them rests on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FEW = 6
"""Below this many sessions a two-sided permutation test cannot reach 0.05: 2 / 2**5 > 0.05; and
resampling so few says nothing of a variance."""


@dataclass(frozen=True)
class Paired:
    """Scores of the scenarios where both have one, in the order of the scenarios' ids."""

    criterion: str
    variant: str
    against: str
    """The variant that it is held against."""
    mine: tuple[float, ...]
    theirs: tuple[float, ...]
    sessions: tuple[str, ...]
    """Session (or persona) of each scenario: what is drawn, and changes sign, as a whole."""

    @property
    def name(self) -> tuple[str, str, str]:
        """Criterion, variant and the variant it is held against: what seeds derive from."""
        return self.criterion, self.variant, self.against


def paired(
    name: tuple[str, str, str],
    mine: Mapping[str, float],
    theirs: Mapping[str, float],
    groups: Mapping[str, str],
) -> Paired:
    """Pair two variants' scores.

    Args:
        name: Criterion, variant and the variant it is held against.
        mine: Scores of the one by scenario.
        theirs: Scores of the other.
        groups: Session (or persona) of each scenario.
    """
    shared = sorted(mine.keys() & theirs.keys())
    return Paired(
        *name,
        mine=tuple(mine[one] for one in shared),
        theirs=tuple(theirs[one] for one in shared),
        sessions=tuple(groups[one] for one in shared),
    )
