"""One thing said by one speaker."""

from __future__ import annotations

import re
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


UNSEEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]|(?<![\u0600-\u0dff\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
)
"""Characters that are not seen: zero width, marks of direction, tags (Unicode 15, 23.2 and 23.9).
Joiners stay where Arabic and Indic scripts and emoji need them."""


def one_line(text: str) -> str:
    """Return `text` with one space for every stretch of white space, and none around it.

    Characters that are not seen are left out: what people read is what a model reads.
    """
    if "  " not in text and text.isprintable():  # so its only white space is the space
        return text.strip()
    return " ".join(UNSEEN.sub("", text).split())


def transcript(turns: tuple[Turn, ...] | list[Turn], *, numbered: bool = True) -> str:
    """Render turns one to a line, `[3] Therapist: …`; line breaks inside a turn become spaces."""
    lines = []
    for turn in turns:
        label = f"{turn.speaker.value.capitalize()}: {one_line(turn.text)}"
        lines.append(f"[{turn.index}] {label}" if numbered else label)
    return "\n".join(lines)
