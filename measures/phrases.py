"""Phrases as people write them, and where they occur in a run of words.

A phrase is written with four signs that a clinician can learn in a minute:

- `a/b/c`: one of these words
- `(word)`: this word or nothing; `(a/b c)`: one of these or nothing
- `word*`: any word that begins so
- `...`: up to three words in between

Of the thousands of phrases, a text holds few; which may stand in it is told by their anchors
(`measures/anchors.py`), and only those are looked for word by word.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

GAP = 3
"""Words that `...` may stand for, at most."""

_SPACED = re.compile(r"\(([^()]* [^()]*)\)")


Place = tuple[int, int, int, int]
"""Where a phrase occurs: the first word's number, the phrase's, the run's, the number after the
last word's. So places sort by where they begin, and then as phrases are listed.

A plain tuple, because thousands are kept, and those the garbage collector passes over.
"""


class Part(NamedTuple):
    """One element of a phrase: whole words, beginnings of words, whether it may be missing."""

    whole: frozenset[str]
    begins: tuple[str, ...]
    optional: bool
    gap: bool

    @property
    def sure(self) -> bool:
        """Whether one of its whole words must follow, and nothing else may."""
        return not (self.gap or self.optional or self.begins)


class Phrase(NamedTuple):
    """A phrase of a list, part by part."""

    list_name: str
    number: int
    parts: tuple[Part, ...]

    def places(self, words: Sequence[str], begin: int, end: int) -> Iterator[tuple[int, int]]:
        """Yield where it occurs in a run of a text: its first word's number, and after its last's.

        Args:
            words: The text's words.
            begin: The number of the run's first word.
            end: The number after its last.
        """
        whole, begins = self.parts[0].whole, self.parts[0].begins
        for at in range(begin, end):
            if words[at] in whole or (begins and words[at].startswith(begins)):
                last = end_of(self.parts[1:], words, at + 1, end)
                if last is not None:
                    yield at, last


def phrases_of(list_name: str, texts: Sequence[str], number: int) -> list[Phrase]:
    """Return the phrases of a list as they are looked for, numbered on from `number`.

    An optional first word gives a second phrase without it.
    """
    found: list[Phrase] = []
    for text in (plain for phrase in texts for plain in _expanded(phrase)):
        parts = tuple(map(_part, text.split()))
        while parts:
            first = parts[0]._replace(optional=False)
            found.append(Phrase(list_name, number + len(found), (first, *parts[1:])))
            parts = parts[1:] if parts[0].optional else ()
    return found


def _part(text: str) -> Part:
    if text == "...":
        return Part(frozenset(), (), optional=False, gap=True)
    optional = text.startswith("(") and text.endswith(")")
    choices = text.strip("()").split("/")
    whole = frozenset(choice for choice in choices if not choice.endswith("*"))
    begins = tuple(choice[:-1] for choice in choices if choice.endswith("*"))
    return Part(whole, begins, optional=optional, gap=False)


def _expanded(phrase: str) -> list[str]:
    """Write out `(a lot of/some)`, which holds words with spaces, as phrases of their own."""
    found = _SPACED.search(phrase)
    if found is None:
        return [phrase]
    head, tail = phrase[: found.start()], phrase[found.end() :]
    choices = ["", *found.group(1).split("/")]
    return [text for choice in choices for text in _expanded(f"{head} {choice} {tail}")]


def end_of(parts: Sequence[Part], words: Sequence[str], at: int, stop: int) -> int | None:
    """Return the position after the last word of `parts` from `at` on, before `stop`, or None."""
    for number, (whole, begins, optional, gap) in enumerate(parts):
        if gap:
            rest = parts[number + 1 :]
            ends = (
                end_of(rest, words, begin, stop) for begin in range(at, min(at + GAP, stop) + 1)
            )
            return next((end for end in ends if end is not None), None)
        if at < stop and (words[at] in whole or (begins and words[at].startswith(begins))):
            at += 1
        elif not optional:
            return None
    return at
