"""One side of a comparison: sessions as talks, from whatever file or folder holds them."""

from __future__ import annotations

import hashlib
import heapq
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from corpus.intake import Intake, nothing
from domain.base import content_id
from domain.errors import CompareError
from domain.record import Origin, Record
from domain.runfolder import RunFolder
from domain.session import Session, Status
from domain.settings import ReadingSettings
from domain.turn import Speaker, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Part = Literal["real", "synthetic"]

AS_IT_IS = ReadingSettings()
_RECORD = {"origin", "turns", "provenance"}
_SESSION = {"drafts", "plan_index", "status"}
_HEAD = 1 << 22
"""Bytes of a first line that is looked at: a session of a hundred turns is a tenth of it."""


@dataclass(frozen=True)
class Talk:
    """One session as it is compared: who it belongs to, and what was said."""

    id: str
    group: str
    turns: tuple[Turn, ...]
    is_real: bool = False
    """Whether it is known to be of real people: a record says so, a transcript does not."""

    def said(self, speaker: Speaker) -> list[str]:
        """Return one speaker's turns, in order."""
        return [turn.text for turn in self.turns if turn.speaker is speaker]

    @property
    def text(self) -> str:
        """All that is said, one turn to a line."""
        return "\n".join(turn.text for turn in self.turns)


@dataclass(frozen=True)
class Side:
    """The talks of one side, in the order of their ids; `found` counts them before sampling."""

    name: str
    talks: tuple[Talk, ...]
    found: int

    @property
    def groups(self) -> int:
        """How many videos, clients or personas are behind the talks."""
        return len({talk.group for talk in self.talks})


def read_side(
    path: Path, part: Part, sessions: int, seed: int, reading: ReadingSettings = AS_IT_IS
) -> Side:
    """Read a side: records, a campaign's sessions, a run's folder, or transcripts of any kind.

    Of more than `sessions` talks a seeded sample is kept while reading, so that memory does not
    grow with the corpus.

    Raises:
        CompareError: Nothing in it can be compared.
        TranscriptError: There is no such path, or it holds no transcripts.
        StoreError: A line of a run's file is damaged.
    """
    source = _within_run(path, part)
    try:
        talks, found = _sample(_talks(source, reading), sessions, seed)
    except ValidationError as error:
        raise CompareError(
            "a line is neither a record nor a session",
            where=str(source),
            got=f"{error.error_count()} faults, first: {error.errors()[0]['msg']}",
            mend="Make the file again with the verb that wrote it.",
        ) from error
    if not talks:
        raise CompareError(
            "there is no session to compare",
            where=str(path),
            expected="sessions in which both sides speak",
            got="none",
            mend="Name a file or folder of transcripts, real.jsonl, synthetic.jsonl, "
            "sessions.jsonl, or a run's folder.",
        )
    return Side(_name(path), tuple(talks), found)


def side_of(name: str, records: Iterable[Record], sessions: int, seed: int) -> Side:
    """Return records as a side."""
    talks, found = _sample(map(_of_record, records), sessions, seed)
    return Side(name, tuple(talks), found)


def _within_run(path: Path, part: Part) -> Path:
    """Return the file of a run's folder that holds `part`; any other path as it is."""
    run = RunFolder(path)
    if not (path.is_dir() and run.config.is_file()):
        return path
    places = [run.real] if part == "real" else [run.synthetic, run.sessions]
    return next((place for place in places if place.is_file()), path)


def _name(path: Path) -> str:
    """A name that tells people the side apart and no more of its place than they gave."""
    return path.resolve().name


def _talks(path: Path, reading: ReadingSettings) -> Iterator[Talk]:
    kind = _kind(path) if path.is_file() else ""
    if kind:
        yield from _lines(path, kind)
        return
    intake, taken = Intake(path, reading), 0
    for one in intake.conversations():  # what cannot be taken does not count; ingest says why
        taken += 1
        if len({turn.speaker for turn in one.turns}) == len(Speaker):
            session = one.found.session
            named = content_id("talk", [one.found.source_hash, session.key, session.place])
            yield Talk(named, content_id("group", one.group), one.turns)
    if not taken:
        raise nothing(path, intake.gathering)


def _kind(path: Path) -> str:
    """Tell our own JSONL by the keys of its first line; "" for anything else."""
    with path.open("rb") as stream:
        head = stream.readline(_HEAD)
    try:
        keys = set(json.loads(head))
    except (ValueError, TypeError, RecursionError):
        return ""
    if keys >= _RECORD:
        return "record"
    return "session" if keys >= _SESSION else ""


def _lines(path: Path, kind: str) -> Iterator[Talk]:
    with path.open("rb") as stream:
        for line in stream:
            if not line.strip():
                continue
            if kind == "record":
                yield _of_record(Record.model_validate_json(line))
                continue
            session = Session.model_validate_json(line)
            if session.status is Status.ACCEPTED and session.turns:
                yield Talk(session.id, session.persona_id, session.turns)


def _of_record(record: Record) -> Talk:
    return Talk(record.id, record.group, record.turns, record.origin is Origin.REAL)


def _sample(talks: Iterator[Talk], most: int, seed: int) -> tuple[list[Talk], int]:
    """Keep the `most` talks that come first in an order drawn by `seed`; return them by id."""
    found = 0
    kept: list[tuple[int, int, Any]] = []
    for talk in talks:
        found += 1
        digest = hashlib.blake2b(f"{seed}/{talk.id}".encode(), digest_size=8).digest()
        entry = (-int.from_bytes(digest, "big"), -found, talk)
        if len(kept) < most:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
    return sorted((talk for _, _, talk in kept), key=lambda talk: talk.id), found
