"""Who is cast already, and whom a new persona is too like."""

from __future__ import annotations

from collections import defaultdict

from agents.caster import RUN
from measures.repetition import ngrams


class Kin:
    """Texts of personas by the runs of words in them, so that only kin are ever compared."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._holders: dict[tuple[str, ...], list[int]] = defaultdict(list)

    def add(self, text: str) -> None:
        """Add one persona's text."""
        at, runs = len(self._sizes), ngrams(text, RUN)
        self._sizes.append(len(runs))
        for run in runs:
            self._holders[run].append(at)

    def nearest(self, text: str) -> tuple[int, float]:
        """Return who is most like `text`, as a number in the order added, and how much; or (-1, 0).

        The measure is `agents.caster.likeness`.
        """
        runs = ngrams(text, RUN)
        shared: dict[int, int] = defaultdict(int)
        for run in runs:
            for at in self._holders.get(run, ()):
                shared[at] += 1
        rated = ((n / (len(runs) + self._sizes[at] - n), -at) for at, n in shared.items())
        best, minus = max(rated, default=(0.0, 1))
        return -minus, best
