"""One thing said by one speaker."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun


class Speaker(StrEnum):
    """Who is speaking."""

    CLIENT = "client"
    THERAPIST = "therapist"


class Turn(Noun):
    """One utterance; `start_s` is seconds from the start of a recording, where there was one."""

    index: int = Field(ge=0)
    speaker: Speaker
    text: str = Field(min_length=1)
    start_s: float | None = None


def one_line(text: str) -> str:
    """Return `text` with one space for every stretch of white space, and none around it."""
    if "  " not in text and text.isprintable():  # so its only white space is the space
        return text.strip()
    return " ".join(text.split())


def transcript(turns: tuple[Turn, ...] | list[Turn], *, numbered: bool = True) -> str:
    """Render turns one to a line, `[3] Therapist: …`; line breaks inside a turn become spaces."""
    lines = []
    for turn in turns:
        label = f"{turn.speaker.value.capitalize()}: {one_line(turn.text)}"
        lines.append(f"[{turn.index}] {label}" if numbered else label)
    return "\n".join(lines)
