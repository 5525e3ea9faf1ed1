"""Refilling cells that stay thin: at the barrier between two rounds, in plan order.

Each session that was not accepted is cast again: another persona in the same cell of the quota, so
that what is accepted shows the shares that were asked for. A cell of problem, technique and style
is given up after so many sessions for each one it should have; it is named in the coverage.

A round depends on the plan and on what became of its sessions, both of which are kept: a campaign
that was stopped goes on as it would have gone.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from campaigns.again import PASSING
from campaigns.casting.deal import Dealer
from campaigns.coverage import placed
from campaigns.labels import status_of, why_of
from domain.scenario import PlanItem
from domain.session import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from campaigns.casting.deal import Cell, Quota
    from campaigns.coverage import Placed
    from domain.casting import CastingSettings


def refills(
    lines: Sequence[bytes],
    labels: Mapping[str, str],
    quota: Quota,
    casting: CastingSettings,
    sessions: int,
    seed: int,
) -> list[Cell]:
    """Return the cells that the next round casts, in the order of the sessions they stand in for.

    Args:
        lines: The plan so far, all of it played.
        labels: What became of its sessions, by id.
        quota: What the campaign's cast is to show.
        casting: The run file's limits on refilling.
        sessions: How many of the lines were dealt; the others were added in earlier rounds.
        seed: The campaign's.
    """
    left = math.floor(casting.refill * sessions) - (len(lines) - sessions)
    missing = _missing(placed(lines), labels, casting.tries, sessions)[: max(0, left)]
    if not missing:
        return []
    dealer = Dealer(quota, seed)
    for _ in range(sessions):
        dealer.deal()
    for line in lines[sessions:]:
        if (places := quota.places(PlanItem.model_validate_json(line))) is not None:
            dealer.show(places)
    found = (quota.places(PlanItem.model_validate_json(lines[at])) for at in missing)
    return [dealer.show(places) for places in found if places is not None]


def _missing(
    plan: Sequence[Placed], labels: Mapping[str, str], tries: int, sessions: int
) -> list[int]:
    """Return the places in the plan of sessions that somebody should stand in for."""
    wanted = Counter(one.cell for one in plan[:sessions])
    played = Counter(one.cell for one in plan)
    lacking = wanted - Counter(one.cell for one in plan if _is_good(labels.get(one.session)))
    found = []
    for at in range(len(plan) - 1, -1, -1):  # the latest first: those before were stood in for
        cell = plan[at].cell
        given_up = played[cell] >= tries * wanted[cell]
        if lacking[cell] and not given_up and not _is_good(labels.get(plan[at].session)):
            found.append(at)
            lacking[cell] -= 1
            played[cell] += 1
    return found[::-1]


def _is_good(label: str | None) -> bool:
    """Whether nobody need stand in: accepted, not ended, or only unlucky with its endpoint.

    A session that nobody answered is played again when the campaign is resumed.
    """
    if label is None or status_of(label) == Status.ACCEPTED:
        return True
    return status_of(label) == Status.QUARANTINED and why_of(label) in PASSING
