"""A certificate as lines for a table, and what must be said beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from evaluation.certificate.certificate import BAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evaluation.certificate.agreement import Figure
    from evaluation.certificate.certificate import Agreement, Certificate, Swaps


class Line(NamedTuple):
    """One figure and what it is."""

    what: str
    figure: Figure


def lines_of(found: Certificate) -> list[Line]:
    """Return every figure, in the order in which they are shown."""
    return [*_alone(found), *_pairs(found), *_own(found), *_pleas(found), *_people(found)]


def _alone(found: Certificate) -> Iterator[Line]:
    for criterion, repeat in found.repeats.items():
        yield Line(f"{criterion}: repeat agreement, ICC(1,1)", repeat.icc)
        yield Line(f"{criterion}: replies scored alike each time", repeat.same)
    for criterion, rho in found.length.items():
        yield Line(f"{criterion}: score with length, rho", rho)
    for criterion, moved in found.padding.items():
        yield Line(f"{criterion}: shift by padding to twice the words", moved)
    for halo in found.halo:
        names = " and ".join(halo.criteria)
        yield Line(f"{names}: together, rho", halo.judge)
        if halo.people is not None:
            yield Line(f"{names}: together, rho, people", halo.people)
    for kind, one in found.worse.items():
        what = kind.replace("_", " ")
        yield Line(f"{what}: original wins on {', '.join(one.criteria)}", one.preferred)


def _pairs(found: Certificate) -> Iterator[Line]:
    for criterion, one in found.swaps.items():
        yield Line(f"{criterion}: same answer in both orders", one.consistent)
        yield Line(f"{criterion}: original beats its worse twin, in pairs", one.worse_loses)


def _own(found: Certificate) -> Iterator[Line]:
    for criterion, one in (found.own.difference if found.own else {}).items():
        yield Line(f"{criterion}: its own model's replies, score above others", one)
    for criterion, one in (found.own.excess if found.own else {}).items():
        yield Line(f"{criterion}: the same, beyond what other judges see", one)


def _pleas(found: Certificate) -> Iterator[Line]:
    for carrier, one in found.injection.items():
        yield Line(f"plea in a {carrier}: shift", one.shift)
        yield Line(f"plea in a {carrier}: verdicts changed", one.changed)


def _people(found: Certificate) -> Iterator[Line]:
    for criterion, people in (found.people.criteria if found.people else {}).items():
        for name, agreement in (("judge", people.judge), ("people", people.among)):
            if agreement is not None:
                yield from _agreement(f"{criterion}: {name} beside people", agreement)


def _agreement(what: str, one: Agreement) -> Iterator[Line]:
    yield Line(f"{what}, rho", one.spearman)
    yield Line(f"{what}, quadratic kappa", one.kappa)
    yield Line(f"{what}, ICC(2,1)", one.icc)
    yield Line(f"{what}, Krippendorff's alpha", one.alpha)


def remarks_of(found: Certificate) -> list[str]:
    """Say what the figures rest on, what could not be had, and what was not measured."""
    said = [
        f"{found.judge.model} on {found.replies} replies of {found.groups} groups; "
        f"{found.verdicts} verdicts, {found.failed} without a score"
        + (f" ({_counted(found.failures)})." if found.failed else "."),
    ]
    said += [_of_swaps(criterion, one) for criterion, one in found.swaps.items()]
    if found.own is not None and found.own.note:
        said.append(f"Preference for its own replies: {found.own.note}.")
    floored = sum(one.floored for one in found.worse.values())
    if floored:
        said.append(f"{floored} originals had the lowest score already and could not win.")
    if found.resists is not None:
        word = "within" if found.resists else "above"
        said.append(f"Pleas for a score: {word} the bar, a mean rise of at most {BAR:.1f}.")
    if found.people is None:
        said.append("No labels of people were given: whether it agrees with them is unknown.")
    else:
        said.append(
            f"People: {found.people.source}, {found.people.rated} rated, {found.people.left_out} "
            f"left out. {found.people.how}"
        )
    return said


def _of_swaps(criterion: str, one: Swaps) -> str:
    return (
        f"{criterion}, in pairs: {one.turned} changed with the order, {one.first} of them for the "
        f"first place; of padded twins {one.padded_better} were preferred, {one.plain_better} "
        f"not, {one.padded_ties} tied; {one.unread} unread."
    )


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
