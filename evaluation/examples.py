"""Examples in excerpts, each with the judge's words, and the way back from each verdict."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from domain.base import Noun
from evaluation.scores import scores_of
from evaluation.statistics import ordered
from evaluation.summary import REFERENCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from domain.record import HeldOutContext
    from domain.verdict import Answer, Verdict

ASKED_CHARS = 160
SAID_CHARS = 220
"""What is shown of a real person's words, and of a model's: excerpts, never the whole."""


class Said(Noun):
    """One model's answer in the example, or its session."""

    variant: str
    text: str
    failure: str
    scores: dict[str, float | None]
    reasons: dict[str, str]
    anchors: dict[str, str]
    """Where each verdict stands in the page."""


class Pick(Noun):
    """One of a model's answers, chosen by its place when all are ranked."""

    place: str
    """The best, the median or the worst."""
    mean: float
    """Over all criteria."""
    scenario: str
    asked: str
    said: Said


class Extremes(Noun):
    """The best, the median and the worst that one model gave."""

    variant: str
    whole: bool = False
    """Whether they are whole sessions."""
    picks: tuple[Pick, ...]


class Example(Noun):
    """A scenario in the middle of the field, and what every model answered."""

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
    score: float | None
    failure: str
    judge: str
    anchor: str
    """Its name in the page."""
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

    Only scenarios that all variants answered are considered; None when there is none.
    """
    shown = ordered({answer.variant for answer in answers} - {REFERENCE})
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
    found = _by_answer(verdicts)
    return Example(
        scenario=context.id,
        topic=context.topic,
        asked=excerpt(context.turns[-1].text, ASKED_CHARS),
        answers=tuple(said_of(said[context.id, name], found[context.id, name]) for name in shown),
    )


def choose_extremes(
    contexts: Sequence[HeldOutContext], answers: Sequence[Answer], verdicts: Sequence[Verdict]
) -> list[Extremes]:
    """Return the best, the median and the worst answer of each model, by the mean of all criteria.

    A model with fewer than three judged answers has none. The reference is left out: what it said
    is a real person's, and it is no model.
    """
    asked = {context.id: excerpt(context.turns[-1].text, ASKED_CHARS) for context in contexts}
    found, said = _by_answer(verdicts), {(one.scenario_id, one.variant): one for one in answers}
    chosen = []
    for variant in ordered({answer.variant for answer in answers} - {REFERENCE}):
        ranked = ranked_by_mean({
            scenario: own for (scenario, name), own in found.items()
            if name == variant and (scenario, name) in said and scenario in asked
        })  # fmt: skip
        if len(ranked) > 2:
            chosen.append(
                Extremes(
                    variant=variant,
                    picks=tuple(
                        Pick(
                            place=place,
                            mean=mean,
                            scenario=scenario,
                            asked=asked[scenario],
                            said=said_of(said[scenario, variant], found[scenario, variant]),
                        )
                        for place, (mean, scenario) in places_of(ranked)
                    ),
                )
            )
    return chosen


def ranked_by_mean(found: Mapping[str, Sequence[Verdict]]) -> list[tuple[float, str]]:
    """Return (mean score, scenario), the best first, of scenarios that have a score at all."""
    means = [
        (float(np.mean(scores)), scenario)
        for scenario, own in found.items()
        if (scores := [one.score for one in own if one.score is not None])
    ]
    return sorted(means, key=lambda pair: (-pair[0], pair[1]))


def places_of(ranked: Sequence[tuple[float, str]]) -> list[tuple[str, tuple[float, str]]]:
    """Name the first, the middle and the last."""
    return [
        ("Best", ranked[0]),
        ("Median", ranked[len(ranked) // 2]),
        ("Worst", ranked[-1]),
    ]


def anchor_of(verdict: Verdict) -> str:
    """Return a verdict's name in the page."""
    parts = (verdict.variant, verdict.criterion, verdict.scenario_id, verdict.judge, verdict.sample)
    return "verdict-" + "-".join(re.sub(r"[^A-Za-z0-9._-]+", "_", str(part)) for part in parts)


def _by_answer(verdicts: Iterable[Verdict]) -> dict[tuple[str, str], list[Verdict]]:
    found: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        found[verdict.scenario_id, verdict.variant].append(verdict)
    return found


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
        trail_of(one, records, models, calls.get((one.scenario_id, one.variant), ""))
        for one in verdicts
    ]


def trail_of(
    verdict: Verdict, records: Mapping[str, str], models: Mapping[str, str], answer_call: str
) -> Trail:
    """Return the way back from a verdict.

    Args:
        verdict: What was judged.
        records: Record or persona that each scenario is from.
        models: What each variant is; see `trails`.
        answer_call: The call that was judged.
    """
    return Trail(
        scenario=verdict.scenario_id,
        record=records.get(verdict.scenario_id, ""),
        variant=verdict.variant,
        criterion=verdict.criterion,
        score=verdict.score,
        failure=verdict.failure,
        judge=verdict.judge,
        anchor=anchor_of(verdict),
        model=models.get(verdict.variant, ""),
        answer_call=answer_call,
        verdict_call=verdict.call,
    )


def _means(verdicts: Iterable[Verdict]) -> dict[str, float]:
    found: dict[str, list[float]] = {}
    for (variant, _), scores in scores_of(verdicts).items():
        if variant != REFERENCE:
            for scenario, score in scores.items():
                found.setdefault(scenario, []).append(score)
    return {scenario: float(np.mean(scores)) for scenario, scores in found.items()}


def said_of(answer: Answer, verdicts: Sequence[Verdict]) -> Said:
    """Return an answer in an excerpt, with the scores and the first judge's words."""
    return Said(
        variant=answer.variant,
        text=excerpt(answer.text, SAID_CHARS),
        failure=answer.failure,
        **judged_of(verdicts),
    )


def judged_of(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return `scores` (of a panel the mean), `reasons` and `anchors` by criterion."""
    by_criterion: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        by_criterion[verdict.criterion].append(verdict)
    scores: dict[str, float | None] = {}
    for criterion, own in by_criterion.items():
        known = [one.score for one in own if one.score is not None]
        scores[criterion] = sum(known) / len(known) if known else None
    firsts = {criterion: own[0] for criterion, own in by_criterion.items()}
    return {
        "scores": scores,
        "reasons": {
            criterion: excerpt(one.reason or one.failure, SAID_CHARS)
            for criterion, one in firsts.items()
        },
        "anchors": {criterion: anchor_of(one) for criterion, one in firsts.items()},
    }
