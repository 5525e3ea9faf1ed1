"""Best-fit decreasing: which sequences share a row."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Put each sequence, longest first, into the fullest row that still has room for it.

    Johnson, 1973: never more than 11/9 of the fewest rows possible, plus one. Equal lengths keep
    their order, so the rows depend on `lengths` alone. O(n log n) but for shifting a short list.

    Args:
        lengths: Tokens of each sequence.
        capacity: Tokens of a row; a longer sequence gets a row of its own.

    Returns:
        Rows of indices into `lengths`.
    """
    rows: list[list[int]] = []
    open_rows: list[tuple[int, int]] = []  # (room left, row), least room first
    for index in sorted(range(len(lengths)), key=lambda one: (-lengths[one], one)):
        length = lengths[index]
        place = bisect_left(open_rows, (length, -1))
        if place < len(open_rows):
            room, row = open_rows.pop(place)
            rows[row].append(index)
        else:
            room, row = capacity, len(rows)
            rows.append([index])
        if room > length:
            insort(open_rows, (room - length, row))
    return rows
