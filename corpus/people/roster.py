"""The people of one record: who is named, and how their names are found in its text.

Names come from the labels, from the file, from `roster.txt`, from how people are introduced
("my name is", "Dr.", "my sister"), from lists of names, and from capitals on words that are none
of English. Not covered: a name that is also a word, opens its sentence and is introduced nowhere;
in captions without capitals, any name that is also a word; misspelt names in such captions that
make a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.data.files import family_names, first_names, load_yaml
from corpus.lexicon import harmless, is_ordinary, vocabulary
from corpus.people.capitals import (
    Word,
    is_caseless,
    names_by_capital,
    names_in_captions,
    opens,
    words_of,
)
from corpus.people.cues import (
    ambiguous,
    common_words,
    does_follow,
    introduced,
    introduced_small,
    is_person_at_start,
    names_follow,
    not_names,
)
from corpus.people.words import JOINERS, LOWER, NAME_INSIDE, UPPER
from corpus.recognisers import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_POINTS = frozenset(load_yaml("lexicon")["points"])
"""Words in captions after which a known name that is a word, too, is the name."""
_BEFORE = re.compile(
    rf"\b(?:(?:{'|'.join(word.capitalize() for word in sorted(JOINERS))}|[A-Z]\.|[A-Z]) )+$"
)
_SHORT_BEFORE = re.compile(rf"\b([{UPPER}][{LOWER}]{{1,2}}) $")


@dataclass
class Roster:
    """The names of one record, one word at a time, in plain form.

    `first` and `last` hold words by their place in a name, so that a surrogate can be of the same
    sort. The same word always stands for the same person: two Marias of one record share a
    surrogate.
    """

    first: set[str] = field(default_factory=set)
    last: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)
    """Words that labels, file and roster give: these are names even where they may be words."""
    caseless: bool = False
    """Whether the transcript has no capitals, as some automatic captions, or nothing else."""

    @property
    def words(self) -> set[str]:
        """All words of names."""
        return self.first | self.last

    def add(self, name: str, *, last: bool = False) -> None:
        """Add a person's name; with `last`, a single word is a family name ("Dr. Osei")."""
        for number, part in enumerate(_parts(name)):
            if part not in self.first and part not in self.last:
                (self.last if number > 0 or last else self.first).add(part)

    def know(self, name: str) -> None:
        """Add a name that labels, file or roster give."""
        self.add(name)
        self.known.update(_parts(name))

    def is_person(self, words: str) -> bool:
        """Tell whether `words` begin with the name of somebody known, or with a first name."""
        parts = _parts(words.split()[0])
        return any(part in self.known or part in first_names() for part in parts)

    def find(self, text: str) -> list[Finding]:
        """Return where names stand in `text`, one finding for each run of names."""
        found: list[Finding] = []
        words, names = words_of(text), self.words
        unsure = {word.start for word in names_by_capital(text, words)}
        for number, word in enumerate(words):
            parts = {word.plain, *word.plain.split("-"), word.plain.removesuffix("s")}
            if parts & names and self._is_name(word, text, words[:number], unsure):
                _join(found, text, word)
        return [_from_start(text, one) for one in found]

    def _is_name(self, word: Word, text: str, before: Sequence[Word], capitals: set[int]) -> bool:
        if self.caseless:
            return self._is_name_in_captions(word, before, text)
        if word.start in capitals:
            return True
        if word.written.isupper() and len(word.plain) > 1:
            return word.plain in self.known or word.plain not in vocabulary()
        if not word.written[0].isupper():
            return word.plain not in vocabulary() and word.plain not in harmless()
        if word.plain not in ambiguous() and word.plain not in vocabulary():
            return True
        if not opens(text, word.start):
            return True
        if word.plain in self.known or word.plain in ambiguous():
            return is_person_at_start(word, text, known=word.plain in self.known)
        return False

    def _is_name_in_captions(self, word: Word, before: Sequence[Word], text: str) -> bool:
        if word.plain not in vocabulary():
            return True
        if word.plain not in self.known:
            return False
        if word.plain not in common_words():
            return True
        previous = before[-1].plain if before else ""
        pointed_at = previous in _POINTS or previous in self.known
        if pointed_at or text[word.end : word.end + 2] in {"'s", "’s"}:
            return True
        return (not previous or previous in names_follow()) and does_follow(text, word.end)


def roster_of(names: Iterable[str], texts: Sequence[str]) -> Roster:
    """Gather the names of one record from what is known and from its own words."""
    roster = Roster(caseless=is_caseless(texts))
    for name in names:
        roster.know(name)
    for text in texts:
        if NAME_INSIDE.search(text):
            for name, is_last in introduced(text):
                roster.add(name, last=is_last)
        words = words_of(text)
        if roster.caseless:
            _add_captions(roster, text, words)
        else:
            _add_cased(roster, text, words)
    return roster


def suspects(texts: Iterable[str], roster: Roster) -> list[str]:
    """Return words that nothing explains, for the reviewer's eye.

    They are words all in capitals, which may be a firm or a place, and those with a capital inside
    a sentence that are listed as harmless without being words of English.
    """
    found: dict[str, None] = {}
    for text in texts:
        for word in () if roster.caseless else words_of(text):
            inside = word.has_capital and not opens(text, word.start)
            shouted = word.written.isupper() and len(word.plain) > 1
            if (shouted or inside) and word.plain not in _explained():
                found[text[word.start : word.end]] = None
    return list(found)


@lru_cache(maxsize=1)
def _explained() -> frozenset[str]:
    return vocabulary() | not_names()


def _add_cased(roster: Roster, text: str, words: Sequence[Word]) -> None:
    """Add what capitals tell, one name for each run of them, and known names in small letters."""
    for run in _runs(text, names_by_capital(text, words)):
        roster.add(" ".join(one.written for one in run))
    small = [word for word in words if word.written.islower()]
    for word in small:
        if _is_listed(word.plain):
            roster.add(word.plain, last=word.plain not in first_names())
    for word in words:
        if _opens_as_person(word, text):
            roster.add(word.plain)
    if not all(is_ordinary(word.plain) for word in small):
        for name in introduced_small(text):
            roster.add(name)


def _runs(text: str, words: Sequence[Word]) -> list[list[Word]]:
    """Put words together that only a blank parts."""
    runs: list[list[Word]] = []
    for word in words:
        if runs and text[runs[-1][-1].end : word.start] == " ":
            runs[-1].append(word)
        else:
            runs.append([word])
    return runs


def _opens_as_person(word: Word, text: str) -> bool:
    """Tell a name that is a word, too, and opens its sentence as a person would."""
    if not word.has_capital or word.plain not in ambiguous() or not opens(text, word.start):
        return False
    return is_person_at_start(word, text, known=False)


def _add_captions(roster: Roster, text: str, words: Sequence[Word]) -> None:
    for word in names_in_captions(words):
        roster.add(word.plain, last=word.plain in family_names())
    for name in introduced_small(text.lower()):
        roster.add(name)


def _is_listed(word: str) -> bool:
    """Tell a listed name that is nothing else, even in small letters."""
    listed = word in first_names() or (len(word) > 4 and word in family_names())
    return listed and word not in vocabulary() and word not in harmless()


def _parts(name: str) -> list[str]:
    """Return the words of a name in plain form, without joining words and initials."""
    parts = [word.plain for word in words_of(name)]
    kept = [part for part in parts if len(part) > 1 and part not in not_names()]
    return [part for part in kept if part not in JOINERS] or kept


def _join(found: list[Finding], text: str, word: Word) -> None:
    """Put a word of a name to the list, or to the name before it."""
    if found and _joined(text[found[-1].end : word.start]):
        found[-1] = Finding("name", found[-1].start, word.end)
    else:
        found.append(Finding("name", word.start, word.end))


def _from_start(text: str, found: Finding) -> Finding:
    """Take in what a name begins with: "Van Houten", "Te Rangi", "T. Blackwood", "Li Wei"."""
    window = max(0, found.start - 12)
    before = _BEFORE.search(text, window, found.start)
    short = _SHORT_BEFORE.search(text, window, found.start)
    if before and before[0].strip() != "I":
        return Finding("name", before.start(), found.end)
    if short and short[1].lower() not in vocabulary() | harmless():
        return Finding("name", short.start(), found.end)
    return found


def _joined(between: str) -> bool:
    if between == " ":
        return True
    words = between.split()
    short = bool(words) and between.startswith(" ") and between.endswith(" ") and len(words) < 3
    return short and all(word in JOINERS or re.fullmatch(r"[A-Z]\.", word) for word in words)
