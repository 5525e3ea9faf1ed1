"""One side by itself: variety, repetition, and what therapist and client do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.compare.classifier import CONFIDENCE, SAMPLES
from corpus.compare.distance import vendi
from corpus.compare.lexical import first_words, mattr, self_bleu
from corpus.compare.result import Measured, SideFacts
from corpus.compare.sampling import taken
from corpus.near import near_pairs
from domain.turn import Speaker
from measures.diversity import NEAR_DUPLICATE, distinct
from measures.session import session_behaviours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.compare.classifier import Texts
    from corpus.compare.encode import Encoder
    from corpus.compare.side import Side, Talk

BEHAVIOURS = (
    "turns",
    "words_per_therapist_turn",
    "words_per_client_turn",
    "therapist_turn_share",
    "therapist_talk_share",
    "questions_per_turn",
    "open_question_share",
    "reflection_share",
    "advice_share",
    "repetition_share",
)
"""What is compared of `measures.session`, and the therapist's share of the turns."""


def facts_of(
    side: Side, said: Texts, n: int, amount: int, encoder: Encoder, seed: int
) -> SideFacts:
    """Describe a side.

    Args:
        side: Its sessions.
        said: Its therapist turns.
        n: How many of them the measures take that grow with their number.
        amount: How many words distinct-n takes.
        encoder: For the Vendi score.
        seed: Draws the turns and the resamples.
    """
    some = taken(said, n, seed)
    equal = first_words(some.texts, amount)
    return SideFacts(
        name=side.name,
        found=side.found,
        sessions=len(side.talks),
        groups=side.groups,
        therapist_turns=_turns(side.talks, Speaker.THERAPIST),
        client_turns=_turns(side.talks, Speaker.CLIENT),
        n=len(some.texts),
        vendi=vendi(encoder.likeness(some.texts)),
        self_bleu=self_bleu(some.texts),
        mattr=mattr([" ".join(talk.said(Speaker.THERAPIST)) for talk in side.talks]),
        distinct={f"distinct-{size}": distinct(equal, size) for size in (1, 2, 3)},
        near_duplicates=_repeating([talk.text for talk in side.talks]),
        behaviours=_behaviours(side.talks, seed),
    )


def _turns(talks: Sequence[Talk], speaker: Speaker) -> int:
    return sum(len(talk.said(speaker)) for talk in talks)


def _repeating(texts: Sequence[str]) -> float:
    """Return the share of texts with a near-duplicate among the others."""
    twins = {at for pair in near_pairs(texts, NEAR_DUPLICATE) for at in pair}
    return len(twins) / len(texts)


def _behaviours(talks: Sequence[Talk], seed: int) -> dict[str, Measured]:
    counted = [_of_talk(talk) for talk in talks]
    rng = np.random.default_rng((seed, len(talks)))
    drawn = rng.multinomial(len(talks), np.full(len(talks), 1 / len(talks)), SAMPLES) / len(talks)
    ends = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    found = {}
    for name in BEHAVIOURS:
        values = np.array([one[name] for one in counted])
        low, high = np.quantile(drawn @ values, ends)
        found[name] = Measured(
            value=float(values.mean()), low=float(low), high=float(high), n=(len(talks),)
        )
    return found


def _of_talk(talk: Talk) -> dict[str, float]:
    done = session_behaviours(talk.turns)
    return {**done, "therapist_turn_share": done["therapist_turns"] / done["turns"]}
