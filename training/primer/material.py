"""Reads the primer's words, patterns and rules."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from training.primer.inflect import Verb, verb

if TYPE_CHECKING:
    import random

_HERE = Path(__file__).parent
_WEIGHT = re.compile(r"(\d+) x (.*)")


@dataclass(frozen=True)
class Topic:
    """The words that belong to one subject of talk."""

    name: str
    things: tuple[str, ...]
    stuff: tuple[str, ...]
    verbs: tuple[Verb, ...]
    adjs: tuple[str, ...]


@dataclass(frozen=True)
class Material:
    """Everything that talks are made of."""

    topics: tuple[Topic, ...]
    shared: dict[str, list[str]]
    syllables: dict[str, list[str]]
    patterns: dict[str, list[str]]
    rules: dict[str, tuple[list[str], list[float]]]
    """What a rule can become, and how often it does, added up."""


@functools.cache
def material() -> Material:
    """Read the words and the patterns, once."""
    words, patterns, speech = _read("words.yaml"), _read("grammar.yaml"), _read("speech.yaml")
    topics = tuple(
        Topic(
            name,
            tuple(lists["things"]),
            tuple(lists["stuff"]),
            tuple(verb(entry) for entry in lists["verbs"]),
            tuple(lists["adjs"]),
        )
        for name, lists in words["topics"].items()
    )
    shared = {key: [str(word) for word in values] for key, values in words["shared"].items()}
    rules = {name: _weighted(options) for name, options in speech.items()}
    return Material(topics, shared, words["syllables"], patterns, rules)


def source_bytes() -> bytes:
    """All that a talk depends on, for hashing: the data and the code that fills it."""
    names = sorted(path for path in _HERE.iterdir() if path.suffix in (".py", ".yaml"))
    return b"\0".join(path.read_bytes() for path in names)


def coined(dice: random.Random) -> str:
    """Make up a word of one or two open syllables and an ending, such as `brindle`."""
    parts = material().syllables
    beats = [
        dice.choice(parts["onsets"]) + dice.choice(parts["vowels"])
        for _ in range(dice.choice([1, 2, 2]))
    ]
    return "".join(beats) + dice.choice(parts["codas"])


def _read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / name).read_text(encoding="utf-8"))
    loaded.pop("source")
    return loaded


def _weighted(options: list[str]) -> tuple[list[str], list[float]]:
    """Split `3 x text` into the text and its share, added up for `random.choices`."""
    texts, total, sums = [], 0.0, []
    for option in options:
        match = _WEIGHT.fullmatch(str(option))
        total += float(match[1]) if match else 1.0
        texts.append(match[2] if match else str(option))
        sums.append(total)
    return texts, sums
