"""Phrases as people write them, and where they occur in a run of words.

A phrase is written with four signs that a clinician can learn in a minute:

- `a/b/c`: one of these words
- `(word)`: this word or nothing; `(a/b c)`: one of these or nothing
- `word*`: any word that begins so
- `...`: up to three words in between

All phrases of all lists stand in one index by their first word, so that a run of words is walked
once, whatever the number of lists.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

GAP = 3
"""Words that `...` may stand for, at most."""
PAIRS = 65536
"""Pairs of neighbouring words whose candidates an index keeps, at most."""

_SPACED = re.compile(r"\(([^()]* [^()]*)\)")


Place = tuple[str, int, int, str]
"""Where a phrase occurs: its list, the first word's number, the one after the last, the words.

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
    """A phrase after its first word.

    `second` holds the words that must follow, and `later` those of which one must come somewhere
    after; None where that is not sure.
    """

    list_name: str
    rest: tuple[_Part, ...]
    second: frozenset[str] | None
    later: frozenset[str] | None

    @classmethod
    def of(cls, list_name: str, rest: tuple[_Part, ...]) -> _Phrase:
        second = rest[0].whole if rest and rest[0].sure else None
        later = next((part.whole for part in reversed(rest) if part.sure), None)
        return cls(list_name, rest, second, later)


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


class PhraseIndex:
    """Phrases by their whole first word, and by the three letters that a beginning starts with.

    Args:
        lists: Phrases by list name, in lower case.
    """

    def __init__(self, lists: Mapping[str, Sequence[str]]) -> None:
        self._by_word: dict[str, list[_Phrase]] = defaultdict(list)
        self._by_letters: dict[str, list[tuple[str, _Phrase]]] = defaultdict(list)
        for list_name, phrases in lists.items():
            for text in (plain for phrase in phrases for plain in _expanded(phrase)):
                self._add(list_name, [_part(piece) for piece in text.split()])
        self._begun = lru_cache(maxsize=PAIRS)(self._beginning)

    def _add(self, list_name: str, parts: list[_Part]) -> None:
        while parts:  # an optional first word gives a second phrase without it
            first, phrase = parts[0], _Phrase.of(list_name, tuple(parts[1:]))
            for word in first.whole:
                self._by_word[word].append(phrase)
            for letters in first.begins:
                self._by_letters[letters[:3]].append((letters, phrase))
            parts = parts[1:] if first.optional else []

    def places(self, words: Sequence[str]) -> Iterator[Place]:
        """Yield where phrases occur in a run of words that no end of a sentence breaks."""
        heard = frozenset(words)
        for at, (word, after) in enumerate(zip_longest(words, words[1:], fillvalue="")):
            for phrase in self._begun(word, after):
                if phrase.later is not None and heard.isdisjoint(phrase.later):
                    continue
                end = _end(phrase.rest, words, at + 1)
                if end is not None:
                    yield phrase.list_name, at, end, " ".join(words[at:end])

    def _beginning(self, word: str, after: str) -> tuple[_Phrase, ...]:
        """Return the phrases that may begin with `word` when `after` follows it."""
        begun = self._by_word.get(word, [])
        longer = self._by_letters.get(word[:3], ())
        begun = begun + [phrase for letters, phrase in longer if word.startswith(letters)]
        return tuple([one for one in begun if one.second is None or after in one.second])


def _end(parts: Sequence[_Part], words: Sequence[str], at: int) -> int | None:
    """Return the position after the last word of the phrase `parts` at `at`, or None."""
    if not parts:
        return at
    part, rest = parts[0], parts[1:]
    if part.gap:
        furthest = min(at + GAP, len(words))
        ends = (_end(rest, words, begin) for begin in range(at, furthest + 1))
        return next((end for end in ends if end is not None), None)
    if at < len(words) and (
        words[at] in part.whole or (part.begins and words[at].startswith(part.begins))
    ):
        return _end(rest, words, at + 1)
    return _end(rest, words, at) if part.optional else None
