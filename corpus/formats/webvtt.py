"""WebVTT, as video platforms export it (W3C, WebVTT: The Web Video Text Tracks Format, 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.formats.cues import blocks, cue_of, utterances_of
from corpus.formats.notes import notes_of
from corpus.formats.raw import RawSession, Reading, Skipped
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from corpus.formats.cues import Block

_NO_CUES = ("NOTE", "STYLE", "REGION")


def looks_like(text: str) -> bool:
    """Tell WebVTT by its first word."""
    return text.lstrip().startswith("WEBVTT")


def read(text: str, name: str) -> list[Reading]:
    """Return the one session of a WebVTT file, or why it cannot be read."""
    header: list[str] = []
    cues = []
    try:
        for number, block in enumerate(blocks(text)):
            if (number == 0 or _is_no_cue(block)) and "-->" not in "".join(block.lines[:2]):
                header += [block.lines[0].removeprefix("NOTE"), *block.lines[1:]]
            else:
                cues.append(cue_of(block, name))
        notes = notes_of(header, name)
        said = utterances_of(cues, name)
    except TranscriptError as error:
        return [Skipped(where=error.where or name, reason=str(error))]
    return [
        RawSession(
            place=name,
            key="",
            source="vtt",
            utterances=said,
            topic=notes.topic,
            group=notes.group,
            quality=notes.quality,
            names=notes.names,
        )
    ]


def _is_no_cue(block: Block) -> bool:
    return block.lines[0].lstrip().startswith(_NO_CUES) and block.lines[0].split()[0] in _NO_CUES
