"""The word lists in `lexicons/*.yaml`.

How a phrase is written stands in `measures/phrases.py`. Under `words:` a file holds plain sets of
words instead.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from domain.errors import PackError
from measures.anchors import Anchors
from measures.quickyaml import QuickLoader
from measures.tokens import normal

if TYPE_CHECKING:
    from collections.abc import Mapping

_CLASS = re.compile(r"<(\w+)>")


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
            text = entry.read_text(encoding="utf-8")
            read = yaml.load(text, Loader=QuickLoader)  # noqa: S506 - a safe one
            sections = _checked(name, read)
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
def anchors() -> Anchors:
    """Return the phrases of all lists by their anchors."""
    return Anchors(written_out())


def written_out() -> dict[str, list[str]]:
    """Return all phrases by list name, in lower case and without names of classes."""
    return {name: [_written_out(normal(one)) for one in found] for name, found in lists().items()}


def _written_out(phrase: str) -> str:
    """Put the words of a class for its name: `<family>` is `mother/father/…`."""
    return _CLASS.sub(lambda found: "/".join(_files()["words"][f"concepts.{found[1]}"]), phrase)


@lru_cache(maxsize=1)
def nothing() -> Mapping[str, Mapping[int, tuple[()]]]:
    """Return what is found of every list in a text that has none of their phrases."""
    return {name: {} for name in lists()}


@lru_cache(maxsize=64)
def word_set(name: str) -> frozenset[str]:
    """Return a list under `words:`, single words as a set, e.g. `stopwords.function`."""
    return frozenset(_files()["words"][name])
