"""What a variant draws from the real and the synthetic sessions, in the order of learning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from corpus.bulk.write import Drawn
from corpus.canaries import planted
from corpus.draw import Pool, draw, oversample, weighted
from corpus.strata import curriculum, weights_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.bulk.index import Index
    from domain.settings import Settings, Variant

    Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Pools:
    """The sources in drawing order."""

    index: Index
    real: Pool
    synthetic: Pool

    @property
    def most(self) -> int:
        """Words of the larger source: what every blend has, so that none is cut short."""
        return max(self.real.total, self.synthetic.total)


def pool_of(name: str, index: Index, rows: Rows) -> Pool:
    """Return rows of an index, in drawing order, as a pool that errors call `name`."""
    return Pool(name, rows, index.words[rows])


def drawn_for(variant: Variant, pools: Pools, settings: Settings) -> Drawn:
    """Draw a variant to the words of the larger source."""
    if variant == "hybrid":
        rows = _hybrid(pools, settings)
    elif variant == "real-oversampled":
        rows = oversample(pools.real, len(_hybrid(pools, settings)))
    else:
        rows = mixed(pools, float(variant == "synthetic"), settings)
    rows = curriculum(pools.index, rows, order_of(settings))
    return Drawn(
        pools.index,
        rows,
        dealt=settings.seed if variant == "shuffled" else None,
        planted=planted(len(rows), settings.corpus.canaries, settings.seed),
    )


def order_of(settings: Settings) -> str:
    """Return the order in which sessions stand in a blend."""
    return settings.corpus.blend.order


def mixed(pools: Pools, share: float, settings: Settings) -> Rows:
    """Draw rows of which `share`, 0 to 1, is synthetic, to the words of the larger source."""
    by_words = settings.corpus.blend.by == "tokens"
    return draw(pools.real, pools.synthetic, share, pools.most, by_words=by_words)


def _hybrid(pools: Pools, settings: Settings) -> Rows:
    asked = settings.corpus.blend
    if asked.by != "weight":
        return mixed(pools, settings.corpus.synthetic_share, settings)
    rows = np.concatenate([pools.real.rows, pools.synthetic.rows])
    weights = weights_of(pools.index, rows, asked.weights)
    both = pool_of("real or synthetic", pools.index, rows)
    return weighted(both, weights, pools.most)
