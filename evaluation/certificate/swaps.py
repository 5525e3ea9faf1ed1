"""Two replies in both orders: does the judge's preference depend on which stands first?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from domain.base import seed_of
from domain.case import Case
from domain.comparison import TIE
from evaluation.certificate.certificate import Swaps
from evaluation.certificate.figures import share
from evaluation.pairs import outcome, pair_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.progress import Progress
    from evaluation.certificate.twins import Trials, Twin
    from evaluation.panel import Panel

ONE, OTHER = "plain", "changed"


class Shown(NamedTuple):
    """What came of one pair on one criterion, by who was better; empty where nobody can say."""

    twin: Twin
    forward: str
    backward: str

    @property
    def known(self) -> bool:
        """Whether both orders have an answer."""
        return bool(self.forward and self.backward)


def swaps(panel: Panel, trials: Trials, progress: Progress, seed: int) -> dict[str, Swaps]:
    """Show replies beside their padded twins, and beside one made worse, in both orders.

    Padded twins say the same, so that order has room to decide; worse ones should lose in both.

    Returns:
        By criterion.
    """
    twins = [*trials.padded, *_one_each(trials.worse)]
    criteria = panel.settings.evaluation.criteria
    made = [(twin, criterion) for criterion in criteria for twin in twins]
    cases = [
        Case(subject=pair_of(twin.plain.context, *texts), criterion=criterion)
        for twin, criterion in made
        for texts in _both(twin)
    ]
    ruled = iter(panel.rule(cases, progress, "swaps"))
    shown: dict[str, list[Shown]] = {criterion: [] for criterion in criteria}
    for twin, criterion in made:
        found = outcome(ONE, OTHER, next(ruled), next(ruled))
        shown[criterion].append(Shown(twin, str(found["forward"]), str(found["backward"])))
    return {one: _figures(found, seed_of(seed, "swaps", one)) for one, found in shown.items()}


def _both(twin: Twin) -> tuple[tuple[str, str], tuple[str, str]]:
    return (twin.plain.text, twin.changed.text), (twin.changed.text, twin.plain.text)


def _one_each(twins: Sequence[Twin]) -> list[Twin]:
    """Return one twin of each reply, kinds in turn."""
    by_reply: dict[str, list[Twin]] = {}
    for twin in twins:
        by_reply.setdefault(twin.plain.answer.judged_id, []).append(twin)
    return [found[place % len(found)] for place, found in enumerate(by_reply.values())]


def _figures(shown: Sequence[Shown], seed: int) -> Swaps:
    known = [one for one in shown if one.known]
    groups = [one.twin.group for one in known]
    turned = [one for one in known if one.forward != one.backward]
    padded = [one for one in known if one.twin.kind == "padded"]
    worse = [one for one in known if one.twin.kind != "padded"]
    counts = Counter(_settled(one) for one in padded)
    return Swaps(
        consistent=share([float(one.forward == one.backward) for one in known], groups, seed),
        # a first place is preferred where `plain` wins while it stands first, and loses behind
        first=sum(one.forward == ONE or one.backward == OTHER for one in turned),
        turned=len(turned),
        unread=len(shown) - len(known),
        padded_better=counts[OTHER],
        plain_better=counts[ONE],
        padded_ties=counts[TIE],
        worse_loses=share(
            [float(_settled(one) == ONE) for one in worse], [one.twin.group for one in worse], seed
        ),
    )


def _settled(one: Shown) -> str:
    return one.forward if one.forward == one.backward else TIE
