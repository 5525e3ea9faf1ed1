"""What would refute the report's answer, in words and numbers that a repetition can be held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evaluation.phrases import bounds, named, number, questions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.certificate.certificate import Certificate
    from evaluation.summary import Difference, EvaluationSummary


def falsifiers(summary: EvaluationSummary, certificate: Certificate | None) -> tuple[str, ...]:
    """Return what would refute the answer, the plainest first."""
    found = summary.statistics.differences
    pairs = questions(summary)
    chosen = [one for one in found if (one.variant, one.against) in pairs]
    return (
        *(_repeated(one) for one in chosen if one.significant),
        *_unseen([one for one in chosen if not one.significant]),
        "A control that fails: an expert and a novice therapist that are not told apart, one "
        "endpoint that differs from itself, shuffled answers that do not lose.",
        _another_judge(certificate),
        "Another seed, or other held-out sessions, under which what is called beyond chance here "
        "is not: the whole run is repeated by its run file with another seed.",
    )


def _repeated(one: Difference) -> str:
    sign = "at or below" if one.mean > 0 else "at or above"
    return (
        f"{_name(one)}: a repetition on other held-out sessions whose 95% interval lies wholly "
        f"{sign} 0. Seen here: {number(one.mean, signed=True)} "
        f"({bounds(one.low, one.high, signed=True)})."
    )


def _unseen(found: list[Difference]) -> Iterator[str]:
    for one in found:
        power = one.power
        if power is None or power.detectable is None:
            yield f"{_name(one)}: no test is possible here{_needed(one)}."
            continue
        yield (
            f"{_name(one)}: that no difference was found is refuted by one of "
            f"{number(power.detectable)} points or more, which {one.n} scenarios of {one.groups} "
            f"sessions find four times in five; smaller ones may be there unseen{_needed(one)}."
        )


def _needed(one: Difference) -> str:
    if one.power is None or one.power.scenarios is None:
        return ""
    return (
        f"; for a difference as large as seen here ({number(one.mean, signed=True)}) about "
        f"{one.power.scenarios} scenarios of {one.power.sessions} sessions are needed"
    )


def _name(one: Difference) -> str:
    variant = named(one.variant)
    return (
        f"{variant[0].upper()}{variant[1:]} against {named(one.against)} on "
        f"{one.criterion.replace('_', ' ')}"
    )


def _another_judge(certificate: Certificate | None) -> str:
    if certificate is None:
        return (
            "Another judge, or people, who rank the same answers otherwise: this judge has no "
            "certificate, so nothing says that they would not."
        )
    if certificate.people is None:
        return (
            "People who rank the same answers otherwise: the judge's certificate holds no labels "
            "by people."
        )
    agreed = [
        f"{criterion} {number(one.judge.spearman.value)}"
        for criterion, one in certificate.people.criteria.items()
        if one.judge.spearman.value is not None
    ]
    return (
        "People who rank the same answers otherwise. How far this judge goes with people, rho: "
        f"{', '.join(agreed) or 'unknown'}."
    )
