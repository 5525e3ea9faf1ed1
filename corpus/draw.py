"""Draws the sessions of a blend: at a given mix, to a given number of supervised words.

What is drawn are rows of an index. A source is a sequence of rows in drawing order; sources are
laid one over the other so that every beginning of the blend has the mix of the whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from domain.base import content_id, seed_of
from domain.errors import BlendError
from domain.record import Quality, Record
from domain.turn import Speaker, Turn
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Rows = NDArray[np.int64]
    Laid = tuple[NDArray[np.float64], Rows, Rows]

DEALT = 1000
"""Sessions whose therapist turns are dealt out anew among them, at a time."""


def supervised_words(record: Record) -> int:
    """Count the words a model learns to say: the therapist's."""
    return sum(len(words(turn.text)) for turn in record.therapist_turns)


@dataclass(frozen=True)
class Pool:
    """One source: rows in drawing order, and the words a model learns of each."""

    name: str
    rows: Rows
    words: Rows

    @property
    def total(self) -> int:
        """Words of all its sessions, once each."""
        return int(self.words.sum())

    def first(self, count: int) -> tuple[Rows, Rows]:
        """Return the first `count` rows and their words; gone through again where it is smaller."""
        at = np.arange(count) % max(1, len(self.rows))
        return self.rows[at], self.words[at]


def draw(real: Pool, synthetic: Pool, share: float, target: int, *, by_words: bool = False) -> Rows:
    """Return rows until their supervised words come closest to `target`.

    `share` of the sessions is synthetic, or of the words with `by_words`, as evenly mixed as whole
    sessions allow. A source that is too small is gone through again, every session once before any
    comes a second time.

    Raises:
        BlendError: A source that is needed has no words to learn.
    """
    parts = [(pool, part) for pool, part in ((real, 1 - share), (synthetic, share)) if part > 0]
    laid = [_laid(pool, part, target, by_words=by_words) for pool, part in parts]
    at = np.concatenate([places for places, _, _ in laid])
    which = np.repeat(np.arange(len(laid)), [len(places) for places, _, _ in laid])
    order = np.lexsort((-which, at))
    rows = np.concatenate([rows for _, rows, _ in laid])[order]
    said = np.cumsum(np.concatenate([said for _, _, said in laid])[order])
    return rows[: _closest(said, target)]


def _laid(pool: Pool, part: float, target: int, *, by_words: bool) -> Laid:
    """Lay a source out: where in the blend each of its sessions comes, its rows and its words."""
    _refuse_empty(pool)
    mean = pool.total / len(pool.rows)
    count = int(2 * target / mean) + len(pool.rows) + 2  # enough, however uneven the lengths
    rows, said = pool.first(count)
    if by_words:
        return (np.cumsum(said) - said / 2) / part, rows, said
    return (np.arange(count) + 1) / part, rows, said


def _closest(said: Rows, target: int) -> int:
    """Return how many sessions come closest to `target` words; at least one."""
    over = int(np.searchsorted(said, target))
    if over == 0:
        return 1
    if over >= len(said):
        return len(said)
    return over + int(said[over] - target <= target - said[over - 1])


def weighted(pool: Pool, weights: NDArray[np.float64], target: int) -> Rows:
    """Return rows of one pool of all sources, each as often as its weight says, to `target` words.

    Systematic sampling: a session of weight w comes up w times where one of weight 1 comes once,
    to the nearest whole number, and sessions of one weight are spread evenly.

    Raises:
        BlendError: The pool has no words to learn.
    """
    _refuse_empty(pool)
    often = target / max(1.0, float((pool.words * weights).sum()))
    count = np.ceil(weights * (often + 1) + 1).astype(np.int64)
    at = np.repeat(np.arange(len(pool.rows)), count)
    turn = np.arange(len(at)) - np.repeat(np.cumsum(count) - count, count)
    with np.errstate(divide="ignore"):
        when = (turn + _begin(weights)[at]) / weights[at]
    order = np.argsort(when, kind="stable")
    order = order[np.isfinite(when[order])]
    return pool.rows[at[order]][: _closest(np.cumsum(pool.words[at[order]]), target)]


def _begin(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Spread the rows of each weight evenly between 0 and 1, in their order."""
    begin = np.empty(len(weights))
    for weight in np.unique(weights):
        same = weights == weight
        begin[same] = (np.arange(same.sum()) + 0.5) / same.sum()
    return begin


def oversample(real: Pool, sessions: int) -> Rows:
    """Return `sessions` rows, each once before any is repeated.

    Raises:
        BlendError: There is nothing to learn from.
    """
    _refuse_empty(real)
    return real.first(sessions)[0]


def _refuse_empty(pool: Pool) -> None:
    if not pool.total:
        raise BlendError(
            f"there is no {pool.name} session to learn from",
            where=f"corpus/{pool.name}.jsonl of the run",
            expected=f"at least one {pool.name} record with therapist turns",
            got=f"{len(pool.rows)} records",
            mend="Ingest and sign real transcripts."
            if pool.name == "real"
            else "Run a campaign that accepts sessions, or leave the variant out.",
        )


def shuffled(records: Iterable[Record], seed: int) -> Iterator[Record]:
    """Yield the control: the same records with their therapist turns dealt out anew.

    What therapists say stays, word for word; whom they say it to, and when, does not. A model
    that learns as much from this has learned words, not answers. Turns are dealt among `DEALT`
    sessions at a time, so that a corpus of any size can be gone through.
    """
    draw = np.random.default_rng(seed_of("shuffled", seed))
    batch: list[Record] = []
    for record in records:
        batch.append(record)
        if len(batch) == DEALT:
            yield from _dealt_anew(batch, draw)
            batch = []
    yield from _dealt_anew(batch, draw)


def _dealt_anew(records: Sequence[Record], draw: np.random.Generator) -> Iterator[Record]:
    said = [turn.text for record in records for turn in record.therapist_turns]
    deal = iter([said[at] for at in draw.permutation(len(said))])
    return (_dealt(record, deal) for record in records)


def _dealt(record: Record, deal: Iterator[str]) -> Record:
    turns = tuple(_with(turn, deal) for turn in record.turns)
    provenance = record.provenance.model_copy(
        update={
            "lineage": (*record.provenance.lineage, record.id, content_id("control", "shuffled"))
        }
    )
    return record.model_copy(
        update={"turns": turns, "quality": Quality.LOW, "provenance": provenance}
    )


def _with(turn: Turn, deal: Iterator[str]) -> Turn:
    if turn.speaker is Speaker.CLIENT:
        return turn
    return turn.model_copy(update={"text": next(deal)})
