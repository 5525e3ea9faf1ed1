"""Speakers who step out of their role, and turns that are broken."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker, Turn
from measures.heard import heard
from measures.repetition import babble
from measures.tokens import TURNS, unquoted

if TYPE_CHECKING:
    from collections.abc import Sequence

BABBLE = 0.5
"""Share of repeated word pairs within a turn from which it is broken."""
LETTERS = 0.5
"""Share of letters and digits among a turn's marks under which it is broken."""

_MARKS = re.compile(
    r"\{\{|\}\}|\[INST\]|<\||\|>|</?(?:system|assistant|user|think)>|```|^\s*[{\[]\""
)
_STAGED = re.compile(
    r"^\s*(?:\*[^*]{3,80}\*|\[[^\]]{3,80}\]"
    r"|\((?:the )?(?:therapist|counsell?or|client) [^)]{3,80}\))"
)
"""A stage direction at the beginning: of a script, not of speech."""
_BOTH = re.compile(r"(?i)(?<=[.!?]) *\**(?:therapist|client|counsell?or|patient)\** *:")
"""A speaker's label in the middle of a turn: both roles in one."""
_BRACKETS = ("{", "}", "[", "|", "<", "`")
"""One of these is in every mark; a turn without any need not be searched for marks."""
_LABEL = re.compile(r"(?i)^\s*(?:therapist|client|counsell?or|patient|assistant|user)\s*:")
_SIGNS = re.compile(r"[\W_]+")
_LISTS = {
    Speaker.CLIENT: ("roles.program", "roles.notes", "roles.client_counsels"),
    Speaker.THERAPIST: (
        "roles.program",
        "roles.machine",
        "roles.notes",
        "roles.leaks",
        "roles.notes_named",
        "roles.supervised",
        "roles.therapist_confides",
    ),
}
_KIND = {"roles.machine": "program", "roles.leaks": "notes", "roles.notes_named": "notes"}
"""Lists whose name is not the kind of drift they show."""


class Drift(NamedTuple):
    """One turn out of role: its index, the kind of drift, and the words that show it."""

    turn: int
    kind: str
    quote: str


def _shown(text: str) -> int:
    """Return how many marks a turn has: all but its blanks."""
    return len(text) - text.count(" ")


def _lettered(words: Sequence[str], text: str) -> bool:
    """Tell whether the words alone have letters enough; those left out of them are not counted."""
    return len("".join(words)) - text.count("'") >= LETTERS * _shown(text)


@lru_cache(maxsize=TURNS)
def is_broken(text: str) -> bool:
    """Tell whether a turn is empty, without words, or the same words over and over."""
    said = heard(text)
    if not said.words:
        return True
    plain = text.isascii() and _lettered(said.words, text)  # nearly all are, at a glance
    if not plain and len(_SIGNS.sub("", text)) < LETTERS * _shown(text):
        return True
    return len(said.words) >= 12 and babble(text) >= BABBLE


def drift(turn: Turn) -> Drift | None:
    """Return how a turn steps out of its speaker's role, or None.

    Phrases only: a client who counsels in everyday words is not seen.
    """
    found = _drift(turn.text, turn.speaker)
    return None if found is None else Drift(turn.index, *found)


@lru_cache(maxsize=TURNS)
def _drift(text: str, speaker: Speaker) -> tuple[str, str] | None:
    if is_broken(text):
        return "broken", text[:40]
    mark = _mark(text, speaker)
    if mark:
        return "notes", mark
    said = heard(text)
    for name in _LISTS[speaker]:
        if said.has(name):
            own = heard(unquoted(text))  # a therapist who says the client's thought back
            if own.has(name):
                return _KIND.get(name) or name.removeprefix("roles."), own.first(name)
    return None


def _mark(text: str, speaker: Speaker) -> str:
    """Return a mark of prompts or of JSON in a turn, nothing where there is none.

    In the middle of a client's turn such marks are words of the client, who may have been told to
    plant them there (`evaluation/injection`); a model's own leaks are refused when it speaks
    (`agents/speech.py`). A turn that begins with one is no speech, whoever says it.
    """
    label = _LABEL.match(text)
    if label is None and speaker is Speaker.THERAPIST:
        label = _STAGED.match(text) or (_BOTH.search(text) if ":" in text else None)
    if label:
        return label.group().strip()
    found = _MARKS.search(text) if any(map(text.__contains__, _BRACKETS)) else None
    if found is None or (speaker is Speaker.CLIENT and text[: found.start()].strip()):
        return ""
    return found.group().strip()


def drifts(turns: Sequence[Turn]) -> tuple[Drift, ...]:
    """Return every turn that steps out of its speaker's role."""
    return tuple(found for found in map(drift, turns) if found is not None)
