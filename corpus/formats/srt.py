"""SubRip (SRT): numbered captions with times; speakers as `Name: text`."""

from __future__ import annotations

import re

from corpus.formats.cues import blocks, cue_of, utterances_of
from corpus.formats.raw import RawSession, Reading, Skipped
from domain.errors import TranscriptError

_FIRST = re.compile(r"\A\s*(?:\d+\s*\n)?\s*[\d:]+[.,]\d+\s*-->", re.ASCII)


def looks_like(text: str) -> bool:
    """Tell SRT by its first caption: a number or none, then a time."""
    return bool(_FIRST.match(text))


def read(text: str, name: str) -> list[Reading]:
    """Return the one session of an SRT file, or why it cannot be read."""
    try:
        said = utterances_of([cue_of(block, name) for block in blocks(text)], name)
    except TranscriptError as error:
        return [Skipped(where=error.where or name, reason=str(error))]
    return [RawSession(place=name, key="", source="srt", utterances=said)]
