"""The discriminator: tells a therapist's turns of simulated sessions from those of real ones.

It is the adversarial part. Learned from signed real sessions against one round's accepted ones, it
reads the next round's drafts; the most telltale go back with the words that gave them away. What
it knows is words and pairs of words (TF-IDF, logistic regression), so what it sends back is
wording; whether a session is good it cannot say.

The file holds words of the real sessions and stays in the run's folder. What is sent back is taken
from the draft itself: no word of a real session leaves with it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from corpus.compare.encode import WORDS
from corpus.files import appears_at
from domain.critique import Telltale
from domain.errors import CompareError
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from domain.turn import Turn

FORMAT = "rehearsal-discriminator-1"
SHOWN_TURNS, SHOWN_WORDS = 3, 6
"""The turns that tell most, and how many words of them are named."""
FEWEST_WORDS = 2
"""Shorter turns ("Right.") say nothing of who wrote them."""
_TOKEN = re.compile(WORDS)


class Weight(NamedTuple):
    """What one word or pair is worth: how rare it is, and how much it speaks for simulated."""

    rarity: float
    """Inverse document frequency."""
    leaning: float
    """Coefficient: above 0 for simulated."""


@dataclass(frozen=True)
class Discriminator:
    """Weights of words and pairs of words, and the limit from which a session is sent back."""

    weights: Mapping[str, Weight]
    intercept: float
    limit: float
    """Mean log-odds of a session's therapist turns; above it a session is sent back."""

    def turn_score(self, text: str) -> float:
        """Return the log-odds that a turn is of a simulated session."""
        return self.intercept + sum(self._parts(text).values())

    def read(self, turns: Sequence[Turn]) -> Telltale | None:
        """Say what gives a draft away; None where the therapist says next to nothing."""
        own = [
            turn
            for turn in turns
            if turn.speaker is Speaker.THERAPIST and len(words_of(turn.text)) >= FEWEST_WORDS
        ]
        if not own:
            return None
        scores = {turn.index: self.turn_score(turn.text) for turn in own}
        loudest = sorted(own, key=lambda turn: (-scores[turn.index], turn.index))[:SHOWN_TURNS]
        spoken: Counter[str] = Counter()
        for turn in loudest:
            spoken.update(self._parts(turn.text))
        ranked = sorted(spoken.items(), key=lambda one: (-one[1], one[0]))
        return Telltale(
            score=sum(scores.values()) / len(scores),
            limit=self.limit,
            turns=tuple(sorted(turn.index for turn in loudest)),
            words=tuple(word for word, worth in ranked if worth > 0)[:SHOWN_WORDS],
        )

    def _parts(self, text: str) -> dict[str, float]:
        """Return what each word and pair of a text adds to its log-odds.

        Sublinear term frequency, inverse document frequency, length 1: as scikit-learn's
        TfidfVectorizer, with which it was learned.
        """
        known = {
            word: (1 + math.log(count)) * self.weights[word].rarity
            for word, count in _counts(text).items()
            if word in self.weights
        }
        length = math.sqrt(sum(value * value for value in known.values()))
        return {word: value / length * self.weights[word].leaning for word, value in known.items()}

    def to_bytes(self) -> bytes:
        """Return one safetensors file: numbers, with the words in its header. No pickle."""
        words = sorted(self.weights)
        tensors = {
            "idf": np.array([self.weights[word].rarity for word in words], np.float64),
            "weights": np.array([self.weights[word].leaning for word in words], np.float64),
            "intercept": np.array([self.intercept, self.limit], np.float64),
        }
        return save(tensors, {FORMAT: json.dumps(words)})  # one key: several come in any order

    def save(self, path: Path) -> str:
        """Write the file, for its owner alone; return its SHA-256 in hex.

        Raises:
            StoreError: It cannot be written.
        """
        data = self.to_bytes()
        with appears_at(path) as temporary:
            temporary.write_bytes(data)
            temporary.chmod(0o600)  # words of real people's sessions
        return hashlib.sha256(data).hexdigest()

    @classmethod
    def load(cls, path: Path) -> Discriminator:
        """Read what `save` wrote.

        Raises:
            CompareError: The file is missing or is no discriminator.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                words = json.loads((file.metadata() or {})[FORMAT])
                rarity, leaning = file.get_tensor("idf"), file.get_tensor("weights")
                intercept, limit = file.get_tensor("intercept").tolist()
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            raise CompareError(
                "this is no discriminator",
                where=str(path),
                expected=f"a safetensors file of the format {FORMAT}",
                got=str(error)[:200],
                mend="Name the folder of an earlier round that was played to its end.",
            ) from error
        weights = {
            word: Weight(float(rare), float(lean))
            for word, rare, lean in zip(words, rarity, leaning, strict=True)
        }
        return cls(weights, float(intercept), float(limit))


def words_of(text: str) -> list[str]:
    """Return the words of a text as the discriminator counts them."""
    return _TOKEN.findall(text.lower())


def _counts(text: str) -> Counter[str]:
    said = words_of(text)
    return Counter([*said, *map(" ".join, pairwise(said))])
