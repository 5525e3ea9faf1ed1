"""What of a side goes into a measure: its texts, equal numbers of them, and its halves."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np

from corpus.compare.classifier import Texts
from corpus.compare.side import Side
from domain.base import seed_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from corpus.compare.side import Talk
    from domain.turn import Speaker


def halves(side: Side, seed: int) -> tuple[Side, Side] | None:
    """Deal a side's groups out to two halves of about as many sessions; None for one group."""
    groups: dict[str, list[Talk]] = {}
    for talk in side.talks:
        groups.setdefault(talk.group, []).append(talk)
    if len(groups) < 2:
        return None
    order = sorted(groups)
    random.Random(seed_of("halves", seed)).shuffle(order)
    dealt: tuple[list[Talk], list[Talk]] = ([], [])
    for name in order:
        min(dealt, key=len).extend(groups[name])
    one, other = (tuple(sorted(half, key=lambda talk: talk.id)) for half in dealt)
    return (
        Side(f"{side.name} (half)", one, len(one)),
        Side(f"{side.name} (other half)", other, len(other)),
    )


def turns_as_texts(talks: Sequence[Talk], speaker: Speaker, most: int, seed: int) -> Texts:
    """Return up to `most` turns of one speaker, drawn by `seed`, in the order of the sessions."""
    said = [(text, number) for number, talk in enumerate(talks) for text in talk.said(speaker)]
    groups = _numbered([talk.group for talk in talks])
    kept = chosen(len(said), most, seed)
    sessions = np.array([said[at][1] for at in kept], dtype=np.int64)
    return Texts(tuple(said[at][0] for at in kept), sessions, groups[sessions])


def sessions_as_texts(talks: Sequence[Talk]) -> Texts:
    """Return every session as one text."""
    groups = _numbered([talk.group for talk in talks])
    return Texts(tuple(talk.text for talk in talks), np.arange(len(talks)), groups)


def chosen(found: int, most: int, seed: int) -> NDArray[np.int64]:
    """Return up to `most` of the numbers from 0 to `found`, drawn by `seed`, in order."""
    drawn = np.random.default_rng((seed, found)).permutation(found)[:most]
    return np.sort(drawn).astype(np.int64)


def taken(texts: Texts, most: int, seed: int) -> Texts:
    """Return up to `most` of `texts`, drawn by `seed`, in order."""
    kept = chosen(len(texts.texts), most, seed)
    return Texts(tuple(texts.texts[at] for at in kept), texts.sessions[kept], texts.groups[kept])


def _numbered(names: Sequence[str]) -> NDArray[np.int64]:
    return np.unique(names, return_inverse=True)[1].astype(np.int64)
