"""Replies held beside each other: every pair of variants, in both orders, by every judge."""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from typing import TYPE_CHECKING

from domain.case import Case, Kind, Ruling, Subject
from domain.comparison import TIE, Comparison
from domain.verdict import Protocol
from evaluation.rounds import missing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from domain.progress import Progress
    from domain.record import HeldOutContext
    from domain.verdict import Answer
    from evaluation.panel import Panel


def pair_of(context: HeldOutContext, first: str, second: str) -> Subject:
    """Return two replies in the order in which they are shown."""
    return Subject(
        kind=Kind.PAIR,
        scenario=context.id,
        origin=context.origin,
        turns=context.turns,
        reply=first,
        rival=second,
    )


def pairwise_round(
    panel: Panel,
    contexts: Sequence[HeldOutContext],
    answers: Sequence[Answer],
    progress: Progress,
) -> list[Comparison]:
    """Compare every two variants on the first `evaluation.pairwise.scenarios` scenarios.

    Each pair is shown twice, each reply standing first once; an outcome that changes with the
    order is a tie. Equal replies are a tie that nobody is asked about.

    Returns:
        One comparison for each pair, criterion, judge and sample.
    """
    settings = panel.settings.evaluation.pairwise
    said: dict[str, list[Answer]] = defaultdict(list)
    for answer in answers:
        said[answer.scenario_id].append(answer)
    made = [
        (pair, case)
        for context in contexts[: settings.scenarios]
        for pair in combinations(said[context.id], 2)
        for case in panel.cases(pair_of(context, pair[0].text, pair[1].text), settings.criteria)
    ]
    asked = [(case, _turned(case)) for pair, case in made if not _settled(pair)]
    ruled = iter(panel.rule([one for both in asked for one in both], progress, "pairs"))
    return [_comparison(panel, pair, case, ruled) for pair, case in made]


def _turned(case: Case) -> Case:
    """Return the same pair in the other order."""
    subject = case.subject
    other = subject.model_copy(update={"reply": subject.rival, "rival": subject.reply})
    return case.model_copy(update={"subject": other})


def _settled(pair: tuple[Answer, Answer]) -> bool:
    """Whether there is nothing to ask: one did not answer, or both said the same."""
    one, other = pair
    return bool(missing(one) or missing(other)) or one.text == other.text


def _comparison(
    panel: Panel, pair: tuple[Answer, Answer], case: Case, ruled: Iterator[Ruling]
) -> Comparison:
    one, other = pair
    why = missing(one) or missing(other)
    known = Comparison(
        protocol=Protocol.REPLY,
        scenario_id=case.subject.scenario,
        criterion=case.criterion,
        one=one.variant,
        other=other.variant,
        judge=panel.names[case.judge],
        sample=case.sample,
    )
    if why:
        return known.model_copy(update={"failure": f"no answer: {why}"})
    if one.text == other.text:
        return known.model_copy(update={"forward": TIE, "backward": TIE})
    return known.model_copy(update=outcome(one.variant, other.variant, next(ruled), next(ruled)))


def outcome(one: str, other: str, forward: Ruling, backward: Ruling) -> dict[str, object]:
    """Return what two rulings say, the second on the pair turned round, by names of variants."""
    first = {"first": one, "second": other, TIE: TIE}
    second = {"first": other, "second": one, TIE: TIE}
    return {
        "forward": first.get(forward.better, ""),
        "backward": second.get(backward.better, ""),
        "reasons": (forward.reason, backward.reason),
        "failure": forward.failure or backward.failure,
        "calls": (forward.call, backward.call),
    }
