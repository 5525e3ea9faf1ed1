"""Chats in JSON: OpenAI `messages`, ShareGPT, ESConv, plain `turns`, or one turn to a line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.chatform import SESSION_BEGINS
from corpus.formats import whisper
from corpus.formats.clock import seconds_of
from corpus.formats.jsonvalues import FORMS, Json, Placed
from corpus.formats.limits import MAX_TEXT, MAX_UTTERANCES
from corpus.formats.notes import quality_of
from corpus.formats.raw import RawSession, Reading, Skipped, Utterance
from corpus.formats.remarks import spoken
from domain.errors import TranscriptError
from domain.turn import Speaker

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

SESSION_KEYS = ("messages", "turns", "dialog", "dialogue", "conversation", "conversations")
_SPEAKER_KEYS = ("role", "speaker", "interlocutor", "from", "name")
_TEXT_KEYS = ("content", "text", "utterance", "value")
_START_KEYS = ("start_s", "start", "timestamp")

_ESCONV = {
    "seeker": Speaker.CLIENT,
    "usr": Speaker.CLIENT,
    "speaker": Speaker.CLIENT,
    "supporter": Speaker.THERAPIST,
    "sys": Speaker.THERAPIST,
    "listener": Speaker.THERAPIST,
}
"""Liu et al., Towards Emotional Support Dialog Systems, ACL 2021; FailedESConv of the same
authors calls them speaker and listener."""


_SHAREGPT = {
    "human": Speaker.CLIENT,
    "user": Speaker.CLIENT,
    "gpt": Speaker.THERAPIST,
    "assistant": Speaker.THERAPIST,
    "chatgpt": Speaker.THERAPIST,
    "bing": Speaker.THERAPIST,
    "bard": Speaker.THERAPIST,
}
"""Who is who in dumps of ShareGPT; `system` is nobody."""

_ROLES = {"esconv": _ESCONV, "sharegpt": _SHAREGPT}


def kind_of(value: Json) -> tuple[str, str]:
    """Return which kind of chat `value` is, and by what it is told; ("", "") for none."""
    if not isinstance(value, dict):
        return "", ""
    key = next((key for key in SESSION_KEYS if key in value), "")
    if key == "messages":
        return "openai", 'its sessions have "messages"'
    if key in {"conversations", "conversation"} and _first(value[key]).keys() & {"from", "value"}:
        return "sharegpt", f'its "{key}" have "from" and "value"'
    if key == "dialog" and (
        "annotation" in _first(value[key]) or value.keys() & {"emotion_type", "problem_type"}
    ):
        return "esconv", 'its "dialog" has ESConv\'s annotations'
    if key:
        return "chat", f'its sessions have "{key}"'
    if whisper.looks_like(value):
        return "whisper", 'it has "segments" with times'
    if is_turn(value):
        return "turns", "each value is one turn"
    return "", ""


def is_turn(value: Json) -> bool:
    """Tell a value that is one turn of a session."""
    return (
        isinstance(value, dict)
        and not any(key in value for key in SESSION_KEYS)
        and any(key in value for key in _TEXT_KEYS)
    )


def sessions(values: Iterable[Placed], name: str) -> Iterator[Reading]:
    """Yield a session for each value; one that cannot be read is skipped as a whole."""
    for number, (place, value) in enumerate(values):
        yield value if isinstance(value, Skipped) else attempt(place, str(number), value)


def loose_sessions(values: Iterable[Placed], name: str) -> Iterator[Reading]:
    """Gather values that are one turn each, by their `session` where they have one.

    Which sessions a line that cannot be read belonged to, nobody knows: none of the file can be
    trusted, and it is skipped as a whole.
    """
    found: dict[str, list[Json]] = {}
    for count, (place, value) in enumerate(values):
        if isinstance(value, Skipped) or not is_turn(value):
            reason = value.reason if isinstance(value, Skipped) else f"{place}: not a turn"
            yield Skipped(where=name, reason=reason)
            return
        if count > MAX_UTTERANCES * 10:
            raise TranscriptError(
                "there are too many lines of one turn each",
                where=place,
                expected=f"at most {MAX_UTTERANCES * 10:,} turns in such a file",
                mend="Write one session to a line, or one file for each session.",
            )
        found.setdefault(str(value.get("session", "")), []).append(value)
    for number, (key, turns) in enumerate(found.items(), start=1):
        yield attempt(f"{name}, session {number}" if key else name, key, {"turns": turns})


def attempt(place: str, key: str, value: Json) -> Reading:
    """Return the session that `value` is, or why it cannot be read."""
    try:
        return (
            whisper.session(place, value)
            if whisper.looks_like(value)
            else _session(place, key, value)
        )
    except TranscriptError as error:
        return Skipped(where=place, reason=str(error))


def _session(place: str, key: str, value: Json) -> RawSession:
    form = next((k for k in SESSION_KEYS if isinstance(value, dict) and k in value), None)
    if form is None or not isinstance(value[form], list):
        got = f"keys {', '.join(map(str, value))[:120]}" if isinstance(value, dict) else type(value)
        raise _wrong(place, "there is no list of turns", str(got))
    names = value.get("names") or []
    if not isinstance(names, list):
        raise _wrong(place, "names is not a list", type(names).__name__)
    kind = kind_of(value)[0]
    return RawSession(
        place=place,
        key=key,
        source=kind,
        utterances=_utterances(value[form], place),
        topic=spoken(str(value.get("topic") or value.get("problem_type") or "")) or "unstated",
        group=str(value.get("group") or ""),
        quality=quality_of(str(value.get("quality") or ""), place),
        names=tuple(str(name) for name in names),
        roles=_ROLES.get(kind, {}),
    )


def _utterances(turns: list[Json], place: str) -> tuple[Utterance, ...]:
    """Return what is said; the words that stand for the session's beginning are nobody's."""
    if len(turns) > MAX_UTTERANCES:
        raise too_long(place, len(turns))
    first = _first(turns)
    who = next((key for key in _SPEAKER_KEYS if key in first), "")
    what = next((key for key in _TEXT_KEYS if key in first), "")
    timed = any(key in first for key in _START_KEYS)
    found = []
    for number, turn in enumerate(turns):
        try:
            speaker, text = turn[who].strip(), spoken(turn[what])
        except (KeyError, TypeError, AttributeError):
            speaker, text = _taken_apart(turn, f"{place}, turn {number}")
        if not speaker:
            raise _no_speaker(turn, f"{place}, turn {number}")
        if len(text) > MAX_TEXT:
            raise too_much_text(f"{place}, turn {number}", len(text))
        start = _start(turn, f"{place}, turn {number}") if timed else None
        found.append(Utterance(speaker, text, start))
    opening = next((n for n, one in enumerate(found[:2]) if one.text == SESSION_BEGINS), None)
    if opening is not None:
        del found[opening]
    return tuple(found)


def _taken_apart(turn: Json, where: str) -> tuple[str, str]:
    """Return speaker and text of a turn that is not like the first of its session."""
    if not isinstance(turn, dict):
        raise _wrong(where, "a turn is not an object", type(turn).__name__)
    speaker = next((turn[key] for key in _SPEAKER_KEYS if key in turn), None)
    text = next((turn[key] for key in _TEXT_KEYS if key in turn), None)
    if isinstance(text, list):
        text = _joined(text, where)
    if not isinstance(speaker, str) or not speaker.strip():
        raise _no_speaker(turn, where)
    if not isinstance(text, str):
        raise _wrong(where, "a turn has no text", "keys " + ", ".join(map(str, turn))[:80])
    return speaker.strip(), spoken(text)


def _no_speaker(turn: Mapping[str, Json], where: str) -> TranscriptError:
    return _wrong(where, "a turn has no speaker", "keys " + ", ".join(map(str, turn))[:80])


def _start(turn: Mapping[str, Json], where: str) -> float | None:
    return seconds_of(next((turn[key] for key in _START_KEYS if key in turn), None), where)


def _first(turns: Json) -> dict[str, Json]:
    return turns[0] if isinstance(turns, list) and turns and isinstance(turns[0], dict) else {}


def _joined(parts: list[Json], where: str) -> str:
    """Join OpenAI's content parts; a picture or a sound has no place in a transcript."""
    texts = [part.get("text") for part in parts if isinstance(part, dict)]
    if len(texts) != len(parts) or not all(isinstance(text, str) for text in texts):
        raise _wrong(where, "a turn has content that is not text", "other parts")
    return " ".join(str(text) for text in texts)


def too_long(place: str, count: int) -> TranscriptError:
    """The session has more utterances than a conversation can have."""
    return TranscriptError(
        "the session is too long",
        where=place,
        expected=f"at most {MAX_UTTERANCES:,} utterances",
        got=f"{count:,}",
        mend="Write one session for each conversation.",
    )


def too_much_text(where: str, length: int) -> TranscriptError:
    """An utterance is longer than anybody speaks."""
    return TranscriptError(
        "an utterance is too long",
        where=where,
        expected=f"at most {MAX_TEXT:,} characters",
        got=f"{length:,}",
        mend="Leave it out, or divide it.",
    )


def _wrong(where: str, what: str, got: str) -> TranscriptError:
    return TranscriptError(
        what, where=where, expected=FORMS, got=got, mend="Correct the line, or leave it out."
    )
