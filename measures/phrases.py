"""Phrases as people write them, and where they occur in a run of words.

A phrase is written with four signs that a clinician can learn in a minute:

- `a/b/c`: one of these words
- `(word)`: this word or nothing; `(a/b c)`: one of these or nothing
- `word*`: any word that begins so
- `...`: up to three words in between

An index holds phrases by their first word, and below it by their second where it is known which
words can come second, so that a look-up for each word of a text, and another for the few that begin
a phrase, find those that may stand there.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP = 3
"""Words that `...` may stand for, at most."""

_SPACED = re.compile(r"\(([^()]* [^()]*)\)")


Place = tuple[int, int, int, int, str]
"""Where a phrase occurs: the first word's number, the phrase's, the run's, the number after the
last word's, the list. So places sort by where they begin, and then as phrases are listed.

A plain tuple, because thousands are kept, and those the garbage collector passes over.
"""


class _Part(NamedTuple):
    """One element of a phrase: whole words, beginnings of words, whether it may be missing."""

    whole: frozenset[str]
    begins: tuple[str, ...]
    optional: bool
    gap: bool

    @property
    def sure(self) -> bool:
        """Whether one of its whole words must follow, and nothing else may."""
        return not (self.gap or self.optional or self.begins)


class _Phrase(NamedTuple):
    """A phrase after its first `skip` words.

    `later` holds words of which one must come somewhere in `rest`; empty where that is not sure.
    """

    list_name: str
    number: int
    skip: int
    rest: tuple[_Part, ...]
    later: frozenset[str]


class _Entry(NamedTuple):
    """The phrases that a word or a pair may begin.

    One of `later` must be in the run for any of `gated` to stand there; `free` need none.
    """

    free: tuple[_Phrase, ...]
    gated: tuple[_Phrase, ...]
    later: frozenset[str]

    @classmethod
    def of(cls, phrases: Sequence[_Phrase]) -> _Entry:
        free = tuple(phrase for phrase in phrases if not phrase.later)
        gated = tuple(phrase for phrase in phrases if phrase.later)
        return cls(free, gated, frozenset[str]().union(*(phrase.later for phrase in gated)))


class _Head(NamedTuple):
    """What a word may begin: phrases whatever comes after it, and phrases by the next word."""

    alone: _Entry | None
    before: Mapping[str, _Entry]


def _part(text: str) -> _Part:
    if text == "...":
        return _Part(frozenset(), (), optional=False, gap=True)
    optional = text.startswith("(") and text.endswith(")")
    choices = text.strip("()").split("/")
    whole = frozenset(choice for choice in choices if not choice.endswith("*"))
    begins = tuple(choice[:-1] for choice in choices if choice.endswith("*"))
    return _Part(whole, begins, optional=optional, gap=False)


def _expanded(phrase: str) -> list[str]:
    """Write out `(a lot of/some)`, which holds words with spaces, as phrases of their own."""
    found = _SPACED.search(phrase)
    if found is None:
        return [phrase]
    head, tail = phrase[: found.start()], phrase[found.end() :]
    choices = ["", *found.group(1).split("/")]
    return [text for choice in choices for text in _expanded(f"{head} {choice} {tail}")]


def _second(rest: Sequence[_Part]) -> frozenset[str] | None:
    """Return the words of which one must come right after the first; None where any may."""
    found: frozenset[str] = frozenset()
    for part in rest:
        if part.gap or part.begins:
            return None
        found |= part.whole
        if not part.optional:
            return found
    return None


class PhraseIndex:
    """Phrases by how they begin.

    Args:
        lists: Phrases by list name, in lower case.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._number = 0
        self._found: dict[tuple[str, str], list[_Phrase]] = defaultdict(list)
        """By first and second word; the second is empty where it may be any."""
        self._letters: list[tuple[str, _Phrase]] = []
        for list_name, phrases in lists.items():
            for text in (plain for phrase in phrases for plain in _expanded(phrase)):
                self._add(list_name, [_part(piece) for piece in text.split()])
        entries: dict[str, dict[str, _Entry]] = defaultdict(dict)
        for (word, after), found in self._found.items():
            entries[word][after] = _Entry.of(found)
        self._heads = {word: _Head(own.pop("", None), own) for word, own in entries.items()}

    def _add(self, list_name: str, parts: list[_Part]) -> None:
        while parts:  # an optional first word gives a second phrase without it
            first, rest = parts[0], tuple(parts[1:])
            skip = 2 if rest and rest[0].sure else 1
            self._number += 1
            sure = [part.whole for part in rest[skip - 1 :] if part.sure]
            phrase = _Phrase(
                list_name, self._number, skip, rest[skip - 1 :], sure[-1] if sure else frozenset()
            )
            second = _second(rest)
            for word in first.whole:
                for after in ("",) if second is None else second:
                    self._found[word, after].append(phrase)
            whole = _Phrase(list_name, self._number, 1, rest, frozenset())
            self._letters += [(letters, whole) for letters in first.begins]
            parts = parts[1:] if first.optional else []

    def places(self, words: Sequence[str], ends: Sequence[int]) -> list[Place]:
        """Return where phrases occur in a text, in order.

        Args:
            words: Its words.
            ends: The numbers after the last words of its runs, which no end of a sentence breaks.
        """
        found: list[Place] = []
        runs: dict[int, frozenset[str]] = {}
        for at, (free, gated, later) in self._met(words):
            run = bisect_right(ends, at)
            end = ends[run]
            phrases = free
            if gated:
                heard = runs.get(run)
                if heard is None:
                    heard = runs[run] = frozenset(words[ends[run - 1] if run else 0 : end])
                if not heard.isdisjoint(later):
                    phrases += tuple([one for one in gated if not heard.isdisjoint(one.later)])
            for name, number, skip, rest, _ in phrases:
                last = _end(rest, words, at + skip, end) if rest else at + skip
                if last is not None and last <= end:
                    found.append((at, number, run, last, name))
        found.sort()
        return found

    def _met(self, words: Sequence[str]) -> list[tuple[int, _Entry]]:
        """Return what may begin at which word."""
        met: list[tuple[int, _Entry]] = []
        last = len(words) - 1
        begun = enumerate(map(self._heads.get, words))
        for at, head in [(at, head) for at, head in begun if head is not None]:
            alone, before = head
            if alone is not None:
                met.append((at, alone))
            if before and at < last:
                entry = before.get(words[at + 1])
                if entry is not None:
                    met.append((at, entry))
        for letters, phrase in self._letters:
            entry = _Entry.of([phrase])
            met += [(at, entry) for at, word in enumerate(words) if word.startswith(letters)]
        return met


def _end(parts: Sequence[_Part], words: Sequence[str], at: int, stop: int) -> int | None:
    """Return the position after the last word of `parts` from `at` on, before `stop`, or None."""
    for number, (whole, begins, optional, gap) in enumerate(parts):
        if gap:
            rest = parts[number + 1 :]
            ends = (_end(rest, words, begin, stop) for begin in range(at, min(at + GAP, stop) + 1))
            return next((end for end in ends if end is not None), None)
        if at < stop and (words[at] in whole or (begins and words[at].startswith(begins))):
            at += 1
        elif not optional:
            return None
    return at
