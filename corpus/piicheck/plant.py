"""Makes sessions with planted identifiers: what is said, where each stands, and who is known."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.piicheck.forms import Writer
from corpus.piicheck.material import DRAWN_SLOTS, NAME_SLOTS, SLOT, Material

if TYPE_CHECKING:
    from collections.abc import Iterator

PLANTED_PER_SESSION = 10
CAPTIONS_SHARE = 0.25
"""Sessions written as some automatic captions are: without capitals and without most marks."""
_CAPTION_MARKS = str.maketrans("", "", ",?!;.:")


@dataclass(frozen=True)
class Planted:
    """One identifier: `start` and `end` count characters of text number `text`."""

    kind: str
    text: int
    start: int
    end: int
    case: tuple[str, str]
    """The sentence and the format it was planted with; equal cases are not independent."""


@dataclass(frozen=True)
class PlantedSession:
    """The turns of one invented session, and the names that its file would know."""

    texts: tuple[str, ...]
    names: tuple[str, ...]
    planted: tuple[Planted, ...]


@dataclass(frozen=True)
class _Cast:
    """Who is who in one session, by slot."""

    slots: dict[str, str]

    @property
    def known(self) -> tuple[str, ...]:
        return (self.slots["client_full"], self.slots["therapist_full"])


def sessions_of(material: Material, repeats: int, seed: int) -> Iterator[PlantedSession]:
    """Yield sessions in which each sentence of the material stands `repeats` times in all."""
    rng = random.Random(seed)
    queue = [sentence for _ in range(repeats) for sentence in _shuffled(material.sentences, rng)]
    for at in range(0, len(queue), PLANTED_PER_SESSION):
        yield _session(material, queue[at : at + PLANTED_PER_SESSION], rng)


def _shuffled(lines: tuple[str, ...], rng: random.Random) -> list[str]:
    return rng.sample(lines, len(lines))


def _session(material: Material, sentences: list[str], rng: random.Random) -> PlantedSession:
    cast, writer = _cast(material, rng), Writer(material, rng)
    lines = [*sentences, *rng.sample(material.fillers, min(14, len(material.fillers)))]
    rng.shuffle(lines)
    captions = rng.random() < CAPTIONS_SHARE
    texts, planted = [], []
    for number, line in enumerate(lines):
        text, own = _filled(line, number, cast, writer, captions=captions)
        texts.append(text)
        planted += own
    return PlantedSession(tuple(texts), cast.known, tuple(planted))


def _cast(material: Material, rng: random.Random) -> _Cast:
    first, last = (rng.sample(pool, 4) for pool in (material.people.first, material.people.last))
    slots: dict[str, str] = {}
    for number, who in enumerate(("client", "therapist", "other")):
        slots[f"{who}_first"], slots[f"{who}_last"] = first[number], last[number]
        slots[f"{who}_full"] = f"{first[number]} {last[number]}"
    slots["other"], slots["other2"] = first[2], first[3]
    return _Cast(slots)


def _filled(
    line: str, number: int, cast: _Cast, writer: Writer, *, captions: bool
) -> tuple[str, list[Planted]]:
    """Return the line with its slots filled, and where they are."""
    made, planted, at = "", [], 0
    for match in SLOT.finditer(line):
        made += _written(line[at : match.start()], captions=captions)
        kind, value, form = _value(match[1], cast, writer)
        value = value.lower() if captions else value
        planted.append(Planted(kind, number, len(made), len(made) + len(value), (line, form)))
        made += value
        at = match.end()
    return made + _written(line[at:], captions=captions), planted


def _value(slot: str, cast: _Cast, writer: Writer) -> tuple[str, str, str]:
    if slot in NAME_SLOTS:
        return NAME_SLOTS[slot], cast.slots[slot], slot
    if slot in DRAWN_SLOTS:
        pool: tuple[str, ...] = getattr(writer.material, DRAWN_SLOTS[slot])
        return slot, writer.rng.choice(pool), slot
    value, form = writer.write(slot)
    return slot, value, form


def _written(text: str, *, captions: bool) -> str:
    return text.lower().translate(_CAPTION_MARKS) if captions else text
