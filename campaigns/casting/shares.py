"""What the run file asks of a cast, as constraints on tables of shares."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from campaigns.casting.world import CORE
from domain.casting import DIMENSIONS, ends

if TYPE_CHECKING:
    from campaigns.casting.world import Array, World
    from domain.casting import CastingSettings, Where

KEY = "campaign.casting"


@dataclass(frozen=True)
class Constraint:
    """Cells of a table whose shares add up to something between `low` and `high`."""

    where: str
    """The run file's key."""
    told: str
    """The cells in words, such as `problem grief with age 65-99`."""
    at: tuple[Array, ...]
    """For every dimension of the table, the places of its values; as for `numpy.ix_`."""
    low: float
    high: float


@dataclass(frozen=True)
class Table:
    """Dimensions that depend on one another, and what is asked of them together."""

    names: tuple[str, ...]
    weights: Array
    """One axis a dimension; 0 where nobody can be cast so."""
    asked: tuple[Constraint, ...]
    wished: tuple[Constraint, ...]
    """What the pack would like where nothing else is asked; given up where it cannot be."""


def tables_of(world: World, casting: CastingSettings) -> list[Table]:
    """Return the tables of a cast: dimensions that nothing ties together stand apart.

    Raises:
        ConfigError: The run file names a value that there is not.
    """
    joint = [(f"{KEY}.joint.{n}", one.where) for n, one in enumerate(casting.joint)]
    never = [(f"{KEY}.never.{n}", one) for n, one in enumerate(casting.never)]
    ties = [set(CORE), *({*where} for _, where in (*joint, *never))]
    return [
        _table(world, casting, tuple(name for name in DIMENSIONS if name in group), joint, never)
        for group in _together(ties)
    ]


def _together(ties: list[set[str]]) -> list[set[str]]:
    """Return groups of dimensions such that every tie lies within one."""
    groups = [{name} for name in DIMENSIONS]
    for tie in ties:
        met = [group for group in groups if group & tie]
        groups = [group for group in groups if not group & tie] + [set().union(*met)]
    return sorted(groups, key=lambda group: min(DIMENSIONS.index(name) for name in group))


def _table(
    world: World,
    casting: CastingSettings,
    names: tuple[str, ...],
    joint: list[tuple[str, Where]],
    never: list[tuple[str, Where]],
) -> Table:
    weights = _weights(world, names)
    for where, what in never:
        if {*what} <= {*names}:
            weights[np.ix_(*_places(world, names, what, where))] = 0
    asked, wished = [], []
    for name in names:
        shares = casting.shares(name)
        if shares is not None:
            asked += _marginal(world, casting, names, name)
        elif name in world.usual:
            wished += [
                _constraint(world, names, f"{KEY}.{name}", {name: key}, share, share)
                for key, share in zip(world.values[name], world.usual[name], strict=True)
            ]
    for (where, what), one in zip(joint, casting.joint, strict=True):
        if {*what} <= {*names}:
            asked.append(_constraint(world, names, where, what, *ends(one.share)))
    return Table(names, weights, tuple(asked), tuple(wished))


def _weights(world: World, names: tuple[str, ...]) -> Array:
    """Return the table as the pack would have it, before anything is asked of it."""
    weights = np.ones([len(world.values[name]) for name in names])
    if CORE[0] in names:
        weights = weights * world.core.reshape(world.core.shape + (1,) * (len(names) - len(CORE)))
    for axis, name in enumerate(names):
        if name in world.usual and name not in CORE:
            shape = [1] * len(names)
            shape[axis] = -1
            weights = weights * world.usual[name].reshape(shape)
    return weights


def _marginal(
    world: World, casting: CastingSettings, names: tuple[str, ...], name: str
) -> list[Constraint]:
    """Return the constraints of one dimension; what is not named shares what is left."""
    shares = casting.shares(name) or {}
    where = f"{KEY}.{name}"
    given = {key: ends(share) for key, share in shares.items()}
    found = [
        _constraint(world, names, f"{where}.{key}", {name: key}, *share)
        for key, share in given.items()
    ]
    rest = tuple(key for key in world.values[name] if key not in given)
    least = max(0.0, 1 - sum(high for _, high in given.values()))
    most = max(0.0, 1 - sum(low for low, _ in given.values()))
    if rest:
        others = _constraint(world, names, where, {name: rest}, least, most)
        found.append(replace(others, told=f"any other {name}"))
    return found


def _constraint(
    world: World, names: tuple[str, ...], where: str, what: Where, low: float, high: float
) -> Constraint:
    told = " with ".join(
        f"{name} {key if isinstance(key, str) else ' or '.join(key)}" for name, key in what.items()
    )
    return Constraint(where, told, _places(world, names, what, where), low, high)


def _places(world: World, names: tuple[str, ...], what: Where, where: str) -> tuple[Array, ...]:
    places = []
    for name in names:
        keys = what.get(name, world.values[name])
        keys = (keys,) if isinstance(keys, str) else keys
        places.append(np.array([world.index(name, key, where) for key in keys]))
    return tuple(places)
