"""Whether a text reads as language: no word salad, no stammer, no half of a sentence."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

from measures.heard import count
from measures.lexicon import word_set
from measures.repetition import babble
from measures.tokens import KEPT, normal, words

LONG_ENOUGH = 6
"""Words from which shares say anything."""
FUNCTION_LOW = 0.25
"""Share of function words under which English text is a list or salad; it is near 0.5."""
FUNCTION_HIGH = 0.95
"""Share above which a text of `A_PARAGRAPH` words says nothing; a short reply may well be so."""
A_PARAGRAPH = 15
SLIP, SALAD = 6.0, 15.0
"""Loss per share of word pairs that no English sentence holds ("the is", "of and"): beyond
`SLIPS` of the words, and from the second pair on. Set by hand on AnnoMI's dev part: of its 2,471
different therapist turns of six words or more, 0.3% fall under 0.35; of the same turns with their
words shuffled 25%, and 34% of those of 15 words or more.
"""
SLIPS = 0.02
SALAD_MOST = 0.8


@lru_cache(maxsize=KEPT)
def coherence(text: str) -> float:
    """Return how far a text reads as English sentences, 0 (salad, nothing) to 1.

    Starts at 1 and loses for words said over and over, for pairs of words that no sentence holds,
    for too few or too many function words, and for a missing end. Sentences that are well formed
    and make no sense together are not seen, and neither is most salad of a few words.
    """
    heard = words(text)
    if not heard:
        return 0.0
    lost = 0.25 * (not normal(text).rstrip("\"')]").endswith((".", "!", "?", "-", ":")))
    if len(heard) >= LONG_ENOUGH:
        known = word_set("stopwords.function") | word_set("stopwords.filler")
        function = sum(word in known for word in heard) / len(heard)
        empty = function > FUNCTION_HIGH and len(heard) >= A_PARAGRAPH
        lost += 0.6 * (function < FUNCTION_LOW or empty)
        lost += max(0.0, babble(text) - 0.1) * 2
        clashes = count(text, "coherence.clash")
        slip = SLIP * max(0.0, clashes / len(heard) - SLIPS)
        lost += min(SALAD_MOST, max(slip, SALAD * (clashes - 1) / len(heard)))
    stammer = sum(one == other for one, other in pairwise(heard))
    lost += 0.2 * max(0, stammer - 1)
    return max(0.0, 1.0 - lost)
