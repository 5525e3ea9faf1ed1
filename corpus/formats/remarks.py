"""What a transcriber adds and nobody said: "[laughs]", "[inaudible 00:12:31]", music signs."""

from __future__ import annotations

import re

_REMARK = re.compile(r"\[[^\[\]]{0,60}\]|♪[^♪]*♪?")
_LONELY_MARK = re.compile(r"\s+([.,;!?])")


def without_remarks(text: str) -> str:
    """Return what was said, with one space between words."""
    if "[" not in text and "♪" not in text:
        return " ".join(text.split())
    return _LONELY_MARK.sub(r"\1", " ".join(_REMARK.sub(" ", text).split()))
