"""Speakers who step out of their role, and turns that are broken."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker, Turn
from measures.heard import has, heard, hits
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
_BRACKETS = re.compile(r"[{}\[|<`]")
"""One of these is in every mark; a turn without any need not be searched for marks."""
_LABEL = re.compile(r"(?i)^\s*(?:therapist|client|counsell?or|patient|assistant|user)\s*:")
_SIGNS = re.compile(r"[\W_]+")
_KINDS = {
    Speaker.CLIENT: ("program", "notes", "client_counsels"),
    Speaker.THERAPIST: ("program", "notes", "supervised", "therapist_confides"),
}


class Drift(NamedTuple):
    """One turn out of role: its index, the kind of drift, and the words that show it."""

    turn: int
    kind: str
    quote: str


def _lettered(words: Sequence[str], shown: str) -> bool:
    """Tell whether the words alone have letters enough; those left out of them are not counted."""
    return sum(map(len, words)) - shown.count("'") >= LETTERS * len(shown)


@lru_cache(maxsize=TURNS)
def is_broken(text: str) -> bool:
    """Tell whether a turn is empty, without words, or the same words over and over."""
    said = heard(text)
    if not said.words:
        return True
    shown = text.replace(" ", "")
    plain = text.isascii() and _lettered(said.words, shown)  # nearly all are, at a glance
    if not plain and len(_SIGNS.sub("", shown)) < LETTERS * len(shown):
        return True
    return len(said.words) >= 12 and babble(text) >= BABBLE


def drift(turn: Turn) -> Drift | None:
    """Return how a turn steps out of its speaker's role, or None.

    Phrases only: a client who counsels in everyday words is not seen.
    """
    if is_broken(turn.text):
        return Drift(turn.index, "broken", turn.text[:40])
    mark = _BRACKETS.search(turn.text) and _MARKS.search(turn.text)
    mark = mark or _LABEL.match(turn.text)
    if mark:
        return Drift(turn.index, "notes", mark.group().strip())
    for kind in _KINDS[turn.speaker]:
        if has(turn.text, f"roles.{kind}"):
            own = unquoted(turn.text)  # a therapist who says the client's thought back
            if has(own, f"roles.{kind}"):
                return Drift(turn.index, kind, hits(own)[f"roles.{kind}"][0].text)
    return None


def drifts(turns: Sequence[Turn]) -> tuple[Drift, ...]:
    """Return every turn that steps out of its speaker's role."""
    return tuple(found for found in map(drift, turns) if found is not None)
