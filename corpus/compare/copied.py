"""What a side has word for word from another: runs of eight words, the longest one, canaries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.compare.result import Copied
from measures.tokens import normal, runs_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from corpus.compare.side import Talk

RUN = 8
"""Words in a row that two people seldom say alike by chance; GPT-3's report looked at 8 to 13."""


@dataclass(frozen=True)
class Passage:
    """The longest passage of one talk that stands in the other side; none has 0 words."""

    talk: str
    words: int


class Source:
    """The runs of eight words of one side, to look others up in; hashes, not words, are kept."""

    def __init__(self, talks: Iterable[Talk]) -> None:
        self._runs = {run for talk in talks for turn in talk.turns for run in _runs(turn.text)}

    def copied_by(self, talks: Sequence[Talk]) -> tuple[Copied, tuple[Passage, ...]]:
        """Look every run of `talks` up; return the counts, and each talk's longest passage."""
        total = shared = sessions = 0
        passages = []
        for talk in talks:
            longest = 0
            for turn in talk.turns:
                hits = [run in self._runs for run in _runs(turn.text)]
                total += len(hits)
                shared += sum(hits)
                longest = max(longest, _longest(hits))
            sessions += longest > 0
            passages.append(Passage(talk.id, longest))
        most = max((passage.words for passage in passages), default=0)
        share = shared / total if total else 0.0
        return Copied(share=share, sessions=sessions, longest=most), tuple(passages)


def _runs(text: str) -> list[int]:
    said = [word for run in runs_of(normal(text)) for word in run]
    return list(map(hash, zip(*(said[shift:] for shift in range(RUN)), strict=False)))


def _longest(hits: Sequence[bool]) -> int:
    """Return the words of the longest passage all of whose runs were found; 0 for none."""
    best = length = 0
    for hit in hits:
        length = length + 1 if hit else 0
        best = max(best, length)
    return best + RUN - 1 if best else 0


def canaries_in(talks: Iterable[Talk], canaries: Sequence[str]) -> tuple[str, ...]:
    """Return which of `canaries`, planted in the real sessions, the talks say."""
    plain = {canary: f" {' '.join(_words(canary))} " for canary in canaries}
    found = set()
    for talk in talks:
        said = f" {' '.join(_words(talk.text))} "
        found |= {canary for canary, sought in plain.items() if sought.strip() and sought in said}
    return tuple(canary for canary in canaries if canary in found)


def _words(text: str) -> list[str]:
    return [word for run in runs_of(normal(text)) for word in run]
