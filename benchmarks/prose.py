"""English of a chosen length, made from the example transcripts, new in every turn.

A chain of word pairs over the transcripts in `examples/`: real words in a plausible order. One
repeated text would flatter every cache and every compressor; `tests/benchmarks` holds how well
zlib packs a turn of it against how well it packs a real one.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import orjson

TRANSCRIPTS = Path(__file__).resolve().parent.parent / "examples" / "transcripts"

_CUE = re.compile(r"^\d+$|-->|^WEBVTT|^NOTE")
_SPEAKER = re.compile(r"<[^>]*>|^[A-Z][\w' .-]{0,30}:\s*")
_STRANGE = re.compile(r"[^A-Za-z',.?! ]")
_SHORTEST, _LONGEST = 2, 10


@cache
def spoken() -> tuple[str, ...]:
    """Return what is said in the example transcripts, one string for each line or message."""
    said = []
    for path in sorted(TRANSCRIPTS.iterdir()):
        if path.suffix in {".vtt", ".srt"}:
            said += path.read_text(encoding="utf-8").splitlines()
        elif path.suffix == ".jsonl":
            for line in path.read_bytes().splitlines():
                said += [turn["content"] for turn in orjson.loads(line).get("messages", ())]
    lines = (_STRANGE.sub("", _SPEAKER.sub("", line)) for line in said if not _CUE.search(line))
    return tuple(" ".join(line.split()) for line in lines if line.strip())


class Prose:
    """An endless supply of text; the same seed gives the same text."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)
        self._after: dict[str, list[str]] = defaultdict(list)
        self._by_length: dict[int, list[str]] = defaultdict(list)
        words = " ".join(spoken()).split()
        for word, following in itertools.pairwise(words):
            self._after[word].append(following)
            if word.isalpha() and word.islower():
                self._by_length[len(word)].append(word)
        self._word = words[0]

    def piece(self, length: int, end: str = ".") -> str:
        """Return text of exactly `length` characters that ends with `end`."""
        room = length - len(end)
        text = self._next().capitalize()
        while room - len(text) > _LONGEST:
            text = f"{text} {self._next()}"[: room - _SHORTEST]
        missing = room - len(text) - 1
        last = self._dice.choice(self._by_length[missing]) if missing > 0 else ""
        return f"{text.rstrip()} {last}".ljust(room, "s")[:room] + end

    def _next(self) -> str:
        following = self._after.get(self._word)
        self._word = self._dice.choice(following or ["and"])
        return self._word
