"""What a transcriber adds and nobody said: "[laughs]", "[inaudible 00:12:31]", music signs."""

from __future__ import annotations

import re

_REMARK = re.compile(r"\[[^\[\]]{0,60}\]|♪[^♪]*♪?")
_LONELY_MARK = re.compile(r"\s+([.,;!?])")
_NO_SIGNS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Controls, half characters, and signs that turn the direction of what a reviewer sees."""


def spoken(text: str) -> str:
    """Return `text` with one space between words, without signs that nobody can say."""
    if text.isprintable():
        return " ".join(text.split()) if "  " in text else text.strip()
    return " ".join(_NO_SIGNS.sub("", text).split())


def without_remarks(text: str) -> str:
    """Return what was said, with one space between words."""
    if "[" not in text and "♪" not in text:
        return spoken(text)
    return _LONELY_MARK.sub(r"\1", spoken(_REMARK.sub(" ", text)))
