"""Whisper and WhisperX: `segments` with times, texts and, after diarisation, speakers.

Keys as openai-whisper 20240930 and whisperX 3 write them: `start` and `end` in seconds, `text`,
`speaker` such as SPEAKER_00; word timings are passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from corpus.formats.clock import seconds_of
from corpus.formats.cues import Cue, utterances_of
from corpus.formats.limits import MAX_UTTERANCES
from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Mapping

Json = Any


def looks_like(value: Json) -> bool:
    """Tell Whisper's output by its segments."""
    return isinstance(value, dict) and isinstance(value.get("segments"), list)


def session(place: str, value: Mapping[str, Json]) -> RawSession:
    """Return the session; a segment without a speaker goes on with the speaker before.

    Raises:
        TranscriptError: A segment is damaged, or nobody is named as speaking.
    """
    segments = value["segments"]
    if len(segments) > MAX_UTTERANCES:
        raise _broken(place, "the session is too long", f"{len(segments):,} segments")
    cues = [_cue(segment, f"{place}, segment {n}", n) for n, segment in enumerate(segments)]
    unnamed = sum(not cue.voice for cue in cues)
    said = utterances_of(cues, place)
    some = 0 < unnamed < len(cues)
    return RawSession(
        place=place,
        key="",
        source="whisper",
        utterances=said,
        topic=str(value.get("topic") or "unstated"),
        quality=quality_of(str(value.get("quality") or ""), place),
        note=f"{unnamed} segments have no speaker: taken for the speaker before" if some else "",
    )


def _cue(segment: Json, where: str, number: int) -> Cue:
    if not isinstance(segment, dict) or not isinstance(segment.get("text"), str):
        raise _broken(where, "a segment has no text", _shown(segment))
    speaker = segment.get("speaker") or ""
    if not isinstance(speaker, str):
        raise _broken(where, "a segment's speaker is no name", type(speaker).__name__)
    start, end = (seconds_of(segment.get(key), where) for key in ("start", "end"))
    if start is not None and end is not None and end < start:
        raise _broken(where, "a segment ends before it begins", f"{start:g} s to {end:g} s")
    return Cue(number, start, segment["text"].strip(), speaker.strip())


def _shown(segment: Json) -> str:
    if isinstance(segment, dict):
        return "keys " + ", ".join(map(str, segment))[:80]
    return type(segment).__name__


def _broken(where: str, what: str, got: str) -> TranscriptError:
    return TranscriptError(
        what,
        where=where,
        expected='{"start": 0.0, "end": 2.5, "text": "…", "speaker": "SPEAKER_00"}',
        got=got,
        mend="Transcribe the recording again, with diarisation.",
    )
