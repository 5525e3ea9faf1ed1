"""Words that look down on the person they are said to."""

from __future__ import annotations

from functools import lru_cache

from measures.heard import heard
from measures.tokens import KEPT, unquoted
from measures.validation import invalidating


@lru_cache(maxsize=KEPT)
def belittling(text: str) -> tuple[str, ...]:
    """Return a counsellor's sentences that play down a feeling or look down on the person.

    What `invalidating` finds, and insults, orders to be different, blame and weariness. What is
    quoted, or told back as the client's own view, is left out. Coldness and irony without such
    words are not seen.
    """
    own = heard(unquoted(text))
    contempt: tuple[str, ...] = ()
    if own.has("contempt.contempt"):
        contempt = tuple(
            sentence.text
            for sentence in own.sentences
            if sentence.has("contempt.contempt") and not sentence.reported("contempt.contempt")
        )
    return tuple(dict.fromkeys((*invalidating(text), *contempt)))
