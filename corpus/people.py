"""The people of one record: who is named, and how their names are found in its text.

Names come from the labels, from the file, from `roster.txt`, from how people are introduced
("my name is", "Dr.", "my sister"), and from a list of first names. Not covered: a name that is
also a word and that nobody introduces, a misspelt name, a nickname beside the name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from corpus.data.files import first_names, load_yaml
from corpus.recognisers import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_NAME = r"[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿA-Z'’-]*[a-zß-öø-ÿ]"
_NAMES = (
    rf"{_NAME}(?: (?:[A-Z]\. )?(?:(?:van|von|de|der|del|da|di|la|al|bin|el) ){{0,2}}{_NAME}){{0,2}}"
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$")
_CONTRACTION = re.compile(r"(?:n['’]t|['’](?:re|ve|ll|d|m))$|^I(?:-|['’])")
_JOINERS = {"van", "von", "de", "der", "del", "da", "di", "la", "al", "bin", "el"}
_OPENS = re.compile(r"(?:^|[.!?…:—-]['\"”)]?)\s*[\"“'(]?$")
_NAME_ENDS = re.compile(r"['’]s\b|[,.!?;]|$")


@dataclass
class Roster:
    """The names of one record, one word at a time, in small letters.

    `first` and `last` hold words by their place in a name, so that a surrogate can be of the same
    sort. The same word always stands for the same person: two Marias of one record share a
    surrogate.
    """

    first: set[str] = field(default_factory=set)
    last: set[str] = field(default_factory=set)
    lower_case: bool = False
    """Whether the transcript has no capitals, as some automatic captions."""

    @property
    def words(self) -> set[str]:
        """All words of names."""
        return self.first | self.last

    def add(self, name: str, *, last: bool = False) -> None:
        """Add a person's name; with `last`, a single word is a family name ("Dr. Osei")."""
        parts = [p for p in (_plain(t) for t in _TOKEN.findall(name)) if p and p not in _JOINERS]
        parts = [part for part in parts if len(part) > 1 and part not in _not_names()]
        for number, part in enumerate(parts):
            family = number > 0 or last
            if part not in self.words:
                (self.last if family else self.first).add(part)

    def find(self, text: str) -> list[Finding]:
        """Return where names stand in `text`, one finding for each run of names."""
        found: list[Finding] = []
        for token in _TOKEN.finditer(text):
            word = _POSSESSIVE.sub("", token[0])
            if not self._is_name(word, text, token.start()):
                continue
            end = token.start() + len(word)
            if found and _joined(text[found[-1].end : token.start()]):
                found[-1] = Finding("name", found[-1].start, end)
            else:
                found.append(Finding("name", token.start(), end))
        return found

    def _is_name(self, word: str, text: str, start: int) -> bool:
        plain = _plain(word)
        parts = {plain, *plain.split("-")} if "-" in plain else {plain}
        if not parts & self.words:
            return False
        if not word[0].isupper():
            return self.lower_case and plain not in _ambiguous()
        if plain in _ambiguous() and _OPENS.search(text[:start]):
            return bool(_NAME_ENDS.match(text, start + len(word)))
        return True


def roster_of(names: Iterable[str], texts: Sequence[str]) -> Roster:
    """Gather the names of one record from what is known and from its own words.

    A capitalised word after a first name is taken for the family name.
    """
    roster = Roster(lower_case=not any(sign.isupper() for text in texts for sign in text))
    for name in names:
        roster.add(name)
    for text in texts:
        for name, is_last in _introduced(text):
            roster.add(name, last=is_last)
        for name in _listed(text, small=roster.lower_case):
            roster.add(name)
    for text in texts:
        for match in re.finditer(rf"\b({_NAME})(?= ({_NAME}))", text):
            is_first = _plain(match[1]) in roster.first - _ambiguous()
            if is_first and _plain(match[2]) not in _not_names():
                roster.add(f"{match[1]} {match[2]}")
    return roster


def suspects(texts: Iterable[str], roster: Roster) -> list[str]:
    """Return capitalised words inside sentences that nothing explains, for the reviewer's eye."""
    found: dict[str, None] = {}
    for text in texts:
        for match in re.finditer(rf"(?<=[a-z,;] ){_NAME}", text):
            plain = _plain(match[0])
            known = plain in _not_names() or plain in roster.words
            if not known and not _CONTRACTION.search(match[0]):
                found[match[0]] = None
    return list(found)


def _plain(word: str) -> str:
    return _POSSESSIVE.sub("", word).replace("’", "'").lower()


def _joined(between: str) -> bool:
    return between == " " or (
        bool(re.fullmatch(r" [A-Z]\. | (?:\w+ ){1,2}", between))
        and (all(word in _JOINERS or word.endswith(".") for word in between.split()))
    )


@lru_cache(maxsize=1)
def _ambiguous() -> frozenset[str]:
    return frozenset(load_yaml("recognisers")["ambiguous"])


@lru_cache(maxsize=1)
def _not_names() -> frozenset[str]:
    return frozenset(load_yaml("recognisers")["not_names"])


@lru_cache(maxsize=1)
def _cues() -> dict[str, re.Pattern[str]]:
    data: dict[str, Any] = load_yaml("recognisers")["introductions"]

    def any_of(key: str) -> str:
        return "|".join(re.escape(cue) for cue in sorted(data[key], key=len, reverse=True))

    return {
        "strong": re.compile(rf"(?i:\b(?:{any_of('strong')})),? ({_NAMES})"),
        "small": re.compile(rf"(?i)\b(?:{any_of('strong')}),? ([a-z][a-z'’-]+)"),
        "plain": re.compile(rf"(?i:\b(?:{any_of('plain')}))(?:,| is| was|'s|’s)? ({_NAMES})"),
        "title": re.compile(rf"(?i:\b(?:{any_of('titles')}))\.? ({_NAMES})"),
        "does": re.compile(rf"(?<=[a-z,] )({_NAME}),? (?:{any_of('does')})\b"),
        "done_to": re.compile(rf"(?i:\b(?:{any_of('done_to')})) ({_NAMES})"),
        "spelt": re.compile(rf"\b({_NAME}),? (?:with (?:an?|one|two) \w\b|spelled|spelt)"),
        "iam": re.compile(rf"\b(?:I'm|I’m|I am) ({_NAMES})"),
    }


def _introduced(text: str) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether a family name) for each introduction in `text`."""
    cues = _cues()
    for key in ("strong", "plain", "does", "done_to", "spelt", "iam"):
        for match in cues[key].finditer(text):
            name = _leading_names(match[1])
            if name and (key != "iam" or _person_like(name, text[match.end() :])):
                yield name, False
    for match in cues["title"].finditer(text):
        name = _leading_names(match[1])
        yield name, len(name.split()) == 1 and _plain(name) not in first_names()
    for match in cues["small"].finditer(text):
        if _plain(match[1]) in first_names():
            yield match[1], False


def _leading_names(words: str) -> str:
    """Return the words up to the first that is no name: "Tom And" -> "Tom"."""
    kept: list[str] = []
    for word in words.split():
        if _plain(word) in _not_names() or _CONTRACTION.search(word):
            break
        kept.append(_POSSESSIVE.sub("", word))
    return " ".join(kept)


def _person_like(name: str, after: str) -> bool:
    """Tell "I'm Priya" from "I'm Lutheran": a known name, two words, or followed by a pause."""
    first = _plain(name.split()[0])
    if first in first_names() or first in _ambiguous() or len(name.split()) > 1:
        return True
    adjective = re.search(r"(?:an|ish|ese|ic|ed|ing|ful|less)$", first)
    return not adjective and bool(re.match(r"[,.]", after))


def _listed(text: str, *, small: bool) -> Iterator[str]:
    """Yield first names of the list; in captions without capitals, in small letters too."""
    for match in re.finditer(rf"\b{_NAME}", text):
        if _plain(match[0]) in first_names():
            yield match[0]
    if small:
        yield from (word for word in _TOKEN.findall(text) if word in first_names())
