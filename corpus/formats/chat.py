"""Chats as JSON lines: OpenAI `messages`, plain `turns`, or one turn to a line."""

from __future__ import annotations

import json
from typing import Any

from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession, Reading, Skipped, Utterance
from domain.errors import TranscriptError

SESSION_KEYS = ("messages", "turns", "dialog", "dialogue", "conversation", "conversations")
_SPEAKER_KEYS = ("role", "speaker", "interlocutor", "from", "name")
_TEXT_KEYS = ("content", "text", "utterance", "value")
_FORMS = (
    'a session {"messages": [{"role", "content"}]} or {"turns": [{"speaker", "text"}]}, or a turn'
)

Json = Any
"""A value as `json.loads` returns it; every use checks what it is."""


def looks_like(text: str) -> bool:
    """Tell JSON by its first character."""
    return text.lstrip()[:1] in {"{", "["}


def read(text: str, name: str) -> list[Reading]:
    """Return every session; one that cannot be read is skipped as a whole.

    Raises:
        TranscriptError: The file is not JSON at all.
    """
    values = _array(text, name) if text.lstrip().startswith("[") else _lines(text, name)
    loose = [(place, value) for place, value in values if _is_turn(value)]
    if loose:
        return _loose_sessions(values, name)
    return [
        value if isinstance(value, Skipped) else _attempt(place, str(number), value)
        for number, (place, value) in enumerate(values)
    ]


def _array(text: str, name: str) -> list[tuple[str, Json]]:
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise TranscriptError(
            "the file is not JSON",
            where=name,
            expected=_FORMS,
            got=str(error),
            mend="Export the chat again, one JSON object to a line.",
        ) from error
    return [(f"{name}, item {number}", value) for number, value in enumerate(values, start=1)]


def _lines(text: str, name: str) -> list[tuple[str, Json]]:
    try:  # one object over several lines
        return [(name, json.loads(text))]
    except (json.JSONDecodeError, RecursionError):
        pass
    found: list[tuple[str, Json]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        place = f"{name}, line {number}"
        try:
            found.append((place, json.loads(line)))
        except (json.JSONDecodeError, RecursionError) as error:
            reason = f"{place}: the line is not JSON\n  got: {error}\n  mend: Repair the line."
            found.append((place, Skipped(where=place, reason=reason)))
    if all(isinstance(value, Skipped) for _, value in found):
        raise TranscriptError(
            "the file is not JSON",
            where=name,
            expected=_FORMS,
            got="no line that is JSON",
            mend="Export the chat again, one JSON object to a line.",
        )
    return found


def _is_turn(value: Json) -> bool:
    return (
        isinstance(value, dict)
        and not any(key in value for key in SESSION_KEYS)
        and any(key in value for key in _TEXT_KEYS)
    )


def _loose_sessions(values: list[tuple[str, Json]], name: str) -> list[Reading]:
    """Gather lines that are one turn each, by their `session` where they have one."""
    sessions: dict[str, list[Json]] = {}
    for place, value in values:
        if isinstance(value, Skipped) or not _is_turn(value):
            # Nobody knows which session the line belonged to: none of the file can be trusted.
            reason = value.reason if isinstance(value, Skipped) else f"{place}: not a turn"
            return [Skipped(where=name, reason=reason)]
        sessions.setdefault(str(value.get("session", "")), []).append(value)
    read_all: list[Reading] = []
    for number, (key, turns) in enumerate(sessions.items(), start=1):
        place = f"{name}, session {number}" if key else name
        read_all.append(_attempt(place, key, {"turns": turns}))
    return read_all


def _attempt(place: str, key: str, value: Json) -> Reading:
    try:
        return _session(place, key, value)
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _session(place: str, key: str, value: Json) -> RawSession:
    form = next((k for k in SESSION_KEYS if isinstance(value, dict) and k in value), None)
    if form is None or not isinstance(value[form], list):
        got = f"keys {', '.join(map(str, value))[:120]}" if isinstance(value, dict) else type(value)
        raise _wrong(place, "there is no list of turns", str(got))
    names = value.get("names", [])
    if not isinstance(names, list):
        raise _wrong(place, "names is not a list", type(names).__name__)
    return RawSession(
        place=place,
        key=key,
        source="chat",
        utterances=tuple(
            _utterance(turn, f"{place}, turn {i}") for i, turn in enumerate(value[form])
        ),
        topic=str(value.get("topic") or value.get("problem_type") or "unstated"),
        group=str(value.get("group") or ""),
        quality=quality_of(str(value.get("quality") or ""), place),
        names=tuple(str(name) for name in names),
    )


def _utterance(turn: Json, where: str) -> Utterance:
    if not isinstance(turn, dict):
        raise _wrong(where, "a turn is not an object", type(turn).__name__)
    speaker = next((turn[key] for key in _SPEAKER_KEYS if key in turn), None)
    text = next((turn[key] for key in _TEXT_KEYS if key in turn), None)
    if isinstance(text, list):
        text = _joined(text, where)
    if not isinstance(speaker, str) or not speaker.strip():
        raise _wrong(where, "a turn has no speaker", "keys " + ", ".join(map(str, turn))[:80])
    if not isinstance(text, str):
        raise _wrong(where, "a turn has no text", "keys " + ", ".join(map(str, turn))[:80])
    start = turn.get("start_s")
    seconds = float(start) if isinstance(start, int | float) else None
    return Utterance(speaker.strip(), " ".join(text.split()), seconds)


def _joined(parts: list[Json], where: str) -> str:
    """Join OpenAI's content parts; a picture or a sound has no place in a transcript."""
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    if len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise _wrong(where, "a turn has content that is not text", "other parts")
    return " ".join(str(text) for text in texts)


def _wrong(where: str, what: str, got: str) -> TranscriptError:
    return TranscriptError(
        what, where=where, expected=_FORMS, got=got, mend="Correct the line, or leave it out."
    )
