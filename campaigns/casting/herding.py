"""A sequence of cells whose first n show each share as closely as n can, for every n.

Each step takes, among candidates drawn from the table, the one after which the cast is nearest to
its shares: greedy in chi-square over single dimensions, pairs, and problem with technique with
style. That is kernel herding (Chen, Welling & Smola, 2010, "Super-samples from kernel herding",
UAI), whose error falls as 1/n where that of drawing falls as 1/sqrt(n); candidates from the table
keep to what no pair says.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from domain.base import seed_of
from domain.casting import DIMENSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from campaigns.casting.shares import Table
    from campaigns.casting.world import Array, World

POOL = 8192
"""Candidates that are drawn at a time."""
LOOKED_AT = 64
"""Candidates that one step chooses from."""
STEPS = 4096
"""Steps for which a pool serves."""
WEIGHTS = {1: 1.0, 2: 0.02, 3: 0.003}
"""What a missed share of one dimension, of two and of three together counts."""
RAREST = 1e-4
"""Shares below it weigh no more than it."""
TRIPLE = ("problem", "technique", "style")


class Herd:
    """The features that the sequence keeps even, and how far each is behind.

    Args:
        world: What there is to cast.
        tables: The tables of shares, with their constraints.
        shares: Each table's cells, as fitted.
        seed: The campaign's.
    """

    def __init__(
        self, world: World, tables: Sequence[Table], shares: Sequence[Array], seed: int
    ) -> None:
        self._tables = list(zip(tables, shares, strict=True))
        self._seed = seed
        self._sizes = [len(world.values[name]) for name in DIMENSIONS]
        self._kinds = [
            *((one,) for one in range(len(DIMENSIONS))),
            *combinations(range(len(DIMENSIONS)), 2),
            tuple(DIMENSIONS.index(name) for name in TRIPLE),
        ]
        expected = [self._expected(kind) for kind in self._kinds]
        self._offsets = np.cumsum([0, *(share.size for share in expected)])[:-1].tolist()
        self._expect = np.concatenate(expected)
        self._worth = np.concatenate(
            [
                WEIGHTS[len(kind)] / np.maximum(share, RAREST)
                for kind, share in zip(self._kinds, expected, strict=True)
            ]
        )

    def deal(self) -> Iterator[tuple[int, ...]]:
        """Yield cells for ever, as places in the order of `DIMENSIONS`."""
        behind = -0.5 * self._worth
        gain = self._worth * self._expect
        pool = features = np.empty((0, 0), dtype=np.int32)
        step = 0
        while True:
            if step % STEPS == 0:
                draw = np.random.default_rng(seed_of(self._seed, "pool", step // STEPS))
                pool = self._pool(draw)
                features = self._features(pool)
                starts = draw.integers(0, POOL - LOOKED_AT, STEPS)
            behind += gain
            start = int(starts[step % STEPS])
            scores = behind[features[start : start + LOOKED_AT]].sum(axis=1)
            best = start + int(scores.argmax())
            behind[features[best]] -= self._worth[features[best]]
            step += 1
            yield tuple(pool[best].tolist())

    def _expected(self, kind: tuple[int, ...]) -> Array:
        """Return the shares of the values of some dimensions together, flat."""
        names = [DIMENSIONS[at] for at in kind]
        whole = np.ones(())
        order: list[str] = []
        for table, shares in self._tables:
            kept = [name for name in table.names if name in names]
            away = tuple(at for at, name in enumerate(table.names) if name not in names)
            whole = np.multiply.outer(whole, shares.sum(axis=away))
            order += kept
        return whole.transpose([order.index(name) for name in names]).ravel()

    def _pool(self, draw: np.random.Generator) -> Array:
        """Draw candidates [POOL, dimensions]: evenly over each table, tables shuffled apart."""
        pool = np.empty((POOL, len(DIMENSIONS)), dtype=np.int64)
        for table, shares in self._tables:
            edges = shares.ravel().cumsum()
            marks = (np.arange(POOL) + draw.random(POOL)) / POOL * edges[-1]
            flat = edges.searchsorted(marks, side="right").clip(max=edges.size - 1)
            places = np.unravel_index(draw.permutation(flat), shares.shape)
            for name, column in zip(table.names, places, strict=True):
                pool[:, DIMENSIONS.index(name)] = column
        return pool

    def _features(self, pool: Array) -> Array:
        """Return which features each candidate has: [candidates, kinds]."""
        columns = []
        for kind, offset in zip(self._kinds, self._offsets, strict=True):
            flat = np.zeros(len(pool), dtype=np.int64)
            for at in kind:
                flat = flat * self._sizes[at] + pool[:, at]
            columns.append(flat + offset)
        return np.ascontiguousarray(np.stack(columns, axis=1).astype(np.int32))
