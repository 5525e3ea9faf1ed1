"""Ages said in figures or in words."""

from __future__ import annotations

import re

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


def age_in(text: str) -> int | None:
    """Return the age in `text` ("91-year-old", "ninety-two", "a hundred and one"), or None."""
    figures = re.search(r"\d+", text)
    if figures:
        return int(figures[0])
    words = re.findall(r"[a-z]+", text.lower())
    base = 90 if "ninety" in words else 100 if "hundred" in words else None
    if base is None:
        return None
    after = words[words.index("ninety" if base == 90 else "hundred") + 1 :]
    return base + sum(_UNITS.index(word) for word in after if word in _UNITS)


def generalised(text: str) -> str:
    """Return the age as Safe Harbor allows it, in the form of the sentence around it."""
    return "90-or-older" if re.search(r"-year-old$", text, re.IGNORECASE) else "90 or older"
