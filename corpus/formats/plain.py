"""Plain text with speaker labels: `Name: text`, with or without a time in front.

Also the headings of Otter and Rev, a name and a time on a line of their own ("Ann Roe  0:03",
"Speaker 1 (00:03):"). Lines `Topic:`, `Quality:`, `Names:` and `Group:` at the top say what the
transcript is about, as in a WebVTT NOTE.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from corpus.formats.clock import seconds_of
from corpus.formats.cues import Cue, known_labels, utterances_of
from corpus.formats.limits import MAX_UTTERANCES
from corpus.formats.notes import is_note, notes_of
from corpus.formats.raw import RawSession, Reading, Skipped
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOCK = r"(?:\d{1,2}:)?\d{1,3}:\d{2}(?:[.,]\d{1,3})?"
_TIMED = re.compile(rf"^\s*[\[(]?({_CLOCK})[\])]?\s+(?:[-–]\s+)?(?=\S)")
_HEADING = re.compile(rf"^([^\W\d_][\w.'’ -]{{0,47}}?)\s+[\[(]?({_CLOCK})[\])]?\s*:?$")


def looks_like(head: str) -> str:
    """Say by what labelled text is told, "" where it is none.

    Its first line that is no note is labelled, and there are two labels.
    """
    cues = list(_cues(head[: head.rfind("\n") + 1] or head, "", bounded=False))
    if not cues:
        return ""
    labels = known_labels(cues)
    first = cues[0]
    begun = bool(first.voice) or known_labels([*cues[:1], *cues[:1]]) <= labels
    labelled = first.voice or any(first.text.startswith(label) for label in labels)
    return f"it has {len(labels)} speaker labels" if begun and labelled and len(labels) > 1 else ""


def read(text: str, name: str) -> list[Reading]:
    """Return the one session of a text, or why it cannot be read."""
    lines = text.split("\n")
    top = next((n for n, line in enumerate(lines) if line.strip() and not is_note(line)), 0)
    try:
        notes = notes_of(lines[:top], name)
        said = utterances_of(list(_cues(text, name)), name)
    except TranscriptError as error:
        return [Skipped(where=error.where or name, reason=str(error))]
    return [
        RawSession(
            place=name,
            key="",
            source="text",
            utterances=said,
            topic=notes.topic,
            group=notes.group,
            quality=notes.quality,
            names=notes.names,
        )
    ]


def _cues(text: str, name: str, *, bounded: bool = True) -> Iterator[Cue]:
    """Yield a cue for each line; the lines under a heading are its speaker's."""
    voice, start, begun, count = "", None, False, 0
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip()
        if not line or (not begun and is_note(line)):
            continue
        begun, count = True, count + 1
        if bounded and count > MAX_UTTERANCES:
            raise _too_long(name, number)
        heading = _HEADING.match(line)
        if heading:
            voice, start = heading[1].strip(), seconds_of(heading[2], name)
            continue
        timed = _TIMED.match(line)
        if timed:
            yield Cue(number, seconds_of(timed[1], name), line[timed.end() :], voice)
        else:
            yield Cue(number, start, line, voice)
            start = None


def _too_long(name: str, line: int) -> TranscriptError:
    return TranscriptError(
        "the session is too long",
        where=f"{name}, line {line}",
        expected=f"at most {MAX_UTTERANCES:,} lines",
        mend="Write one file for each conversation.",
    )
