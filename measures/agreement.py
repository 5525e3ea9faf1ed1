"""Agreement that comes too fast: a client who gives in at once, or is well all of a sudden."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker
from measures.heard import has, heard
from measures.tokens import TURNS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.turn import Turn

OPENING = 2
"""Sentences of a turn in which agreement without reserve is instant."""
OFTEN = 2
"""Turns of instant agreement from which it is a pattern and not a moment of insight."""


class Agreed(NamedTuple):
    """A client's turn that agrees without reserve, or says that all is well now; and its words."""

    turn: int
    quote: str
    cured: bool


def instant_agreement(turns: Sequence[Turn]) -> tuple[Agreed, ...]:
    """Return the client's turns that give in at once, where it is a pattern.

    A turn counts when it opens with agreement without reserve, or says that all is well again, and
    has no doubt, reason or question of its own in the same turn. One such turn may be an insight;
    two or more, or a sudden cure, are returned. Quiet compliance ("okay, I will") is not seen.
    """
    found = [
        Agreed(turn.index, *said)
        for turn in turns
        if turn.speaker is Speaker.CLIENT and (said := gives_in(turn.text))
    ]
    return tuple(found) if len(found) >= OFTEN or any(one.cured for one in found) else ()


@lru_cache(maxsize=TURNS)
def gives_in(text: str) -> tuple[str, bool] | None:
    """Return the sentence in which a client's turn gives in, and whether all is well in it."""
    if "?" in text or not has(text, "agreement.emphatic", "agreement.cured"):
        return None
    said = heard(text)
    if said.has("agreement.reserve"):
        return None
    for sentence in said.sentences:
        if sentence.has("agreement.cured"):
            return sentence.text, True
    for sentence in said.sentences[:OPENING]:
        if sentence.has("agreement.emphatic"):
            return sentence.text, False
    return None
