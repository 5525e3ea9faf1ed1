"""How good the therapist is: which mistakes a session holds, and which of them guidance ends."""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, lru_cache
from random import Random

from understudy.templates import Line, lines_of, read_data

SLIPS = {"competent": 0.03, "expert": 0.0}
"""How often a turn goes without a reflection although there was something to reflect."""


class Skill(StrEnum):
    """The skill dial of `understudy-therapist:<skill>`."""

    NOVICE = "novice"
    COMPETENT = "competent"
    EXPERT = "expert"


def skill_of(model: str) -> Skill:
    """Read the skill from a model's name; competent where it names none."""
    named = model.rpartition(":")[2]
    return Skill(named) if named in list(Skill) else Skill.COMPETENT


def mistakes_of(skill: Skill, session: int, guidance: str) -> tuple[str, ...]:
    """Return the kinds of mistake this session holds, in the order they come up.

    Args:
        skill: A novice makes several, a competent therapist now and then one, an expert none.
        session: Seed of the session, the same for all its turns.
        guidance: The supervisor's words; the kinds they name are left out.
    """
    if skill is Skill.EXPERT:
        return ()
    drawn = _drawn(session) if skill is Skill.NOVICE else _lapse(session)
    avoided = avoided_by(guidance)
    return tuple(kind for kind in drawn if kind not in avoided)


@lru_cache(maxsize=4096)
def _drawn(session: int) -> tuple[str, ...]:
    rng = Random(session)
    groups = read_data("novice")["groups"]
    assert isinstance(groups, dict)  # noqa: S101 - the file ships with the package
    drawn = []
    for group in groups.values():
        count = rng.randint(int(group["least"]), int(group["most"]))
        drawn += rng.sample(list(group["kinds"]), count)
    return tuple(drawn)


@lru_cache(maxsize=4096)
def _lapse(session: int) -> tuple[str, ...]:
    """Draw the one mistake of a competent therapist's bad day; most days have none."""
    lapses = read_data("novice")["lapses"]
    assert isinstance(lapses, dict)  # noqa: S101 - the file ships with the package
    rng = Random(session)
    return (rng.choice(lapses["kinds"]),) if rng.random() < float(lapses["share"]) else ()


@lru_cache(maxsize=4096)
def avoided_by(guidance: str) -> frozenset[str]:
    """Return the kinds of mistake that the supervisor's words name."""
    if not guidance:
        return frozenset()
    return frozenset(kind for kind, pattern in _patterns().items() if pattern.search(guidance))


def asks_less(skill: Skill, guidance: str, system: str) -> bool:
    """Return whether the therapist lets reflections stand without a question after them.

    Args:
        skill: A novice needs to be told by the supervisor; others do as the prompt says.
        guidance: The supervisor's words.
        system: The role's prompt.
    """
    told = guidance if skill is Skill.NOVICE else f"{guidance}\n{system}"
    pattern = read_data("novice")["asks_less"]
    return bool(told) and re.search(str(pattern), told, re.IGNORECASE) is not None


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    patterns = read_data("novice")["guidance"]
    assert isinstance(patterns, dict)  # noqa: S101 - the file ships with the package
    return {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in patterns.items()}


@cache
def mistake_lines(kind: str) -> tuple[Line, ...]:
    """Return the lines with which a mistake is made; none where it shows in what is missing."""
    lines = read_data("novice")["lines"]
    assert isinstance(lines, dict)  # noqa: S101 - the file ships with the package
    return lines_of(lines.get(kind, ""))
