"""Whether guidance gives away a belief that the client has not spoken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measures.content import everyday, particulars

if TYPE_CHECKING:
    from collections.abc import Sequence

GIVEN_AWAY = 0.34
"""Share of a belief's unspoken words from which guidance gives the belief away."""


def touches(guidance: str, beliefs: Sequence[str]) -> bool:
    """Tell whether `guidance` uses a telling word of a belief at all, spoken or not.

    Only then can it reveal one, and the transcript must be read, which is dear.
    """
    said = particulars(guidance)
    return not all(said.isdisjoint(_telling(belief)) for belief in beliefs)


def _telling(belief: str) -> frozenset[str]:
    return particulars(belief) - everyday()


def reveals(guidance: str, undisclosed: Sequence[str], transcript_text: str) -> bool:
    """Tell whether `guidance` uses the unspoken words of a belief.

    For each belief the words that the transcript already holds, function words, words of the trade
    and everyday words are set aside; guidance that uses a third of the rest gives the belief away.

    Not covered: a paraphrase in other words ("thinks nobody could love her" for "I am
    unlovable"), and beliefs of everyday words only, or whose words were spoken in another sense.
    """
    said = particulars(guidance)
    for belief in undisclosed:
        hidden = _telling(belief) - particulars(transcript_text)
        if hidden and len(hidden & said) / len(hidden) >= GIVEN_AWAY:
            return True
    return False
