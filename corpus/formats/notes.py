"""What a transcript says about itself, as `key: value` lines: topic, quality, names, group."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import TranscriptError
from domain.record import Quality

if TYPE_CHECKING:
    from collections.abc import Iterable

_LINE = re.compile(r"^\s*(topic|quality|names|group)\s*:\s*(.+?)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Notes:
    """The header of a session."""

    topic: str = "unstated"
    quality: Quality = Quality.UNRATED
    names: tuple[str, ...] = ()
    group: str = ""


def is_note(line: str) -> bool:
    """Tell a line that says something about the session."""
    return _LINE.match(line) is not None


def notes_of(lines: Iterable[str], name: str) -> Notes:
    """Return what the `lines` of a header or NOTE say; other lines are passed over."""
    found = {match[1].lower(): match[2] for line in lines if (match := _LINE.match(line))}
    return Notes(
        topic=found.get("topic", "unstated"),
        quality=quality_of(found.get("quality", ""), name),
        names=tuple(part.strip() for part in found.get("names", "").split(",") if part.strip()),
        group=found.get("group", ""),
    )


def quality_of(text: str, where: str) -> Quality:
    """Return the quality a source gives: high, low, or nothing.

    Raises:
        TranscriptError: It is another word: guessing could make a poor session a target.
    """
    word = text.strip().lower()
    if word in {"", "n/a", Quality.UNRATED.value}:
        return Quality.UNRATED
    if word in {Quality.HIGH.value, Quality.LOW.value}:
        return Quality(word)
    raise TranscriptError(
        "the quality is not known",
        where=where,
        expected="high, low or unrated",
        got=repr(word[:40]),
        mend="Write high or low, or leave it out.",
    )
