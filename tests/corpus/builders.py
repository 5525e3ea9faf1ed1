"""Small records and transcripts for the corpus's tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

_THERAPIST = (
    "What has been on your mind since we met",
    "That sounds like a heavy week for you",
    "What went through your mind just then",
    "So part of you wants to rest and part of you cannot",
)
_CLIENT = (
    "I keep going over the same argument at night",
    "My brother called and I did not pick up again",
    "I thought they would all be better off at dinner alone",
    "It felt like standing outside of my own house",
)


def turns(number: int, exchanges: int = 8) -> tuple[Turn, ...]:
    """Alternating turns that differ from record to record."""
    made: list[Turn] = []
    for i in range(exchanges):
        for speaker, lines in ((Speaker.THERAPIST, _THERAPIST), (Speaker.CLIENT, _CLIENT)):
            text = f"{lines[(i + number) % 4]}, number {number} time {i}."
            made.append(Turn(index=len(made), speaker=speaker, text=text))
    return tuple(made)


def record(
    number: int,
    *,
    group: str = "",
    quality: Quality = Quality.HIGH,
    origin: Origin = Origin.REAL,
    licence: str = "CC-BY-4.0",
    exchanges: int = 8,
) -> Record:
    """A record whose content follows from `number`."""
    real = origin is Origin.REAL
    return Record(
        origin=origin,
        source="made",
        licence=licence,
        topic="work",
        group=group or f"group-{number}",
        quality=quality,
        deidentification=Deidentification.SCREENED if real else Deidentification.NOT_NEEDED,
        turns=turns(number, exchanges),
        provenance=Provenance(source_hash=f"{number:064d}"),
    )


def vtt(lines: Sequence[tuple[str, str]], head: str = "WEBVTT") -> str:
    """A WebVTT file with a voice tag for each line; "" as the label leaves the tag out."""
    cues = []
    for i, (label, text) in enumerate(lines):
        said = f"<v {label}>{text}</v>" if label else text
        cues.append(
            f"00:{i // 60:02d}:{i % 60:02d}.000 --> 00:{i // 60:02d}:{i % 60:02d}.900\n{said}\n"
        )
    return head + "\n\n" + "\n".join(cues)


TALK = (
    ("Therapist", "How have you been?"),
    ("Client", "Tired, mostly. I did not sleep."),
    ("Therapist", "You did not sleep. What kept you awake?"),
    ("Client", "The same thought, over and over."),
    ("Therapist", "What does the thought say?"),
    ("Client", "That I should have called her back."),
)
"""Six turns without an identifier."""
