"""When something was said: seconds from numbers and from clocks such as 00:01:05.250."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from domain.errors import TranscriptError

_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,3}):([0-5]?\d)(?:[.,](\d{1,6}))?")

_LONGEST = 32


def seconds_of(value: object, where: str) -> float | None:
    """Return seconds from the start of a recording; None where `value` tells no such time.

    A date or a time of day is None: it says when people met, not how far into the session.

    Raises:
        TranscriptError: A number that is no time: negative, infinite or not a number.
    """
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _counted(value, where)
    text = str(value)
    return _read(text) if len(text) <= _LONGEST else None


def _counted(value: float, where: str) -> float:
    if not math.isfinite(value) or value < 0:
        raise TranscriptError(
            "the time cannot be read",
            where=where,
            expected="seconds from the start, 0 or more",
            got=repr(value)[:40],
            mend="Correct the time, or leave it out.",
        )
    return round(float(value), 3)


@lru_cache(maxsize=16_384)
def _read(text: str) -> float | None:
    """Read a clock, or a number in words; the same few thousand come again in every session."""
    text = text.strip()
    match = _CLOCK.fullmatch(text)
    if match:
        hours, minutes, seconds, fraction = (part or "0" for part in match.groups())
        whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
        return round(whole + float(f"0.{fraction}"), 3)
    try:
        number = float(text)
    except ValueError:
        return None
    return round(number, 3) if math.isfinite(number) and number >= 0 else None
