"""What the judge's own comparisons of two replies say: strengths, and how steady they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.base import Noun
from domain.comparison import TIE, Comparison
from evaluation.bradleyterry import Pairing, strengths
from evaluation.summary import Strength

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Pairwise(Noun):
    """Comparisons in both orders, summed up."""

    comparisons: int
    """With an outcome."""
    failures: int
    ties: int
    """Called alike in both orders."""
    swapped: int
    """Ties because the answer depended on the order."""
    strengths: tuple[Strength, ...]


def summed(comparisons: Sequence[Comparison], groups: Mapping[str, str]) -> Pairwise | None:
    """Sum up comparisons; None where there is none.

    What several judges or samples say of one pair is one witness: its session.

    Args:
        comparisons: One for each pair, scenario, criterion, judge and sample.
        groups: Session of each scenario.
    """
    if not comparisons:
        return None
    known = [one for one in comparisons if one.winner is not None]
    swapped = sum(one.swapped for one in known)
    found = [
        strength
        for criterion in sorted({one.criterion for one in known})
        for strength in strengths(
            [_pairing(one, groups) for one in known if one.criterion == criterion], criterion
        )
    ]
    return Pairwise(
        comparisons=len(known),
        failures=len(comparisons) - len(known),
        ties=sum(one.winner == TIE for one in known) - swapped,
        swapped=swapped,
        strengths=tuple(found),
    )


def _pairing(one: Comparison, groups: Mapping[str, str]) -> Pairing:
    outcome = {one.one: 1.0, one.other: 0.0}.get(one.winner or TIE, 0.5)
    return Pairing(one.one, one.other, outcome, groups[one.scenario_id])
