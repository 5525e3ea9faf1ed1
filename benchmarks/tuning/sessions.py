"""Sessions to train on and to hold out: transcripts by path, or talks made here."""

from __future__ import annotations

import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from domain.base import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from corpus.chatform import Message

HELD_OUT = 6
"""Of so many groups of sessions, one is held out."""
MESSAGES = (3.85, 0.83)
"""Messages of a made session: mean and deviation of the logarithm.

Fitted to AnnoMI's 98 sessions of the development part, which have 17, 47 and 142 messages at the
10th, 50th and 90th percentile; 2,400 made sessions have 15, 45 and 137. Their messages are shorter:
the median session is 679 tokens of `tuning.base` long, where AnnoMI's is 1,617."""


@dataclass(frozen=True)
class Sessions:
    """Chat messages of each session; the held-out ones share no group with the others."""

    train: list[list[Message]]
    held_out: list[list[Message]]
    source: str


def from_transcripts(path: Path) -> Sessions:
    """Read transcripts as `rehearsal corpus ingest` does, into a folder that is gone afterwards.

    Raises:
        TranscriptError: There is nothing to read.
    """
    from corpus.chatform import messages_of
    from corpus.files import read_records
    from corpus.ingest import ingest
    from domain.runfolder import RunFolder
    from domain.settings import CorpusSettings

    with tempfile.TemporaryDirectory() as scratch:
        folder = RunFolder(Path(scratch))
        ingest(path, folder, CorpusSettings())
        records = sorted(read_records(folder.quarantine), key=lambda record: record.id)
    groups = sorted({record.group for record in records})
    kept_out = set(groups[::HELD_OUT])
    said = [(record.group in kept_out, messages_of(record.turns)) for record in records]
    return Sessions(
        [messages for out, messages in said if not out and _teaches(messages)],
        [messages for out, messages in said if out and _teaches(messages)],
        f"{len(records)} transcripts",
    )


def made_here(count: int, seed: int = 0) -> Sessions:
    """Make sessions from the tiny base's grammar; one in `HELD_OUT` more is held out."""
    made = list(made_sessions(count + -(-count // (HELD_OUT - 1)), seed))
    return Sessions(made[:count], made[count:], f"{len(made)} sessions of the primer's grammar")


def made_sessions(count: int, seed: int) -> Iterator[list[Message]]:
    """Yield sessions of many lengths; equal seeds yield equal sessions."""
    from corpus.chatform import system_prompt
    from training.primer.primer import talks

    dice = random.Random(seed)
    pool = talks(seed, 1_500)
    for _ in range(count):
        wanted = max(3, round(dice.lognormvariate(*MESSAGES)))
        session: list[Message] = [{"role": "system", "content": system_prompt()}]
        while len(session) < wanted:
            for message in dice.choice(pool):
                if message["role"] != "system":
                    _say(session, str(message["role"]), str(message["content"]))
        session = session[:wanted]
        if session[-1]["role"] == "user":
            session.pop()
        yield session


def write_blend(path: Path, sessions: Iterable[list[Message]]) -> None:
    """Write a messages.jsonl as a blend has it."""
    with path.open("wb") as lines:
        for number, messages in enumerate(sessions):
            lines.write(canonical_json({"id": f"session-{number}", "messages": messages}) + b"\n")


def _say(session: list[Message], role: str, content: str) -> None:
    """Add a message; roles alternate."""
    if session[-1]["role"] == role:
        session[-1]["content"] += f" {content}"
    else:
        session.append({"role": role, "content": content})


def _teaches(messages: list[Message]) -> bool:
    return any(message["role"] == "assistant" for message in messages)
