"""The table of shares that meets what is asked and is otherwise as even as can be.

Of all tables that meet the constraints, the one that says least beyond them: iterative scaling
(Deming & Stephan, 1940; for ranges, Hildreth's correction as in Censor & Lent, 1981, Journal of
Optimization Theory and Applications 34), which converges to the table nearest in relative entropy
(Csiszar, 1975, Annals of Probability 3). Where there is none, a linear program finds what must
give way, and by how much.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from domain.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from campaigns.casting.shares import Constraint, Table
    from campaigns.casting.world import Array

SWEEPS = 3000
WISHES = 40
"""Sweeps in which wishes are heard as well."""
PATIENCE = 100
"""Sweeps that must bring it a twentieth nearer; else it is as near as it gets."""
FURTHEST = 1e9
"""How far a cell is scaled at most; what is asked for in vain would run away."""
CLOSE = 1e-6
CLOSE_ENOUGH = 2e-3
"""A fifth of a point: what slow convergence may leave where a solution is known to exist."""


def fitted(table: Table) -> Array:
    """Return the shares of a table's cells, which add up to 1.

    Raises:
        ConfigError: Nothing can meet what is asked; says what stands in the way.
    """
    shares = table.weights / max(table.weights.sum(), 1e-300)
    _refuse_empty(table)
    _scale(shares, (*table.wished, *table.asked), WISHES)
    missed = _scale(shares, table.asked, SWEEPS)
    if missed > CLOSE:
        blame = explain(table)
        if blame is not None:
            raise blame
        if missed > CLOSE_ENOUGH:
            raise _too_tight(table)
    whole: Array = shares / shares.sum()
    return whole


def _scale(shares: Array, constraints: Sequence[Constraint], sweeps: int) -> float:
    """Scale the cells of each constraint in turn, in place; return by how much one is missed."""
    cells = [np.ix_(*one.at) for one in constraints]
    factors = [1.0] * len(constraints)
    missed = stalled = np.inf
    for sweep in range(sweeps):
        sums = [float(shares[where].sum()) for where in cells]
        over = [
            max(one.low - now, now - one.high) for one, now in zip(constraints, sums, strict=True)
        ]
        missed = max(over, default=0.0)
        if missed <= CLOSE:
            break
        if sweep % PATIENCE == 0:
            if missed > 0.95 * stalled:
                break
            stalled = missed
        for at, (one, where) in enumerate(zip(constraints, cells, strict=True)):
            _turn(shares, one, where, factors, at)
        shares /= shares.sum()
    return missed


def _turn(
    shares: Array, one: Constraint, where: tuple[Array, ...], factors: list[float], at: int
) -> None:
    """Scale one constraint's cells by no more and no less than it takes."""
    own = float(shares[where].sum()) / factors[at]
    if own > 0:
        factor = min(max(own, one.low), one.high) / own
        factor = min(max(factor, 1 / FURTHEST), FURTHEST)
        if factor != factors[at]:
            shares[where] *= factor / factors[at]
            factors[at] = factor


def _refuse_empty(table: Table) -> None:
    """Refuse a share of what cannot be cast at all.

    Raises:
        ConfigError: There is one; its key is named.
    """
    for one in table.asked:
        if one.low > 0 and not table.weights[np.ix_(*one.at)].any():
            raise ConfigError(
                "nobody can be cast so",
                where=one.where,
                expected=f"a share of {one.low:.1%} or more: {one.told}",
                got="a combination that the pack's casting files, or campaign.casting.never, "
                "leave no room for",
                mend="Ask for no such share, or add a case, a technique or a life to the pack "
                "that makes it possible.",
            )


def explain(table: Table) -> ConfigError | None:
    """Return what stands in the way, or None where there is a table that meets what is asked."""
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, eye_array, hstack, vstack

    cells = np.flatnonzero(table.weights)
    rows = []
    for one in table.asked:
        inside = np.zeros(table.weights.shape, dtype=bool)
        inside[np.ix_(*one.at)] = True
        rows.append(inside.ravel()[cells].astype(float))
    sums, count = csr_array(np.array(rows)), len(rows)
    free = csr_array((count, count))
    limits = vstack(
        [hstack([sums, -eye_array(count), free]), hstack([-sums, free, -eye_array(count)])]
    )
    bounds = [one.high for one in table.asked] + [-one.low for one in table.asked]
    whole = hstack([csr_array(np.ones((1, len(cells)))), csr_array((1, 2 * count))])
    price = np.concatenate([np.zeros(len(cells)), np.ones(2 * count)])
    found = linprog(price, A_ub=limits, b_ub=bounds, A_eq=whole, b_eq=[1.0])
    over, under = found.x[len(cells) : -count], found.x[-count:]
    if found.fun < CLOSE:
        return None
    pulls = np.abs(found.ineqlin.marginals).reshape(2, count).sum(axis=0)
    return _blamed(table, over, under, pulls)


def _blamed(table: Table, over: Array, under: Array, pulls: Array) -> ConfigError:
    """Say which shares are at odds (those that pull at the optimum), and what would do."""
    gaps = sorted(zip(-np.maximum(over, under), table.asked, over, under, strict=True), key=_first)
    _, one, above, below = gaps[0]
    nearest = one.high + above if above > below else one.low - below
    at_odds = [x for x, pull in zip(table.asked, pulls, strict=True) if pull > CLOSE and x != one]
    rest = f"; at odds with it: {', '.join(_asked(x) for x in at_odds[:4])}" if at_odds else ""
    return ConfigError(
        "these shares cannot all hold",
        where=one.where,
        expected=f"shares that some cast can meet at the same time, here: {_asked(one)}",
        got=f"{nearest:.1%} at the nearest, where all else holds as well as it can{rest}",
        mend="Change one of these shares, give it a range such as [0.1, 0.3], or take away what "
        "forbids it under campaign.casting.never.",
    )


def _asked(one: Constraint) -> str:
    share = f"{one.low:.1%}" if one.low == one.high else f"{one.low:.1%} to {one.high:.1%}"
    return f"{one.told} {share} ({one.where})"


def _first(gap: tuple[float, object, object, object]) -> float:
    return gap[0]


def _too_tight(table: Table) -> ConfigError:
    return ConfigError(
        "these shares leave so little room that no even cast was found",
        where=", ".join(one.where for one in table.asked[:3]),
        expected="shares that more than a few combinations can meet",
        mend="Give some of them a range such as [0.1, 0.3].",
    )
