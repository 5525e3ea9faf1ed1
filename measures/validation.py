"""Words that receive a feeling, and words that push it away."""

from __future__ import annotations

from functools import lru_cache

from measures.heard import Sentence, has, heard
from measures.tokens import KEPT, unquoted

_BELITTLING = ("validation.invalidating", "belittling.plain")


@lru_cache(maxsize=KEPT)
def invalidating(text: str) -> tuple[str, ...]:
    """Return a therapist's sentences that play down, blame or argue with a feeling.

    Coldness without such phrases is not seen. A sentence that quotes the client back ("so you
    tell yourself it's no big deal") is a reflection and left out.
    """
    own = heard(unquoted(text))
    if not own.has(*_BELITTLING):
        return ()
    return tuple(sentence.text for sentence in own.sentences if _belittles(sentence))


def _belittles(sentence: Sentence) -> bool:
    return any(sentence.has(name) and not sentence.reported(name) for name in _BELITTLING)


def validating(text: str) -> tuple[str, ...]:
    """Return the sentences that say a feeling makes sense, or answer it with warmth."""
    if not has(text, "validation.validating"):
        return ()
    own = heard(text).sentences
    return tuple(sentence.text for sentence in own if sentence.has("validation.validating"))


def names_feeling(text: str) -> bool:
    """Tell whether a turn names a feeling."""
    return has(text, "feelings.named")


def warm(text: str) -> bool:
    """Tell whether a turn has words of warmth or partnership."""
    return has(text, "validation.warm", "validation.validating")


def explores(text: str) -> bool:
    """Tell whether a turn opens room for more of what the client feels or means."""
    return has(text, "validation.exploring")
