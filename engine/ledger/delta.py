"""Requests kept as what they share with an earlier one, which answers they quote, and the rest.

A session's requests repeat its whole conversation so far: kept whole, 23 of them take 170 KB.
What is new in one is mostly what the models answered meanwhile, and that is stored already.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_NEAR = 512
"""Requests differ near the end of the earlier one: this far back is looked at first."""
_TAIL = 12
"""Bytes at the end that must agree before a common end is looked for."""
_QUOTABLE = 24
"""Bytes from which on an answer is worth looking for."""


class Delta(NamedTuple):
    """A request against its base."""

    prefix: int
    """Bytes shared with the start of the base."""
    suffix: int
    """Bytes shared with its end."""
    pieces: list[int]
    """Between them, by turns: a length of literal bytes, and the number of a quoted answer."""
    literal: bytes


def common_prefix(one: bytes, two: bytes, guess: int = 0) -> int:
    """Return how many leading bytes `one` and `two` share; a right guess is confirmed at once."""
    low, high = 0, min(len(one), len(two))
    if 0 < guess < high and one.startswith(two[:guess]):
        if one[guess] != two[guess]:
            return guess
        low = guess
    near = high - _NEAR
    if near > low:
        if one.startswith(two[:near]):
            low = near
        else:
            high = near
    while high - low > _NEAR:
        middle = (low + high + 1) // 2
        if one[low:middle] == two[low:middle]:
            low = middle
        else:
            high = middle
    return low + _first_difference(one[low:high], two[low:high])


def _first_difference(one: bytes, two: bytes) -> int:
    """Return where two strings of one length differ first: as numbers, by their lowest bits."""
    differ = int.from_bytes(one, "little") ^ int.from_bytes(two, "little")
    return ((differ & -differ).bit_length() - 1) >> 3 if differ else len(one)


def common_suffix(one: bytes, two: bytes, most: int) -> int:
    """Return how many trailing bytes they share, `most` at most; 0 where it is not worth it."""
    if most < _TAIL or one[-_TAIL:] != two[-_TAIL:]:
        return 0
    low, high = _TAIL, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[-middle:-low] == two[-middle:-low]:
            low = middle
        else:
            high = middle - 1
    return low


def shrink(
    request: bytes, base: bytes, said: Iterable[tuple[int, bytes]], like: Sequence[int] = ()
) -> Delta:
    """Take apart a request.

    A conversation grows in the same way from turn to turn: what follows the last answer is
    replaced by as many answers as before, with the same bytes between them. So the pieces of the
    base say where this one differs and where it quotes; where they are wrong, it is looked for.

    Args:
        request: What was sent.
        base: An earlier request, or nothing.
        said: Answers that it may quote and the base does not, each with its number, in order.
        like: The pieces that `base` itself was taken apart into.
    """
    prefix = common_prefix(request, base, len(base) - like[-1] if like else 0)
    suffix = common_suffix(request, base, min(len(request), len(base)) - prefix)
    middle = request[prefix : len(request) - suffix]
    pieces: list[int] = []
    literals = []
    at = known = 0
    guesses = len(like)
    for number, answer in said:
        size = len(answer)
        if size < _QUOTABLE:
            continue
        found = at + like[known] if known < guesses else -1
        if found < 0 or not middle.startswith(answer, found):
            found = middle.find(answer, at)
        if found >= 0:
            pieces += (found - at, number)
            literals.append(middle[at:found])
            at = found + size
            known += 2
    if not literals:
        return Delta(prefix, suffix, [len(middle)], middle)
    pieces.append(len(middle) - at)
    literals.append(middle[at:])
    return Delta(prefix, suffix, pieces, b"".join(literals))


def restore(
    base: bytes,
    prefix: int,
    suffix: int,
    pieces: Sequence[int],
    literal: bytes,
    said: Callable[[int], bytes],
) -> bytes:
    """Undo `shrink`; `said` returns the answer of a number."""
    parts = [base[:prefix]]
    at = 0
    for place, piece in enumerate(pieces):
        if place % 2:
            parts.append(said(piece))
        else:
            parts.append(literal[at : at + piece])
            at += piece
    if suffix:
        parts.append(base[-suffix:])
    return b"".join(parts)
