"""Keeps real records out of every blend, whole groups at a time, and draws scenarios from them."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from domain.base import seed_of
from domain.errors import BlendError
from domain.record import HeldOutContext, Quality, Record
from domain.turn import Speaker
from measures.tokens import words

if TYPE_CHECKING:
    from collections.abc import Sequence

CONTEXT_TURNS = 8
"""Turns of a scenario at most: what a reader needs to understand the last one."""
MIN_BEFORE = 3
"""Turns before the client's turn that is to be answered."""
MIN_CLIENT_WORDS = 4
"""A shorter client turn ("Yeah.") gives nothing to be empathic about."""
MIN_REPLY_WORDS = 3
"""A shorter reply is a listening sound, and a poor reference."""


class Grouped(Protocol):
    """What the split looks at: a record, or a row that stands for one."""

    @property
    def group(self) -> str:
        """Who or what it belongs to."""
        ...

    @property
    def quality(self) -> Quality:
        """How good it is."""
        ...


G = TypeVar("G", bound=Grouped)


@dataclass(frozen=True)
class Split(Generic[G]):
    """Real records to train on, and those kept out. No group stands on both sides."""

    kept: tuple[G, ...]
    held_out: tuple[G, ...]


def split(records: Sequence[G], share: float, seed: int) -> Split[G]:
    """Hold out about `share` of the records, and at least one usable one, by whole groups.

    Groups are drawn by `seed`. Groups that hold low-quality records only are kept: they make no
    scenario.

    Raises:
        BlendError: There are not two groups with usable records.
    """
    groups: dict[str, list[G]] = {}
    for record in records:
        groups.setdefault(record.group, []).append(record)
    usable = sorted(g for g, own in groups.items() if any(map(is_usable, own)))
    if len(usable) < 2:
        raise BlendError(
            "the real records cannot be split into training and held-out ones",
            expected="at least two groups (videos, clients) that are not of low quality",
            got=f"{len(usable)} of {len(groups)} groups, {len(records)} records",
            mend="Add transcripts of other sessions.",
        )
    random.Random(seed_of("split", seed)).shuffle(usable)
    wanted = math.ceil(share * sum(len(groups[group]) for group in usable))
    out: set[str] = set()
    for group in usable[:-1]:  # one group at least stays to be learned from
        if sum(len(groups[name]) for name in out) >= wanted:
            break
        out.add(group)
    return Split(
        kept=tuple(record for record in records if record.group not in out),
        held_out=tuple(record for record in records if record.group in out),
    )


def is_usable(record: Grouped) -> bool:
    """Tell a record that is not labelled poor."""
    return record.quality is not Quality.LOW


def contexts_of(records: Sequence[Record], count: int, seed: int) -> tuple[HeldOutContext, ...]:
    """Draw up to `count` scenarios, spread evenly over the records that are not labelled poor."""
    rng = random.Random(seed_of("contexts", seed))
    pools: list[list[HeldOutContext]] = []
    for record in sorted(filter(is_usable, records), key=lambda record: record.id):
        pool = _places(record)
        rng.shuffle(pool)
        pools.append(pool)
    rng.shuffle(pools)
    chosen: dict[str, HeldOutContext] = {}
    while any(pools) and len(chosen) < count:
        for pool in pools:
            if pool and len(chosen) < count:
                context = pool.pop()
                chosen.setdefault(context.id, context)
    return tuple(chosen.values())


def _places(record: Record) -> list[HeldOutContext]:
    """Return every scenario the record could give."""
    turns = record.turns
    found = []
    for at in range(MIN_BEFORE, len(turns) - 1):
        turn, reply = turns[at], turns[at + 1]
        if (
            turn.speaker is Speaker.CLIENT
            and reply.speaker is Speaker.THERAPIST
            and len(words(turn.text)) >= MIN_CLIENT_WORDS
            and len(words(reply.text)) >= MIN_REPLY_WORDS
        ):
            found.append(
                HeldOutContext(
                    record_id=record.id,
                    topic=record.topic,
                    group=record.group,
                    origin=record.origin,
                    turns=turns[max(0, at + 1 - CONTEXT_TURNS) : at + 1],
                    reference=reply.text,
                )
            )
    return found
