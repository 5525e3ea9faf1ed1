"""Draws the sessions of a blend: at a given mix, to a given number of supervised words."""

from __future__ import annotations

import random
from itertools import islice
from typing import TYPE_CHECKING

from domain.base import content_id, seed_of
from domain.errors import BlendError
from domain.record import Quality, Record
from domain.turn import Speaker, Turn
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def supervised_words(record: Record) -> int:
    """Count the words a model learns to say: the therapist's."""
    return sum(len(words(turn.text)) for turn in record.therapist_turns)


def draw(
    real: Sequence[Record], synthetic: Sequence[Record], share: float, target: int, seed: int
) -> list[Record]:
    """Return sessions until their supervised words come closest to `target`.

    Of the sessions, `share` is synthetic, as evenly mixed as whole sessions allow. Each source is
    gone through in seeded order, every session once before any is repeated: a source that is too
    small is oversampled.

    Raises:
        BlendError: A source that is needed has no words to learn.
    """
    sources = (_cycle(real, "real", seed), _cycle(synthetic, "synthetic", seed))
    drawn: list[Record] = []
    said = owed = 0.0
    while said < target:
        owed += share
        is_synthetic = owed >= 1 - 1e-9
        owed -= is_synthetic
        record = next(sources[is_synthetic])
        gain = supervised_words(record)
        if drawn and said + gain - target > target - said:
            break
        drawn.append(record)
        said += gain
    return drawn


def oversample(records: Sequence[Record], sessions: int, seed: int) -> list[Record]:
    """Return `sessions` real sessions, in seeded order, each once before any is repeated.

    Raises:
        BlendError: There is nothing to learn from.
    """
    return list(islice(_cycle(records, "real", seed), sessions))


def _cycle(records: Sequence[Record], name: str, seed: int) -> Iterator[Record]:
    """Yield the records for ever, in one seeded order."""
    order = sorted(records, key=lambda record: record.id)
    random.Random(seed_of("draw", name, seed)).shuffle(order)
    if not any(map(supervised_words, order)):
        raise BlendError(
            f"there is no {name} session to learn from",
            expected=f"at least one {name} record with therapist turns",
            got=f"{len(order)} records",
            mend="Ingest and sign real transcripts."
            if name == "real"
            else "Run a campaign that accepts sessions, or leave the variant out.",
        )
    while True:
        yield from order


def shuffled(records: Sequence[Record], seed: int) -> list[Record]:
    """Return the control: the same records with their therapist turns dealt out anew.

    What therapists say stays, word for word; whom they say it to, and when, does not. A model
    that learns as much from this has learned words, not answers.
    """
    said = [turn.text for record in records for turn in record.therapist_turns]
    random.Random(seed_of("shuffled", seed)).shuffle(said)
    deal = iter(said)
    return [_dealt(record, deal) for record in records]


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
