"""What a reader hands over: sessions as they stand in the file, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from domain.base import Noun
from domain.record import Quality

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.turn import Speaker


class Utterance(NamedTuple):
    """One line of a transcript, by the label it carries; `start_s` in seconds."""

    speaker: str
    text: str
    start_s: float | None = None


MIN_TURNS = 4
"""Shorter than two exchanges is no conversation to learn from."""


@dataclass(frozen=True)
class RawSession:
    """One session before roles, turns and identifiers are dealt with.

    `place` says for people where it stands ("x.jsonl, line 3"); `key` tells it apart from the
    others of its file. `group` ties sessions together (a video's address) and is hashed before it
    is kept. `names` are people the file itself names. `roles` says who a label is where the format
    defines it. A source of questions and answers has sessions of two turns (`min_turns`).
    """

    place: str
    key: str
    source: str
    utterances: tuple[Utterance, ...]
    topic: str = "unstated"
    group: str = ""
    quality: Quality = Quality.UNRATED
    names: tuple[str, ...] = ()
    roles: Mapping[str, Speaker] = field(default_factory=dict)
    min_turns: int = MIN_TURNS
    note: str = ""
    """What was assumed while reading, in words."""


class Skipped(Noun):
    """A transcript that was left out as a whole, and why."""

    where: str
    reason: str


Reading = RawSession | Skipped
