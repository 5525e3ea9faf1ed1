"""Guards between what is learned and what is held out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.bulk.index import Index

    Rows = NDArray[np.int64]


def outside(index: Index, learned: Rows, held_out: Rows) -> tuple[Rows, dict[str, int]]:
    """Return the rows that share nothing with held-out ones, and how many did, by reason.

    A session may not stand on both sides, nor what is said in it, nor anybody of its group: a
    video, a client, a persona. Near-duplicates need no guard of their own here, because of those
    only the first is left anywhere in the corpus before it is split. Of what is held out, training
    may stop on some whole groups and is measured on the others (`training.stopping`).
    """
    came_from = index.lineage[learned]
    shared = {
        "a held-out session again": np.isin(index.ids[learned], index.ids[held_out])
        | (np.isin(came_from, index.lineage[held_out]) & (came_from != b"")),
        "words of a held-out session": np.isin(index.said[learned], index.said[held_out]),
        "of a held-out video, client or persona": np.isin(
            index.group[learned], index.group[held_out]
        ),
    }
    clear = np.ones(len(learned), np.bool_)
    counts = {}
    for reason, leak in shared.items():
        counts[reason] = int((leak & clear).sum())
        clear &= ~leak
    return learned[clear], counts
