"""What a speaker said, without what models like to put around it."""

from __future__ import annotations

import re

from domain.turn import one_line

LABEL = re.compile(
    r"\A[\s*_\[(]*(?:therapist|client|counsell?or|patient)(?:\s*\([^)]{0,40}\))?[*_\])]*"
    r"\s*:[\s*_]*",
    re.IGNORECASE,
)
QUOTES = (('"', '"'), ("“", "”"), ("«", "»"))


def clean_speech(text: str) -> str:
    """Return `text` as one spoken turn.

    A leading speaker label and quotes around the whole are taken off, and line breaks become
    spaces: a turn is one paragraph, so that no line of it can pass for a heading of the notes.
    Nothing else is changed; what remains may be empty.
    """
    said = _unquoted(one_line(text))
    label = LABEL.match(said)
    return _unquoted(said if label is None else said[label.end() :].strip())


def _unquoted(said: str) -> str:
    for opening, closing in QUOTES:
        if len(said) > 1 and said[0] == opening and said[-1] == closing:
            inner = said[1:-1]
            if opening not in inner:
                return inner.strip()
    return said
