"""What WebVTT and SRT share: timed cues, and the speakers named in them.

A parser of our own, because a transcript must be taken whole or not at all: a damaged cue is an
error that names its line, never one turn less.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from corpus.formats.raw import Utterance
from corpus.formats.remarks import without_remarks
from corpus.speakers import is_role_label
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s+\S.*)?$")
_COMMON = re.compile(
    r"(\d\d):([0-5]\d):([0-5]\d)([.,])(\d{3}) --> (\d\d:[0-5]\d:[0-5]\d\4\d{3})", re.ASCII
)
"""The form that nearly all captions have: of equal width, so that the later time sorts behind."""
_VOICE = re.compile(r"<v(?:\.[^\s>]+)*\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>")
_LABEL = re.compile(
    r"^[\s>–—-]*([^\W\d_][\w.'’ ()&/-]{0,47}?)\s*:\s+(?=\S)|^([^\W\d_][\w.'’ ]{0,47}):$"
)
_Piece = tuple[str, str, float | None]
_JOINERS = {"van", "von", "de", "der", "den", "del", "da", "di", "la", "al", "bin", "el", "and"}


class Block(NamedTuple):
    """Lines between blank lines; `line` is the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


class Cue(NamedTuple):
    """One timed caption, not yet taken apart; `voice` where the format names the speaker."""

    line: int
    start_s: float | None
    text: str
    voice: str = ""


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of `text` that blank lines set apart."""
    lines = [*text.split("\n"), ""]
    begin = 0
    for at, line in enumerate(lines):
        if not line or line.isspace():
            if begin < at:
                yield Block(begin + 1, tuple(lines[begin:at]))
            begin = at + 1


def cue_of(block: Block, name: str) -> Cue:
    """Return the cue in `block`: an identifier or none, a timing, the text.

    Raises:
        TranscriptError: There is no timing, or it runs backwards.
    """
    lines = block.lines
    at = 0 if "-->" in lines[0] else 1 if len(lines) > 1 and "-->" in lines[1] else None
    start = None if at is None else _common_start(lines[at])
    if at is None or start is None:
        start, at = _start(block, at, name)
    return Cue(block.line, start, "\n".join(lines[at + 1 :]))


def _common_start(line: str) -> float | None:
    """Return when a caption begins, where its times are in the common form and in order."""
    match = _COMMON.fullmatch(line)
    if match is None or match[6] < line[: len(match[6])]:
        return None
    hours, minutes, seconds, _, fraction, _ = match.groups()
    return _seconds(hours, minutes, seconds, fraction)


def _start(block: Block, at: int | None, name: str) -> tuple[float, int]:
    match = None if at is None else _TIMING.match(block.lines[at])
    if at is None or match is None:
        raise TranscriptError(
            "a caption has no time that can be read",
            where=f"{name}, line {block.line + (at or 0)}",
            expected="00:00:11.000 --> 00:00:14.500",
            got="no such line" if at is None else "another form",
            mend="Repair the caption, or export the transcript again.",
        )
    hours, minutes, seconds, fraction, *later = match.groups()
    start, end = _seconds(hours, minutes, seconds, fraction), _seconds(*later)
    if end < start:
        raise TranscriptError(
            "a caption ends before it begins",
            where=f"{name}, line {block.line + at}",
            expected="times in order",
            got=f"{start:g} s to {end:g} s",
            mend="Repair the caption, or export the transcript again.",
        )
    return start, at


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    return (whole * 1000 + int(fraction.ljust(3, "0"))) / 1000


def utterances_of(cues: list[Cue], name: str) -> tuple[Utterance, ...]:
    """Return who says what: by voice tags, by `Name: text`, else the speaker before goes on.

    Raises:
        TranscriptError: Nobody is named, or the first words have no speaker.
    """
    pieces = [piece for cue in cues for piece in _pieces(cue)]
    known = _labels(pieces)
    found: list[Utterance] = []
    speaker = ""
    for voice, text, start in pieces:
        label, said = (voice, text) if voice else _split(text, known)
        speaker = label or speaker
        said = without_remarks(said)
        if not said:
            continue
        if not speaker:
            raise _unlabelled(name, some=bool(known) or any(voice for voice, _, _ in pieces))
        found.append(Utterance(speaker, said, start))
    return tuple(found)


def _pieces(cue: Cue) -> list[_Piece]:
    """Return (voice, text, start) for each voice, or for each line that may carry a label."""
    if cue.voice:
        return [(cue.voice, cue.text, cue.start_s)]
    parts = _VOICE.split(cue.text) if "<v" in cue.text else [cue.text]
    lines = _plain(parts[0]).split("\n") if parts[0] else ()
    found: list[_Piece] = [("", line.strip(), cue.start_s) for line in lines if line.strip()]
    for at in range(1, len(parts), 2):
        found.append((_voice(parts[at]), _one_line(_plain(parts[at + 1])), cue.start_s))
    return found


def _one_line(text: str) -> str:
    if text.isprintable() and "  " not in text:  # then no other white space is in it
        return text.strip()
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def _voice(text: str) -> str:
    return " ".join(html.unescape(text).split())


def _plain(text: str) -> str:
    shown = _TAG.sub("", text) if "<" in text else text
    shown = html.unescape(shown) if "&" in shown else shown
    return shown.replace("\xa0", " ")


def known_labels(cues: Sequence[Cue]) -> frozenset[str]:
    """Return who is named as speaking in `cues`, by voice or by label."""
    pieces = [piece for cue in cues for piece in _pieces(cue)]
    return _labels(pieces) | {voice for voice, _, _ in pieces if voice}


def _labels(pieces: list[_Piece]) -> frozenset[str]:
    """Labels of the form `Name:`: a role word, or a capitalised name that recurs.

    "Here is the thing: ..." is no label: its words are not capitalised. "Well: ..." is none
    unless it recurs. One or two small words are one when they recur throughout ("maria:").
    """
    seen = Counter(
        " ".join((match[1] or match[2]).split())
        for voice, text, _ in pieces
        if not voice and (match := _LABEL.match(text))
    )
    return frozenset(
        label for label, times in seen.items() if is_role_label(label) or _named(label, times)
    )


def _named(label: str, times: int) -> bool:
    parts = label.split()
    capitals = [part for part in parts if part not in _JOINERS]
    named = bool(capitals) and all(not part[0].islower() for part in capitals)
    return len(parts) <= 5 and (times >= 2 if named else times >= 8 and len(parts) <= 2)


def _split(text: str, known: frozenset[str]) -> tuple[str, str]:
    match = _LABEL.match(text)
    label = " ".join((match[1] or match[2]).split()) if match else ""
    return (label, text[match.end() :]) if match and label in known else ("", text)


def _unlabelled(name: str, *, some: bool) -> TranscriptError:
    return TranscriptError(
        "the first words have no speaker" if some else "nobody is named as speaking",
        where=name,
        expected="<v Name>text, or Name: text, in the captions",
        got="captions without a speaker",
        mend="Export the transcript with speaker labels, or write Therapist: and Client: in front.",
    )
