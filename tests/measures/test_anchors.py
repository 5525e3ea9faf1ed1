"""That looking only for phrases whose anchor stands in a text misses none."""

from __future__ import annotations

import random
from itertools import accumulate, chain

from benchmarks.prose import spoken
from measures.anchors import Anchors, places
from measures.lexicon import lists, written_out
from measures.phrases import Phrase, Place, phrases_of
from measures.tokens import normal, runs_of

TEXTS = 16


def texts() -> list[str]:
    """Return what people say in the examples, with phrases of the lists put between it."""
    dice = random.Random(3)
    written = [phrase for found in lists().values() for phrase in found]
    signs = str.maketrans({"(": " ", ")": " ", "/": " ", "*": "", ".": ""})
    said = list(spoken())
    mixed = []
    for _ in range(TEXTS):
        pieces = dice.sample(said, 4) + [one.translate(signs) for one in dice.sample(written, 8)]
        dice.shuffle(pieces)
        mixed.append(dice.choice([". ", " ", ", "]).join(pieces))
    return mixed


def test_every_phrase_is_found_that_a_search_word_by_word_finds() -> None:
    written = written_out()
    anchors = Anchors(written)
    phrases: list[Phrase] = []
    found_at_all = 0
    for name, found in written.items():
        phrases += phrases_of(name, found, len(phrases))
    for text in texts():
        runs = runs_of(normal(text))
        words, ends = list(chain.from_iterable(runs)), list(accumulate(map(len, runs)))
        expected: dict[str, list[Place]] = {}
        for phrase in phrases:
            first = phrase.parts[0]
            if not first.begins and first.whole.isdisjoint(words):
                continue
            for run, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
                for at, last in phrase.places(words, begin, end):
                    expected.setdefault(phrase.list_name, []).append((at, phrase.number, run, last))
        called = anchors.called(words)
        for name in written:
            met = places(called.get(name, ()), words, ends)
            assert met == sorted(expected.get(name, []))
            found_at_all += len(met)
    assert found_at_all > 20 * TEXTS
