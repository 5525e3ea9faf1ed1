"""One scenario with its answers side by side, in excerpts, and the way back from each verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.base import Noun
from evaluation.statistics import ordered, scores_of
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from domain.record import HeldOutContext
    from domain.verdict import Answer, Verdict

ASKED_CHARS = 160
SAID_CHARS = 220
"""What is shown of a real person's words, and of a model's: excerpts, never the whole."""
SHOWN = ("base", "real", "hybrid")


class Said(Noun):
    """One model's answer in the example."""

    variant: str
    text: str
    failure: str
    scores: dict[str, int | None]
    reasons: dict[str, str]


class Example(Noun):
    """A scenario in the middle of the field, and what three models answered."""

    scenario: str
    topic: str
    asked: str
    answers: tuple[Said, ...]


class Trail(Noun):
    """The way back from one verdict."""

    scenario: str
    record: str
    variant: str
    criterion: str
    score: int | None
    failure: str
    model: str
    """First digits of the adapter's hash, or of the base's; empty for the reference."""
    answer_call: str
    verdict_call: str


def excerpt(text: str, limit: int) -> str:
    """Return the beginning of `text`, cut between words, in one line."""
    flat = " ".join(text.split())
    if len(flat) <= limit:
        return flat
    return flat[:limit].rsplit(" ", 1)[0].rstrip(",;:") + " …"


def choose_example(
    contexts: Sequence[HeldOutContext], answers: Sequence[Answer], verdicts: Sequence[Verdict]
) -> Example | None:
    """Return the scenario whose mean score is the median: neither the best nor the worst.

    Only scenarios that all shown variants answered are considered; None when there is none.
    """
    present = {answer.variant for answer in answers} - {REFERENCE}
    shown = [name for name in SHOWN if name in present] or ordered(present)[:3]
    said = {(one.scenario_id, one.variant): one for one in answers}
    means = _means(verdicts)
    whole = [
        context
        for context in contexts
        if context.id in means
        and all((context.id, name) in said and said[context.id, name].text for name in shown)
    ]
    if not whole or not shown:
        return None
    ranked = sorted(whole, key=lambda context: (means[context.id], context.id))
    context = ranked[len(ranked) // 2]
    return Example(
        scenario=context.id,
        topic=context.topic,
        asked=excerpt(context.turns[-1].text, ASKED_CHARS),
        answers=tuple(_said(said[context.id, name], verdicts) for name in shown),
    )


def trails(
    contexts: Iterable[HeldOutContext],
    answers: Iterable[Answer],
    verdicts: Iterable[Verdict],
    models: dict[str, str],
) -> list[Trail]:
    """Return the way back from every verdict.

    Args:
        contexts: The scenarios.
        answers: What was answered.
        verdicts: What was judged.
        models: What each variant is: the beginning of a hash of what is on disk, or model and host.
    """
    records = {context.id: context.record_id for context in contexts}
    calls = {(one.scenario_id, one.variant): one.call for one in answers}
    return [
        Trail(
            scenario=verdict.scenario_id,
            record=records.get(verdict.scenario_id, ""),
            variant=verdict.variant,
            criterion=verdict.criterion,
            score=verdict.score,
            failure=verdict.failure,
            model=models.get(verdict.variant, ""),
            answer_call=calls.get((verdict.scenario_id, verdict.variant), ""),
            verdict_call=verdict.call,
        )
        for verdict in verdicts
    ]


def _means(verdicts: Iterable[Verdict]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for (variant, _), scores in scores_of(verdicts).items():
        if variant != REFERENCE:
            for scenario, score in scores.items():
                found.setdefault(scenario, []).append(score)
    return {scenario: float(np.mean(scores)) for scenario, scores in found.items()}


def _said(answer: Answer, verdicts: Iterable[Verdict]) -> Said:
    mine = [
        verdict
        for verdict in verdicts
        if (verdict.scenario_id, verdict.variant) == (answer.scenario_id, answer.variant)
    ]
    return Said(
        variant=answer.variant,
        text=excerpt(answer.text, SAID_CHARS),
        failure=answer.failure,
        scores={verdict.criterion: verdict.score for verdict in mine},
        reasons={
            verdict.criterion: excerpt(verdict.reason or verdict.failure, SAID_CHARS)
            for verdict in mine
        },
    )
