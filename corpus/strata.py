"""In which order a source is gone through: by chance, evenly over strata, with caps, by curriculum.

Stratified by rank: in a stratum of m sessions the k-th stands at (k - 1/2)/m of the way, so every
beginning has the strata in their proportions (or as often as each other) as whole sessions allow.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import orjson

from domain.base import seed_of
from domain.errors import BlendError
from domain.record import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from corpus.bulk.index import Index
    from domain.settings import BlendSettings, Stratum

    Rows = NDArray[np.int64]

UNSTATED = "unstated"
"""The technique of a session that no plan names: a real one."""
LENGTHS = 4
"""Strata of length: quarters of the sessions, by their therapists' words."""


def in_order(
    index: Index, rows: Rows, name: str, asked: BlendSettings, seed: int, plan: Path
) -> Rows:
    """Return one source's rows in drawing order, no more of each collection than its cap."""
    by_id = rows[np.argsort(index.ids[rows], kind="stable")]
    draw = np.random.default_rng(seed_of("draw", name, seed))
    mixed = by_id[draw.permutation(len(by_id))]
    if asked.strata and len(mixed):
        found = _strata(index, mixed, asked.strata, plan)
        size = np.ones(found.max() + 1) if asked.even else np.bincount(found)
        mixed = mixed[np.argsort((_rank(found) + 0.5) / size[found], kind="stable")]
    return mixed[_under_caps(index, mixed, asked.caps)]


def _rank(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many equal codes stand before each place."""
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes[order])
    rank = np.empty(len(codes), np.int64)
    rank[order] = np.arange(len(codes)) - first
    return rank


def _strata(index: Index, rows: Rows, strata: Sequence[Stratum], plan: Path) -> NDArray[np.int64]:
    """Number the strata that rows fall into: every combination of what was asked for."""
    columns = [_codes(index, rows, stratum, plan) for stratum in strata]
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def _codes(index: Index, rows: Rows, stratum: Stratum, plan: Path) -> NDArray[np.int64]:
    if stratum == "length":
        return _rank_codes(index.words[rows])
    if stratum == "technique":
        known = techniques(plan)
        named = [known.get(name, UNSTATED) for name in index.lineage_of(rows)]
        return np.unique(named, return_inverse=True)[1].astype(np.int64)
    column = "topic" if stratum == "problem" else stratum
    return np.unique(index.column(column, rows), return_inverse=True)[1].astype(np.int64)


def _rank_codes(words: Rows) -> NDArray[np.int64]:
    edges = np.quantile(words, np.arange(1, LENGTHS) / LENGTHS)
    return np.searchsorted(edges, words).astype(np.int64)


def techniques(plan: Path) -> dict[str, str]:
    """Return the technique of each session of a plan, by the session's id: a hash of its line."""
    if not plan.is_file():
        return {}
    known = {}
    with plan.open("rb") as stream:
        for line in filter(None, map(bytes.strip, stream)):
            name = f"session-{hashlib.sha256(line).hexdigest()[:16]}"
            known[name] = str(orjson.loads(line)["scenario"]["technique"])
    return known


def _under_caps(index: Index, rows: Rows, caps: Mapping[str, int]) -> NDArray[np.bool_]:
    under = np.ones(len(rows), np.bool_)
    for source, most in caps.items():
        of_source = index.where("source", source)[rows]
        under &= ~of_source | (np.cumsum(of_source) <= most)
    return under


def curriculum(index: Index, rows: Rows, order: str) -> Rows:
    """Put what was drawn into the order in which it is to be learned."""
    if order == "mixed":
        return rows
    if order in ("real-first", "synthetic-first"):
        later = index.where("origin", Origin.SYNTHETIC)[rows]
        return rows[np.argsort(later if order == "real-first" else ~later, kind="stable")]
    words = index.words[rows]
    return rows[np.argsort(words if order == "short-first" else -words, kind="stable")]


def weights_of(index: Index, rows: Rows, weights: Mapping[str, float]) -> NDArray[np.float64]:
    """Return each row's weight by its collection; a collection that is not named has 1.

    Raises:
        BlendError: A weight is for a collection that there is not.
    """
    found = np.ones(len(rows))
    for source, weight in weights.items():
        of_source = index.where("source", source)[rows]
        if not of_source.any():
            raise BlendError(
                "a weight is for a collection that there is not",
                where=f"corpus.blend.weights.{source}",
                expected=f"one of: {', '.join(index.names['source'])}",
                got=source,
                mend="Correct the name to one of these.",
            )
        found[of_source] = weight
    return found
