"""Small sessions for the training tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from domain.record import Deidentification, Origin, Provenance, Quality, Record
from domain.turn import Speaker, Turn
from training.job import TrainJob, file_hash

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder
    from domain.settings import TrainingSettings

ASKED = (
    "What was the hardest part of it?",
    "So the evenings are long, and the phone stays quiet.",
    "Mm-hmm.",
    "You went back the next day, although you were tired. How was that?",
)
SAID = (
    "I sat in the car for an hour.",
    "My sister says that I should call more often.",
    "I don't know, it went wrong again-",
    "It was quiet, and then the neighbours came home.",
)


def messages(number: int, exchanges: int) -> list[dict[str, str]]:
    """A system message and `exchanges` pairs of user and assistant, different for each number."""
    made = [{"role": "system", "content": "You listen."}]
    for turn in range(exchanges):
        made.append({"role": "user", "content": SAID[(number + turn) % 4]})
        made.append({"role": "assistant", "content": f"{ASKED[(3 * number + turn) % 4]} {turn}"})
    return made


def jsonl(sessions: int, exchanges: int = 6) -> bytes:
    """The messages.jsonl of a blend."""
    lines = [
        json.dumps({"id": f"record-{number}", "messages": messages(number, exchanges)})
        for number in range(sessions)
    ]
    return "\n".join(lines).encode()


def make_job(folder: Path, base: str, data: bytes, settings: TrainingSettings) -> TrainJob:
    """A job on a blend of its own in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    blend = folder / "messages.jsonl"
    blend.write_bytes(data)
    return TrainJob("real", base, str(blend), file_hash(blend), settings, seed=3, threads=1)


def write_blend(folder: RunFolder, variant: str, data: bytes) -> Path:
    """Write a blend as the corpus would."""
    path = folder.blend(variant) / "messages.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def record(number: int, exchanges: int = 5) -> Record:
    """A real session that was kept out."""
    turns: list[Turn] = []
    for turn in range(exchanges):
        for speaker, lines in ((Speaker.CLIENT, SAID), (Speaker.THERAPIST, ASKED)):
            text = lines[(number + turn) % 4]
            turns.append(Turn(index=len(turns), speaker=speaker, text=text))
    return Record(
        origin=Origin.REAL,
        source="invented",
        licence="CC0",
        topic="evenings",
        group=f"group-{number}",
        quality=Quality.HIGH,
        deidentification=Deidentification.SIGNED_OFF,
        turns=tuple(turns),
        provenance=Provenance(source_hash=f"{number:064x}"),
    )
