"""The scores among the verdicts, by who was judged on what."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeAlias

from evaluation.summary import CONTROLS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from domain.verdict import Verdict

Scores: TypeAlias = dict[tuple[str, str], dict[str, float]]
"""(variant, criterion) -> scenario id -> score."""


def scores_of(verdicts: Iterable[Verdict]) -> Scores:
    """Return the scores by (variant, criterion) and scenario; verdicts without one are absent.

    Where a panel has given several, their mean stands for them.
    """
    given: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for verdict in verdicts:
        if verdict.score is not None:
            given[verdict.variant, verdict.criterion][verdict.scenario_id].append(verdict.score)
    return {
        place: {scenario: sum(found) / len(found) for scenario, found in scores.items()}
        for place, scores in given.items()
    }


def models_only(scores: Scores) -> Scores:
    """Leave out the candidates of the controls."""
    return {name: found for name, found in scores.items() if name[0] not in CONTROLS}
