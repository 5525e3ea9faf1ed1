"""What WebVTT and SRT share: timed cues, and the speakers named in them.

A parser of our own, because a transcript must be taken whole or not at all: a damaged cue is an
error that names its line, never one turn less.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.formats.raw import Utterance
from corpus.formats.remarks import without_remarks
from corpus.speakers import is_role_label
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_TIME = r"(?:(\d{1,3}):)?([0-5]?\d):([0-5]?\d)[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}(?:\s+\S.*)?$")
_VOICE = re.compile(r"<v(?:\.[^\s>]+)*\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>")
_LABEL = re.compile(
    r"^[\s>–—-]*([^\W\d_][\w.'’ ()&/-]{0,47}?)\s*:\s+(?=\S)|^([^\W\d_][\w.'’ ]{0,47}):$"
)
_JOINERS = {"van", "von", "de", "der", "den", "del", "da", "di", "la", "al", "bin", "el", "and"}


@dataclass(frozen=True)
class Block:
    """Lines between blank lines; `line` is the number of the first, from 1."""

    line: int
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Cue:
    """One timed caption, not yet taken apart; `voice` where the format names the speaker."""

    line: int
    start_s: float | None
    text: str
    voice: str = ""


def blocks(text: str) -> Iterator[Block]:
    """Yield the blocks of `text` that blank lines set apart."""
    held: list[str] = []
    number = 0
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        if line.strip():
            held.append(line)
        elif held:
            yield Block(number - len(held), tuple(held))
            held = []


def cue_of(block: Block, name: str) -> Cue:
    """Return the cue in `block`: an identifier or none, a timing, the text.

    Raises:
        TranscriptError: There is no timing, or it runs backwards.
    """
    at = next((i for i, line in enumerate(block.lines[:2]) if "-->" in line), None)
    where = f"{name}, line {block.line + (at or 0)}"
    match = None if at is None else _TIMING.match(block.lines[at])
    if at is None or match is None:
        raise TranscriptError(
            "a caption has no time that can be read",
            where=where,
            expected="00:00:11.000 --> 00:00:14.500",
            got="no such line" if at is None else "another form",
            mend="Repair the caption, or export the transcript again.",
        )
    start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
    if end < start:
        raise TranscriptError(
            "a caption ends before it begins",
            where=where,
            expected="times in order",
            got=f"{start:g} s to {end:g} s",
            mend="Repair the caption, or export the transcript again.",
        )
    return Cue(block.line, start, "\n".join(block.lines[at + 1 :]))


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = (part or "0" for part in parts)
    whole = int(hours) * 3600 + int(minutes) * 60 + int(seconds)
    return round(whole + int(fraction.ljust(3, "0")) / 1000, 3)


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


def _pieces(cue: Cue) -> Iterator[tuple[str, str, float | None]]:
    """Yield (voice, text, start) for each voice, or for each line that may carry a label."""
    if cue.voice:
        yield cue.voice, cue.text, cue.start_s
        return
    parts = _VOICE.split(cue.text)
    for line in _plain(parts[0]).split("\n"):
        if line.strip():
            yield "", line.strip(), cue.start_s
    for voice, text in zip(parts[1::2], parts[2::2], strict=True):
        yield " ".join(html.unescape(voice).split()), " ".join(_plain(text).split()), cue.start_s


def _plain(text: str) -> str:
    return html.unescape(_TAG.sub("", text)).replace("\xa0", " ")


def known_labels(cues: Sequence[Cue]) -> frozenset[str]:
    """Return who is named as speaking in `cues`, by voice or by label."""
    pieces = [piece for cue in cues for piece in _pieces(cue)]
    return _labels(pieces) | {voice for voice, _, _ in pieces if voice}


def _labels(pieces: list[tuple[str, str, float | None]]) -> frozenset[str]:
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
