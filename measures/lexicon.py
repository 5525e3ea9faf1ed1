"""The word lists in `lexicons/*.yaml`, and where their phrases occur in a text.

How a phrase is written stands in `measures/phrases.py`. Phrases never cross the end of a sentence.
Under `words:` a file holds plain sets of words instead.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from domain.errors import PackError
from measures.phrases import PhraseIndex, Place
from measures.tokens import KEPT, normal

if TYPE_CHECKING:
    from collections.abc import Mapping

SENTENCES = 16384
"""Sentences whose phrases are kept: speakers use the same ones in many sessions."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_END = re.compile(r"[.!?]+")


class Hit(NamedTuple):
    """One place where a phrase occurs: the sentence's number, and its first and last word's."""

    sentence: int
    start: int
    end: int
    text: str


def _bad(where: str, what: str, got: object, expected: str) -> PackError:
    return PackError(
        what,
        where=where,
        expected=expected,
        got=repr(got),
        mend="Correct the file; the signs are explained in measures/phrases.py.",
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
def _index() -> PhraseIndex:
    return PhraseIndex({name: [normal(one) for one in found] for name, found in lists().items()})


class _Sentence(NamedTuple):
    """The number of words of a sentence, the phrases in it, and the lists that they stand in."""

    length: int
    places: tuple[Place, ...]
    names: frozenset[str]


@lru_cache(maxsize=SENTENCES)
def _sentence(text: str) -> _Sentence:
    """Find the phrases of one sentence; kept, because turns are read whole and by sentences."""
    heard = _WORD.findall(text)
    places = tuple(_index().places(heard))
    return _Sentence(len(heard), places, frozenset(place[0] for place in places))


@lru_cache(maxsize=KEPT)
def _sentences(text: str) -> tuple[_Sentence, ...]:
    return tuple(_sentence(part.strip()) for part in _END.split(normal(text)))


@lru_cache(maxsize=KEPT)
def _names(text: str) -> frozenset[str]:
    """Return the lists that have a phrase in `text`."""
    named = [sentence.names for sentence in _sentences(text) if sentence.names]
    return named[0] if len(named) == 1 else frozenset[str]().union(*named)


@lru_cache(maxsize=KEPT)
def hits(text: str) -> Mapping[str, tuple[Hit, ...]]:
    """Return where the phrases of every list occur in `text`; lists without a hit are absent."""
    found: dict[str, list[Hit]] = defaultdict(list)
    begin = 0
    for number, sentence in enumerate(_sentences(text)):
        for name, start, end, said in sentence.places:
            found[name].append(Hit(number, begin + start, begin + end, said))
        begin += sentence.length + 1  # the mark that ends a sentence counts as a word
    return {name: tuple(places) for name, places in found.items()}


def has(text: str, *names: str) -> bool:
    """Tell whether a phrase of any of the lists `names` occurs in `text`."""
    return not _names(text).isdisjoint(names)


def count(text: str, *names: str) -> int:
    """Count the places where phrases of the lists `names` occur in `text`."""
    wanted = _names(text).intersection(names)
    if not wanted:
        return 0
    return sum(
        len({(name, start) for name, start, *_ in sentence.places if name in wanted})
        for sentence in _sentences(text)
    )


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
