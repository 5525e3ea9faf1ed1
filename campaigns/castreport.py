"""What is said of a cast: who wrote it, how it fits its quota, who is too like whom."""

from __future__ import annotations

from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from agents.caster import persona_text
from campaigns.castfile import edited, read_cast
from campaigns.casting.deal import quota_of
from campaigns.casting.fitness import Fitness, fitness_of
from campaigns.casting.grammar import load_grammar
from domain.base import Noun
from domain.scenario import PlanItem
from measures.diversity import near_duplicates, overlap

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from agents.pack import Pack
    from domain.cast import CastMember
    from domain.settings import Settings

RUN, NEAR = 5, 0.5
"""Two personas are near-duplicates where half of their runs of five words are the same."""
COMPARED = 5_000
"""Personas that are compared with one another at most; comparing more takes gigabytes."""
SHOWN = 20


class NearPair(Noun):
    """Two personas that are too like each other."""

    one: str
    other: str
    likeness: float


class CastReport(Noun):
    """A cast at a glance."""

    file: str
    personas: int
    made_by: dict[str, int]
    ids: int
    """Different ones: equal personas with equal scenarios have one id."""
    edited: tuple[int, ...]
    """Numbers of the lines whose id is of what they held before somebody changed them."""
    compared: int
    """Personas that were compared with one another, from the first."""
    near_duplicates: int
    """Those of them that are near-duplicates of an earlier one."""
    pairs: tuple[NearPair, ...]
    """The first of them."""
    fit: Fitness | None = None
    """Beside the shares of a run file; None where none was given."""


def report_cast(
    file: Path, settings: Settings | None = None, pack: Pack | None = None
) -> CastReport:
    """Look a cast through.

    Raises:
        ConfigError: The file cannot be read, or a line is no persona with its scenario.
    """
    members = read_cast(file)
    compared = members[:COMPARED]
    texts = [persona_text(one.persona) for one in compared]
    pairs = near_duplicates(texts, RUN, NEAR)
    return CastReport(
        file=str(file),
        personas=len(members),
        made_by=dict(Counter(one.made_by.value for one in members).most_common()),
        ids=len({one.id for one in members}),
        edited=edited(file),
        compared=len(compared),
        near_duplicates=len({later for _, later in pairs}),
        pairs=tuple(
            NearPair(
                one=compared[later].id,
                other=compared[earlier].id,
                likeness=round(overlap(texts[later], texts[earlier], RUN), 4),
            )
            for earlier, later in islice(pairs, SHOWN)
        ),
        fit=_fit(members, settings, pack) if settings and pack else None,
    )


def _fit(members: Sequence[CastMember], settings: Settings, pack: Pack) -> Fitness:
    quota = quota_of(load_grammar(pack), settings.campaign.casting)
    return fitness_of(
        quota,
        (
            PlanItem(index=at, campaign_seed=0, persona=one.persona, scenario=one.scenario)
            for at, one in enumerate(members)
        ),
    )
