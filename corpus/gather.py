"""Finds the transcripts under a path, reads each, and groups those that belong together."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from corpus.formats.decode import KINDS
from corpus.formats.detect import read_file
from corpus.formats.raw import RawSession, Skipped
from corpus.speakers import name_in
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_NOT_TRANSCRIPTS = {"roster.txt", "planted.json"}
_NOT_STEMS = {"readme", "licence", "license", "notice", "changelog"}
_NOT_SUFFIXES = {".md", ".py", ".yaml", ".yml"}


@dataclass(frozen=True)
class Found:
    """One session with the hash of its file and the number of the file, from 1."""

    session: RawSession
    source_hash: str
    file: int


@dataclass
class Gathering:
    """Everything under a path: sessions, what was skipped, formats by count, notes."""

    found: list[Found] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    formats: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: int = 0


def gather(source: Path) -> Gathering:
    """Read every transcript under `source`; one that cannot be read is put down with its reason.

    Raises:
        TranscriptError: There is no such path, or nothing that could be a transcript.
    """
    gathering = Gathering()
    for path in _files(source):
        gathering.files += 1
        try:
            reading = read_file(path)
        except TranscriptError as error:
            gathering.skipped.append(Skipped(where=path.name, reason=str(error)))
            continue
        digest = hashlib.sha256(reading.data).hexdigest()
        gathering.formats[reading.format] = gathering.formats.get(reading.format, 0) + 1
        gathering.notes += [reading.note] if reading.note else []
        for session in reading.sessions:
            if isinstance(session, Skipped):
                gathering.skipped.append(session)
            else:
                gathering.found.append(Found(session, digest, gathering.files))
    return gathering


def roster_beside(source: Path) -> tuple[str, ...]:
    """Return the names of `roster.txt` beside the transcripts, one to a line; # is a remark."""
    folder = source if source.is_dir() else source.parent
    path = folder / "roster.txt"
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(name for line in lines if (name := line.split("#")[0].strip()))


def groups_of(found: list[Found]) -> list[str]:
    """Return a key for each session: the same for one video, one declared group, one client.

    The key is made of hashes of files or of addresses, never of a name: names are few enough to
    be guessed from their hash.
    """
    keys: list[str] = []
    by_client: dict[str, str] = {}
    for one in found:
        session = one.session
        key = session.group or f"{one.source_hash}/{session.key}"
        for label in dict.fromkeys(said.speaker for said in session.utterances):
            name = name_in(label).lower()
            if name and not session.group and _is_client(label, session):
                key = by_client.setdefault(name, key)
        keys.append(key)
    return keys


def _is_client(label: str, session: RawSession) -> bool:
    """Tell a named speaker who asks fewer questions: therapists' names tie nothing together."""
    asked = {said.speaker: 0 for said in session.utterances}
    for said in session.utterances:
        asked[said.speaker] += said.text.endswith("?")
    return asked[label] == min(asked.values())


def _files(source: Path) -> Iterator[Path]:
    if not source.exists():
        raise TranscriptError(
            "there is no such file or folder",
            where=str(source),
            expected=f"transcripts: {KINDS}",
            mend="Check the path.",
        )
    if source.is_file():
        yield source
        return
    found = [
        path
        for path in sorted(source.rglob("*"))
        if path.is_file() and _may_be_transcript(path, source)
    ]
    if not found:
        raise TranscriptError(
            "the folder holds no transcripts",
            where=str(source),
            expected=KINDS,
            got="no files" if not any(source.iterdir()) else "other files only",
            mend="Put the exported transcripts there, or name another folder.",
        )
    yield from found


def _may_be_transcript(path: Path, source: Path) -> bool:
    parts = path.relative_to(source).parts
    return (
        not any(part.startswith((".", "__")) for part in parts)
        and path.name.lower() not in _NOT_TRANSCRIPTS
        and path.stem.lower() not in _NOT_STEMS
        and path.suffix.lower() not in _NOT_SUFFIXES
    )
