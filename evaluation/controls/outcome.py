"""Whether the controls came out as they must, from the same verdicts as everything else."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.base import seed_of
from evaluation.resampling import cluster, interval, sign_test
from evaluation.summary import (
    AGAIN,
    CONTROLS,
    EXPERT,
    NOVICE,
    PLAIN,
    SHUFFLED,
    Control,
    ControlFigure,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.verdict import Verdict
    from evaluation.scores import Scores

CLEAR, CHANCE = 0.01, 0.05
"""p that a known difference must stay below, and that no difference must not get below."""
FEWEST = {CLEAR: 8, CHANCE: 6}
"""Sessions with which a two-sided permutation test can reach that p: 2 / 2**8, 2 / 2**6."""
ALL = "all criteria"


class _Rule(NamedTuple):
    name: str
    must: str
    variant: str
    against: str
    limit: float
    apart: bool
    """Whether the two must be told apart, the first above the second."""


RULES = (
    _Rule(
        "expert against novice",
        f"the expert must score higher, p < {CLEAR}",
        EXPERT,
        NOVICE,
        CLEAR,
        apart=True,
    ),
    _Rule(
        "one endpoint under two names",
        f"no difference may be found, p ≥ {CHANCE}",
        AGAIN,
        EXPERT,
        CHANCE,
        apart=False,
    ),
    _Rule(
        "answers shuffled among scenarios",
        f"shuffled answers must score lower, p < {CLEAR}",
        PLAIN,
        SHUFFLED,
        CLEAR,
        apart=True,
    ),
)


def controls_of(
    verdicts: Sequence[Verdict],
    scores: Scores,
    groups: Mapping[str, str],
    *,
    samples: int,
    seed: int,
) -> list[Control]:
    """Return every control; [] when none was judged.

    A control is decided on the mean of all criteria: one test, so that nothing has to be corrected.
    Each criterion is shown beside it, for a judge may see a difference on one and be blind on
    another.
    """
    if not any(verdict.variant in CONTROLS for verdict in verdicts):
        return []
    criteria = sorted({verdict.criterion for verdict in verdicts})
    found = []
    for rule in RULES:
        figures = {
            name: _figure(rule, name, names, scores, groups, samples, seed)
            for name, names in {ALL: criteria, **{each: [each] for each in criteria}}.items()
        }
        known = [one for name, one in figures.items() if one and name != ALL]
        found.append(_decided(rule, figures[ALL], known, verdicts))
    return found


def _figure(
    rule: _Rule,
    name: str,
    criteria: Sequence[str],
    scores: Scores,
    groups: Mapping[str, str],
    samples: int,
    seed: int,
) -> ControlFigure | None:
    """Return the mean difference over scenarios in which both have a score on all `criteria`."""
    mine = [scores.get((rule.variant, one), {}) for one in criteria]
    theirs = [scores.get((rule.against, one), {}) for one in criteria]
    shared = sorted(set.intersection(*(set(each) for each in (*mine, *theirs))))
    if not shared:
        return None
    gaps = [
        sum(one[scenario] - other[scenario] for one, other in zip(mine, theirs, strict=True))
        / len(criteria)
        for scenario in shared
    ]
    clusters = cluster(gaps, [groups[scenario] for scenario in shared])
    own = seed_of(seed, "control", rule.name, name)
    bounds = interval(clusters, samples=samples, seed=own)
    return ControlFigure(
        criterion=name,
        n=len(gaps),
        groups=len(clusters.counts),
        mean=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        p=sign_test(clusters, seed=own),
    )


def _decided(
    rule: _Rule,
    overall: ControlFigure | None,
    by_criterion: Sequence[ControlFigure],
    verdicts: Sequence[Verdict],
) -> Control:
    passed, detail = _outcome(rule, overall, verdicts)
    return Control(
        name=rule.name,
        must=rule.must,
        variant=rule.variant,
        against=rule.against,
        passed=passed,
        detail=detail,
        overall=overall,
        by_criterion=tuple(by_criterion),
    )


def _outcome(
    rule: _Rule, found: ControlFigure | None, verdicts: Sequence[Verdict]
) -> tuple[bool | None, str]:
    if found is None:
        reasons = {
            one.failure
            for one in verdicts
            if one.variant in (rule.variant, rule.against) and one.failure
        }
        return None, f"not tried: {min(reasons, default='no scenario has both scores')}"
    if found.groups < FEWEST[rule.limit]:
        return None, f"not decided: {found.groups} sessions are too few for p < {rule.limit}"
    p = 1.0 if found.p is None else found.p  # the same score everywhere: no difference at all
    if not rule.apart:
        passed = p >= rule.limit
        return passed, "not told apart" if passed else "told apart, although it is one endpoint"
    passed = p < rule.limit and found.mean > 0
    if passed:
        return True, "told apart"
    return False, "told apart, the wrong way round" if p < rule.limit else "not told apart"
