"""Invented verdicts and losses for tests of statistics, figures and report."""

from __future__ import annotations

import random

from domain.verdict import Verdict
from evaluation.chartparts import ChartData
from evaluation.losses import HeldOutLoss
from evaluation.scores import scores_of
from evaluation.statistics import summarise

LEVELS = {"base": 1.7, "real": 2.9, "synthetic": 2.6, "hybrid": 3.3, "reference": 4.2}
CONTROLS = {"control-expert": 4.1, "control-novice": 2.2, "control-again": 4.1,
            "control-plain": 4.1, "control-shuffled": 2.6}  # fmt: skip


def verdicts(
    scenarios: int = 40, levels: dict[str, float] | None = None, *, failing: float = 0.03
) -> list[Verdict]:
    """Scores around a level for each variant; the two criteria hang together."""
    draw, found = random.Random(4), []
    for number in range(scenarios):
        ease = draw.gauss(0, 0.5)
        for variant, level in (levels or LEVELS).items():
            warmth = level + ease + draw.gauss(0, 0.7)
            for criterion, shift in (("empathy", 0.0), ("relevance", 0.3)):
                score = round(min(5, max(1, warmth + shift + draw.gauss(0, 0.4))))
                broken = draw.random() < failing
                found.append(
                    Verdict(
                        scenario_id=f"scenario-{number:016x}",
                        variant=variant,
                        criterion=criterion,
                        score=None if broken else score,
                        reason="" if broken else "It names the feeling.",
                        failure="invalid: no JSON object" if broken else "",
                        call=f"answer-{variant}-{number}/0/0/0",
                    )
                )
    return found


def groups(scenarios: int = 40, sessions: int = 20) -> dict[str, str]:
    return {f"scenario-{n:016x}": f"video-{n % sessions}" for n in range(scenarios)}


def losses() -> tuple[HeldOutLoss, ...]:
    means = {"unigram": 5.61, "base": 4.62, "shuffled": 4.21, "real": 3.92, "synthetic": 4.35,
             "hybrid": 3.95}  # fmt: skip
    return tuple(
        HeldOutLoss(
            model=model, loss=mean, low=mean - 0.09, high=mean + 0.11, sessions=20, tokens=9000
        )
        for model, mean in means.items()
    )


def chart_data(
    scenarios: int = 40, levels: dict[str, float] | None = None, *, failing: float = 0.03
) -> ChartData:
    found = verdicts(scenarios, levels, failing=failing)
    summary = summarise(found, groups(scenarios), samples=300, seed=1)
    return ChartData(
        summary=summary,
        strengths=summary.strengths,
        scores=scores_of(found),
        losses=losses(),
    )
