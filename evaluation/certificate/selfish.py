"""Does the judge prefer replies that its own model wrote?

Its model answers the same scenarios as a counsellor and rates its own replies beside those that
are there. Alone that tells nothing: its replies may be better. So the difference is held against
what the other judges of the panel see; where there are none, it is shown as it is and named so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.base import canonical_json, content_id, seed_of
from domain.case import Case
from domain.settings import BudgetSettings
from domain.verdict import Answer
from engine import pool
from engine.ledger.store import Store
from evaluation.answers import AnswerItem, AnswerOrders, open_answers
from evaluation.certificate.agreement import SAMPLES, Figure
from evaluation.certificate.certificate import SelfPreference
from evaluation.resampling import cluster, interval
from evaluation.rounds import missing, reply_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.case import Ruling
    from domain.progress import Progress
    from evaluation.certificate.bases import Base
    from evaluation.panel import Panel

OWN = "own"
FEWEST = 10
WIDEST = 8.0
"""The largest difference of differences on a scale of 1 to 5."""


def self_preference(
    panel: Panel, bases: Sequence[Base], progress: Progress, seed: int
) -> SelfPreference:
    """Return how much better the judge finds its model's replies than those that are there."""
    sound = [base for base in bases if base.sound]
    written = _written(panel, sound, progress)
    spoken = [
        (base, answer) for base, answer in zip(sound, written, strict=True) if _speaks(answer)
    ]
    if len(spoken) < FEWEST:
        note = f"its model held a conversation in {len(spoken)} of {len(sound)} scenarios"
        return SelfPreference(difference={}, excess={}, replies=len(spoken), others=0, note=note)
    criteria, judges = panel.settings.evaluation.criteria, range(len(panel.judges))
    cases = [
        Case(subject=reply_of(base.item.context, text), criterion=criterion, judge=judge)
        for criterion in criteria
        for judge in judges
        for base, answer in spoken
        for text in (answer.text, base.item.text)
    ]
    ruled = iter(panel.rule(cases, progress, "own replies"))
    gaps = {
        (criterion, judge): [_gap(next(ruled), next(ruled)) for _ in spoken]
        for criterion in criteria
        for judge in judges
    }
    groups = [base.group for base, _ in spoken]
    others = len(panel.judges) - 1
    return SelfPreference(
        difference={
            one: _mean(gaps[one, 0], groups, seed_of(seed, "own", one)) for one in criteria
        },
        excess={
            one: _mean(_over(gaps, one, others), groups, seed_of(seed, "excess", one))
            for one in (criteria if others else ())
        },
        replies=len(spoken),
        others=others,
        note="" if others else "no other judge: better replies and preference cannot be told apart",
    )


def _written(panel: Panel, bases: Sequence[Base], progress: Progress) -> list[Answer]:
    """Let the judge's model answer as a counsellor, under the models' own system prompt."""
    judge, settings = panel.settings.roles.judge, panel.settings
    sampling = {"model", "temperature", "top_p", "max_tokens"}
    role = judge.model_dump(mode="json", include=sampling)
    run_hash = content_id("own-replies", {"judge": role, "seed": settings.seed})
    ledger = panel.folder.evaluation / "ledger" / run_hash
    items = [AnswerItem(variant=OWN, context=base.item.context) for base in bases]
    unique = {item.id: item for item in items}
    if not Store(ledger).finished().issuperset(unique):
        pool.run_all(
            open_answers,
            canonical_json(AnswerOrders(roles={OWN: judge}, seed=settings.seed)),
            [(name, canonical_json(item)) for name, item in unique.items()],
            ledger,
            settings.engine,
            BudgetSettings(),
            run_hash,
            progress,
            stage="own replies",
            variables=[judge.api_key_env],
        )
    found = Store(ledger).results()
    return [Answer.model_validate_json(found[item.id]) for item in items]


def _speaks(answer: Answer) -> bool:
    """Whether it is speech: a model that only judges answers in JSON, or not at all."""
    return not missing(answer) and not answer.text.lstrip().startswith(("{", "["))


def _gap(own: Ruling, there: Ruling) -> float | None:
    if own.score is None or there.score is None:
        return None
    return float(own.score - there.score)


def _over(
    gaps: Mapping[tuple[str, int], Sequence[float | None]], criterion: str, others: int
) -> list[float | None]:
    """Return, reply by reply, what the judge sees beyond the mean of the other judges."""
    rows = zip(*(gaps[criterion, judge] for judge in range(others + 1)), strict=True)
    found: list[float | None] = []
    for mine, *theirs in rows:
        known = [gap for gap in theirs if gap is not None]
        found.append(None if mine is None or not known else mine - sum(known) / len(known))
    return found


def _mean(values: Sequence[float | None], groups: Sequence[str], seed: int) -> Figure:
    known = [
        (value, group) for value, group in zip(values, groups, strict=True) if value is not None
    ]
    if not known:
        return Figure(value=None, n=0, note="nothing to go by")
    clusters = cluster([value for value, _ in known], [group for _, group in known])
    bounds = interval(clusters, samples=SAMPLES, seed=seed, limits=(-WIDEST, WIDEST))
    return Figure(
        value=clusters.mean, low=bounds.low, high=bounds.high, n=len(known), note=bounds.note
    )
