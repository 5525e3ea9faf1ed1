"""The word lists in `lexicons/*.yaml`, and where their phrases occur in a text.

A phrase is written as people speak, with four signs that a clinician can learn in a minute:

- `a/b/c`: one of these words
- `(word)`: this word or nothing; `(a/b c)`: one of these or nothing
- `word*`: any word that begins so
- `...`: up to three words in between

Phrases never cross the end of a sentence. All phrases of all lists stand in one index by their
first word, so that a text is walked once, whatever the number of lists. Under `words:` a file holds
plain sets of words instead.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from domain.errors import PackError
from measures.tokens import normal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

GAP = 3
"""Words that `...` may stand for, at most."""

_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*|[.!?]+")
_SPACED = re.compile(r"\(([^()]* [^()]*)\)")
_ENDS = ".!?"


class Hit(NamedTuple):
    """One place where a phrase occurs: the sentence's number, and its first and last word's."""

    sentence: int
    start: int
    end: int
    text: str


class _Part(NamedTuple):
    """One element of a phrase: whole words, beginnings of words, whether it may be missing."""

    whole: frozenset[str]
    begins: tuple[str, ...]
    optional: bool
    gap: bool

    def fits(self, word: str) -> bool:
        return word in self.whole or (bool(self.begins) and word.startswith(self.begins))


class _Phrase(NamedTuple):
    """A phrase after its first word. `second` holds the words that must follow, if that is sure."""

    list_name: str
    rest: tuple[_Part, ...]
    second: frozenset[str] | None

    @classmethod
    def of(cls, list_name: str, rest: tuple[_Part, ...]) -> _Phrase:
        sure = rest and not (rest[0].gap or rest[0].optional or rest[0].begins)
        return cls(list_name, rest, rest[0].whole if sure else None)


class _Index(NamedTuple):
    """Phrases by their whole first word, and by the three letters that a beginning starts with."""

    by_word: dict[str, list[_Phrase]]
    by_letters: dict[str, list[tuple[str, _Phrase]]]


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


def _bad(where: str, what: str, got: object, expected: str) -> PackError:
    return PackError(
        what,
        where=where,
        expected=expected,
        got=repr(got),
        mend="Correct the file; the signs are explained in measures/lexicon.py.",
    )


def _checked(name: str, data: Any) -> dict[str, dict[str, list[str]]]:  # noqa: ANN401 - raw YAML
    """Return the sections of one file, or refuse a missing source, an empty or a doubled entry."""
    where = f"measures/lexicons/{name}.yaml"
    if not isinstance(data, dict) or not data.get("source"):
        raise _bad(where, "the lexicon has no source", data, "a mapping with `source:`")
    sections = {key: data[key] for key in ("lists", "words") if data.get(key)}
    if not sections or set(data) - {"source", "lists", "words"}:
        raise _bad(where, "the lexicon has the wrong keys", sorted(data), "source, lists, words")
    for section in sections.values():
        for key, entries in section.items():
            _check_list(f"{where}: {key}", entries)
    return sections


def _check_list(where: str, entries: object) -> None:
    if not isinstance(entries, list) or not entries:
        raise _bad(where, "the list is empty", entries, "phrases")
    odd = [entry for entry in entries if not isinstance(entry, str)]
    if odd:
        raise _bad(where, "an entry is not text", odd, 'text; quote words such as "yes" and "no"')
    doubled = sorted({entry for entry in entries if entries.count(entry) > 1})
    if doubled:
        raise _bad(where, "an entry stands twice", doubled, "each entry once")


@lru_cache(maxsize=1)
def _files() -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Read every file: section -> `file.list` -> entries."""
    found: dict[str, dict[str, tuple[str, ...]]] = {"lists": {}, "words": {}}
    folder = files("measures").joinpath("lexicons")
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".yaml"):
            name = entry.name.removesuffix(".yaml")
            sections = _checked(name, yaml.safe_load(entry.read_text(encoding="utf-8")))
            for section, named in sections.items():
                for key, entries in named.items():
                    found[section][f"{name}.{key}"] = tuple(entries)
    return found


def lists() -> Mapping[str, tuple[str, ...]]:
    """Return all phrases by list name, `file.list`, e.g. `risk.stated`.

    Raises:
        PackError: A file has no source, an empty list or the same phrase twice.
    """
    return _files()["lists"]


@lru_cache(maxsize=1)
def _index() -> _Index:
    by_word: dict[str, list[_Phrase]] = defaultdict(list)
    by_letters: dict[str, list[tuple[str, _Phrase]]] = defaultdict(list)
    for list_name, phrases in lists().items():
        for text in (plain for phrase in phrases for plain in _expanded(normal(phrase))):
            parts = [_part(piece) for piece in text.split()]
            while parts:  # an optional first word gives a second phrase without it
                first, phrase = parts[0], _Phrase.of(list_name, tuple(parts[1:]))
                for word in first.whole:
                    by_word[word].append(phrase)
                for letters in first.begins:
                    by_letters[letters[:3]].append((letters, phrase))
                parts = parts[1:] if first.optional else []
    return _Index(dict(by_word), dict(by_letters))


def _end(parts: Sequence[_Part], tokens: Sequence[str], at: int) -> int | None:
    """Return the position after the last word of the phrase `parts` at `at`, or None."""
    if not parts:
        return at
    part, rest = parts[0], parts[1:]
    if part.gap:
        for skipped in range(GAP + 1):
            end = _end(rest, tokens, at + skipped)
            if end is not None:
                return end
            if at + skipped >= len(tokens) or tokens[at + skipped][0] in _ENDS:
                return None
        return None
    if at < len(tokens) and part.fits(tokens[at]):
        return _end(rest, tokens, at + 1)
    return _end(rest, tokens, at) if part.optional else None


@lru_cache(maxsize=16384)
def hits(text: str) -> Mapping[str, tuple[Hit, ...]]:
    """Return where the phrases of every list occur in `text`; lists without a hit are absent."""
    index, found = _index(), defaultdict(list)
    tokens = _TOKEN.findall(normal(text))
    sentence = 0
    for at, token in enumerate(tokens):
        if token[0] in _ENDS:
            sentence += 1
            continue
        candidates = list(index.by_word.get(token, ()))
        for letters, phrase in index.by_letters.get(token[:3], ()):
            if token.startswith(letters):
                candidates.append(phrase)
        after = tokens[at + 1] if at + 1 < len(tokens) else ""
        for phrase in candidates:
            if phrase.second is not None and after not in phrase.second:
                continue
            end = _end(phrase.rest, tokens, at + 1)
            if end is not None:
                hit = Hit(sentence, at, end, " ".join(tokens[at:end]))
                found[phrase.list_name].append(hit)
    return {name: tuple(places) for name, places in found.items()}


def has(text: str, *names: str) -> bool:
    """Tell whether a phrase of any of the lists `names` occurs in `text`."""
    found = hits(text)
    return any(name in found for name in names)


def count(text: str, *names: str) -> int:
    """Count the places where phrases of the lists `names` occur in `text`."""
    found = hits(text)
    return sum(len({hit.start for hit in found.get(name, ())}) for name in names)


def reported(sentence: str, name: str) -> bool:
    """Tell whether the first phrase of list `name` in a sentence is the client's view, told back.

    "You tell yourself that you should cope" is no advice.
    """
    found = hits(sentence)
    first = min((hit.start for hit in found.get(name, ())), default=0)
    return any(hit.end <= first for hit in found.get("reflections.reported", ()))


@lru_cache(maxsize=64)
def word_set(name: str) -> frozenset[str]:
    """Return a list under `words:`, single words as a set, e.g. `stopwords.function`."""
    return frozenset(_files()["words"][name])
