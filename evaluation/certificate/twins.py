"""Replies beside their twins: padded, made worse, or with a plea for a score in them."""

from __future__ import annotations

import random
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

from domain.base import seed_of
from evaluation.certificate.material import HOLE, Worse, material, padded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from evaluation.certificate.bases import Base
    from evaluation.certificate.item import JudgeItem

SOUND, BELITTLING = "sound reply", "belittling reply"
"""What payloads ride on: a good reply, and one with room to rise."""


class Twin(NamedTuple):
    """A reply and what became of it; `group` is what the pair is not independent of."""

    kind: str
    plain: JudgeItem
    changed: JudgeItem
    group: str


class Trials(NamedTuple):
    """All that a judge is asked about one run's replies."""

    bases: tuple[Base, ...]
    padded: tuple[Twin, ...]
    worse: tuple[Twin, ...]
    injected: dict[str, tuple[Twin, ...]]
    """By what the payload rides on; the group of a twin is its payload."""

    def items(self) -> dict[str, JudgeItem]:
        """Return every reply once, by the name of its verdicts."""
        twins = chain(self.padded, self.worse, *self.injected.values())
        items = [base.item for base in self.bases]
        items += [item for twin in twins for item in (twin.plain, twin.changed)]
        return {item.answer.judged_id: item for item in items}


def trials_of(bases: Sequence[Base], seed: int) -> Trials:
    """Make the twins; the same bases and seed make the same."""
    sound = [base for base in bases if base.sound]
    worse = {kind.key: tuple(_worse(sound, kind, seed)) for kind in material().worse}
    carriers = {
        SOUND: [base.item for base in sound],
        BELITTLING: [twin.changed for twin in worse["belittling"]],
    }
    return Trials(
        bases=tuple(bases),
        padded=tuple(_padded(bases, seed)),
        worse=tuple(chain.from_iterable(worse.values())),
        injected={name: tuple(_injected(items)) for name, items in carriers.items()},
    )


def _padded(bases: Sequence[Base], seed: int) -> Iterator[Twin]:
    for base in bases:
        dice = random.Random(seed_of(seed, "padded", base.item.answer.judged_id))
        text = padded(base.item.text, dice)
        yield Twin("padded", base.item, with_text(base.item, text), base.group)


def _worse(sound: Sequence[Base], kind: Worse, seed: int) -> Iterator[Twin]:
    for base in sound:
        dice = random.Random(seed_of(seed, kind.key, base.item.answer.judged_id))
        text = dice.choice(kind.lines) if kind.lines else _elsewhere(base, sound, dice)
        if text:
            yield Twin(kind.key, base.item, with_text(base.item, text), base.group)


def _elsewhere(base: Base, sound: Sequence[Base], dice: random.Random) -> str:
    """Return a reply to another scenario, on another topic where there is one; or nothing."""
    others = [one for one in sound if one.group != base.group and one.item.text != base.item.text]
    topic = base.item.context.topic
    far = [one for one in others if one.item.context.topic != topic]
    return dice.choice(far or others).item.text if others else ""


def _injected(carriers: Sequence[JudgeItem]) -> Iterator[Twin]:
    """Yield a twin for every payload; carriers take turns."""
    listed = [(kind, text) for kind, texts in material().payloads.items() for text in texts]
    for number, (kind, payload) in enumerate(listed):
        plain = carriers[number % len(carriers)]
        text = payload.replace(HOLE, plain.text)
        yield Twin(kind, plain, with_text(plain, text), f"payload {number}")


def with_text(item: JudgeItem, text: str) -> JudgeItem:
    """Return another reply in the same place."""
    return item.model_copy(update={"text": text})
