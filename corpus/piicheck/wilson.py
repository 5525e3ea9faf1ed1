"""An interval for a share."""

from __future__ import annotations

import math

Interval = tuple[float, float]
_Z = 1.959964
"""95%, two-sided."""


def wilson(hits: float, n: int) -> Interval:
    """Return the 95% score interval of `hits` of `n` (Wilson, 1927, JASA 22:209-212)."""
    if n == 0:
        return 0.0, 1.0
    share, z2 = hits / n, _Z * _Z
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)
