"""Sameness and variety of words: self-BLEU, MATTR, distinct-n."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ORDER = 4
"""BLEU's longest runs of words."""
WINDOW = 50
"""Words of MATTR's window, as in Covington and McFall's examples."""

_Runs = Counter[tuple[str, ...]]


def self_bleu(texts: Sequence[str]) -> float:
    """Return the mean BLEU of each text against all others, 0 to 1; higher is more alike.

    Zhu et al., "Texygen", SIGIR 2018, with BLEU of Papineni et al., ACL 2002: runs of up to four
    words, clipped by the reference that has most of them, and the brevity penalty of the nearest
    length. An order without a match counts half a match (Chen and Cherry, WMT 2014, method 1, with
    0.5). Texts under four words say nothing and are left out. The value grows with the number of
    texts: compare equal numbers only.

    The most and second most often that any text holds a run are counted once, which is what makes
    it linear in the words rather than quadratic in the texts.
    """
    said = [words(text) for text in texts]
    said = [one for one in said if len(one) >= ORDER]
    if len(said) < 2:
        return 0.0
    counted = [[_runs(one, n) for n in range(1, ORDER + 1)] for one in said]
    tops = [_tops(held[n] for held in counted) for n in range(ORDER)]
    lengths = Counter(map(len, said))
    return sum(
        _bleu(held, tops, _penalty(len(one), lengths))
        for one, held in zip(said, counted, strict=True)
    ) / len(said)


def _runs(said: Sequence[str], n: int) -> _Runs:
    return Counter(zip(*(said[shift:] for shift in range(n)), strict=False))


def _tops(held: Iterable[_Runs]) -> dict[tuple[str, ...], tuple[int, int]]:
    """Return for each run the two highest counts of it in one text."""
    tops: dict[tuple[str, ...], tuple[int, int]] = {}
    for runs in held:
        for run, count in runs.items():
            first, second = tops.get(run, (0, 0))
            if count > first:
                tops[run] = (count, first)
            elif count > second:
                tops[run] = (first, count)
    return tops


def _bleu(
    held: Sequence[_Runs],
    tops: Sequence[dict[tuple[str, ...], tuple[int, int]]],
    penalty: float,
) -> float:
    logs = 0.0
    for runs, top in zip(held, tops, strict=True):
        matched = 0
        for run, count in runs.items():
            first, second = top[run]
            among_others = second if count == first else first
            matched += min(count, among_others)
        logs += math.log(max(matched, 0.5) / runs.total())
    return penalty * math.exp(logs / len(held))


def _penalty(length: int, lengths: Counter[int]) -> float:
    """Return BLEU's brevity penalty against the nearest length of another text."""
    others = [other for other, count in lengths.items() if count > (other == length)]
    nearest = min(others, key=lambda other: (abs(other - length), other))
    return 1.0 if length >= nearest else math.exp(1 - nearest / length)


def mattr(texts: Sequence[str]) -> float:
    """Return the moving-average type-token ratio over windows of `WINDOW` words, 0 to 1.

    Covington and McFall, Journal of Quantitative Linguistics 17(2), 2010. Unlike a plain
    type-token ratio it does not fall with length. Each text is a speaker's words of one session;
    shorter ones are left out; the mean is over all windows.
    """
    total = windows = 0
    for text in texts:
        said = words(text)
        if len(said) < WINDOW:
            continue
        inside = Counter(said[:WINDOW])
        total += len(inside)
        windows += 1
        for old, new in zip(said, said[WINDOW:], strict=False):
            inside[new] += 1
            inside[old] -= 1
            if not inside[old]:
                del inside[old]
            total += len(inside)
            windows += 1
    return total / windows / WINDOW if windows else 0.0


def first_words(texts: Sequence[str], most: int) -> list[str]:
    """Return the first texts up to about `most` words: distinct-n needs equal amounts."""
    kept, count = [], 0
    for text in texts:
        if count >= most:
            break
        kept.append(text)
        count += len(words(text))
    return kept
