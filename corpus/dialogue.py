"""From utterances to turns: interrupted sentences joined, one speaker's turns merged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from corpus.data.files import load_yaml
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from corpus.formats.raw import Utterance
    from corpus.speakers import Roles

_DASHES = "-–—"
_OPEN_END = re.compile(r"\s*[-–—]+\s*$")
_OPEN_START = re.compile(r"^\s*[-–—]+\s*")
_SAID = re.compile(r"[^\W_]")
_NOT_WORD = re.compile(r"[^\w\s'’-]+")


@dataclass
class _Piece:
    speaker: Speaker
    text: str
    start_s: float | None
    grown: int = 0
    """How many pieces stood in the list when this one last grew: what follows interrupted it."""


@lru_cache(maxsize=1)
def _backchannels() -> frozenset[str]:
    return frozenset(load_yaml("listening")["backchannels"])


def is_backchannel(text: str) -> bool:
    """Tell whether `text` only shows that somebody listens: "Mm-hmm. Right."."""
    parts = re.split(r"[.,!?;]+", text.lower())
    said = (" ".join(_NOT_WORD.sub(" ", part).strip(f"{_DASHES} ").split()) for part in parts)
    return all(part in _backchannels() for part in said if part)


def turns_of(utterances: Sequence[Utterance], roles: Roles) -> tuple[Turn, ...]:
    """Return strictly alternating turns.

    An utterance that another speaker interrupts is cut into pieces; they are joined, and the
    interruption follows the joined utterance. Listening sounds that repeat are kept once.
    """
    pieces = [
        _Piece(roles.by_label[said.speaker], said.text, said.start_s)
        for said in utterances
        if said.speaker in roles.by_label and _SAID.search(said.text)
    ]
    turns: list[_Piece] = []
    for piece in _rejoined(pieces):
        if turns and turns[-1].speaker is piece.speaker:
            turns[-1].text = _merged(turns[-1].text, piece.text)
        else:
            turns.append(_Piece(piece.speaker, _OPEN_START.sub("", piece.text), piece.start_s))
    return tuple(
        Turn(index=index, speaker=turn.speaker, text=turn.text, start_s=turn.start_s)
        for index, turn in enumerate(turns)
    )


def _rejoined(pieces: list[_Piece]) -> list[_Piece]:
    """Join each piece to the one it goes on from: its speaker's last."""
    joined: list[_Piece] = []
    for piece in pieces:
        back = _continued(joined, piece)
        if back is None:
            joined.append(piece)
            piece.grown = len(joined)
        else:
            back.text = f"{_OPEN_END.sub('', back.text)} {_OPEN_START.sub('', piece.text)}"
            back.grown = len(joined)
    return joined


def _continued(joined: list[_Piece], piece: _Piece) -> _Piece | None:
    """Return the piece that `piece` goes on from, or None.

    A leading dash after an open end, or after listening sounds only, is a transcriber's sign for
    it. An open end without the dash is one only before a small letter: speakers also trail off.
    """
    back = next((one for one in reversed(joined) if one.speaker is piece.speaker), None)
    if back is None or joined[-1] is back:
        return None  # one speaker's pieces in a row are merged later, whatever their marks
    open_end = back.text.rstrip()[-1:] in _DASHES
    if piece.text.lstrip()[:1] in _DASHES:
        return back if open_end or _listened(joined[back.grown :]) else None
    goes_on = open_end and piece.text[:1].islower() and _listened(joined[back.grown :])
    return back if goes_on else None


def _listened(pieces: Sequence[_Piece]) -> bool:
    """Tell whether `pieces` only show that somebody listens."""
    return all(is_backchannel(piece.text) for piece in pieces)


def _merged(before: str, text: str) -> str:
    if is_backchannel(text) and before.lower().endswith(text.lower()):
        return before
    if _OPEN_START.match(text):
        return f"{_OPEN_END.sub('', before)} {_OPEN_START.sub('', text)}"
    return f"{before} {text}"
