"""Recall by kind and false alarms, from what a supervisor found in twins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scipy.stats import binomtest

from domain.base import Noun
from evaluation.planted.kinds import planted_kinds
from evaluation.planted.twins import CLEAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evaluation.planted.kinds import Kind
    from evaluation.planted.reading import Read
    from evaluation.planted.twins import Twin

    Pairs = Sequence[tuple[Twin, Read]]

NEAR = 2
"""Turns from a planted one within which a flaw counts as this one: a supervisor may name the turn
that should have answered it."""
MISSING = frozenset({"agenda_missing", "summary_missing", "homework_missing"})
"""Kinds that are an absence: the turn where it is named is a matter of taste."""


class Share(Noun):
    """A share with Wilson's 95% interval, of `n`."""

    value: float
    low: float
    high: float
    n: int


class Tally(Noun):
    """What a supervisor found.

    `false_alarms` is the share of clean sessions in which any kind is named; `by_alarm` says which.
    `accepted` is the share of flawed twins that were accepted all the same.
    """

    recall: dict[str, Share]
    by_hand: dict[str, Share]
    by_hand_all: Share | None
    false_alarms: Share
    by_alarm: dict[str, int]
    accepted: dict[str, float]
    failures: int


def tally(pairs: Pairs) -> Tally:
    """Count what was found; twins without a critique are left out and counted as failures."""
    read = [(twin, found) for twin, found in pairs if not found.failure]
    clean = [(twin, found) for twin, found in read if twin.kind == CLEAN]
    kinds = planted_kinds().kinds
    alarms = {kind.key: sum(alarm(kind, found) for _, found in clean) for kind in kinds}
    alarmed = sum(any(alarm(kind, found) for kind in kinds) for _, found in clean)
    grammar = [(twin, found) for twin, found in read if not twin.by_hand]
    by_hand = [(twin, found) for twin, found in read if twin.by_hand]
    return Tally(
        recall=_by_kind(kinds, grammar),
        by_hand=_by_kind(kinds, by_hand),
        by_hand_all=_recall(by_hand) if by_hand else None,
        false_alarms=share(alarmed, len(clean)),
        by_alarm={key: count for key, count in alarms.items() if count},
        accepted={
            kind.key: round(sum(found.accepted for _, found in own) / len(own), 4)
            for kind in kinds
            if (own := [pair for pair in grammar if pair[0].kind == kind.key])
        },
        failures=len(pairs) - len(read),
    )


def _by_kind(kinds: Sequence[Kind], pairs: Pairs) -> dict[str, Share]:
    own = {kind.key: [pair for pair in pairs if pair[0].kind == kind.key] for kind in kinds}
    return {key: _recall(found) for key, found in own.items() if found}


def _recall(pairs: Pairs) -> Share:
    return share(sum(hit(twin, found) for twin, found in pairs), len(pairs))


def share(part: int, whole: int) -> Share:
    """Return `part` of `whole` with Wilson's interval; of nothing, 0 with no knowledge of it."""
    if not whole:
        return Share(value=0.0, low=0.0, high=1.0, n=0)
    bounds = binomtest(part, whole).proportion_ci(method="wilson")
    return Share(
        value=round(part / whole, 4),
        low=round(float(bounds.low), 4),
        high=round(float(bounds.high), 4),
        n=whole,
    )


def hit(twin: Twin, found: Read) -> bool:
    """Tell whether the flaw of a twin was found: its kind near its turn, or its gate."""
    kind = next(kind for kind in planted_kinds().kinds if kind.key == twin.kind)
    if set(kind.signals.gates) & set(found.gates):
        return True
    near = range(min(twin.planted) - NEAR, max(twin.planted) + NEAR + 1)
    named = [turn for flaw, turn in found.flaws if flaw in kind.signals.flaws]
    if named and kind.key in MISSING:
        return True
    return any(turn in near for turn in (*named, *found.broken))


def alarm(kind: Kind, found: Read) -> bool:
    """Tell whether `kind` is named in a clean session, wherever."""
    named = {flaw for flaw, _ in found.flaws}
    return bool(set(kind.signals.flaws) & named or set(kind.signals.gates) & set(found.gates))
