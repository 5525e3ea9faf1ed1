"""Finds the transcripts under a path and reads them one after the other, without keeping any."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from corpus.formats.decode import KINDS
from corpus.formats.detect import FileReading, read_files
from corpus.formats.limits import GIVE_UP_AFTER
from corpus.formats.raw import RawSession, Skipped
from corpus.speakers import name_in
from domain.base import Noun
from domain.errors import TranscriptError
from domain.settings import ReadingSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_NOT_TRANSCRIPTS = {
    "roster.txt", "planted.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json",
    "state.json", "manifest.json",
}  # fmt: skip
_NOT_STEMS = {"readme", "licence", "license", "notice", "changelog"}
_NOT_SUFFIXES = {".md", ".py", ".yaml", ".yml"}
_SHARD = re.compile(r"^(.*)-\d{5}-of-\d{5}\.(parquet|arrow)$")

SHOWN = 1_000
"""Files, and reasons for leaving one out, that are kept one by one; the others are counted."""


class FileRead(Noun):
    """One file: what it was taken for, why, and what was in it; no format where it is none."""

    file: str
    format: str
    why: str
    encoding: str
    sessions: int
    skipped: int


@dataclass(frozen=True)
class Found:
    """One session with the hash of its file and the number of the file, from 1."""

    session: RawSession
    source_hash: str
    file: int


@dataclass
class Gathering:
    """What is known once everything under a path has been read; the sessions are not kept.

    `skipped` and `read` hold the first `SHOWN`; `skips` and `files` count all.
    """

    source: Path
    reading: ReadingSettings = field(default_factory=ReadingSettings)
    files: int = 0
    skips: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    formats: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    read: list[FileRead] = field(default_factory=list)

    def skip(self, skipped: Skipped) -> None:
        """Put down a transcript that is left out."""
        self.skips += 1
        if len(self.skipped) < SHOWN:
            self.skipped.append(skipped)

    def note(self, note: str) -> None:
        """Put down what a person should know."""
        if note and len(self.notes) < SHOWN:
            self.notes.append(note)

    def sessions(self) -> Iterator[Found]:
        """Yield every session; what cannot be read is put down with its reason.

        Raises:
            TranscriptError: There is no such path, or nothing that could be a transcript.
        """
        for paths in _data_sets(_files(self.source)):
            self.files += len(paths)
            try:
                reading = read_files(paths, self.reading)
            except TranscriptError as error:
                self.skip(Skipped(where=error.where or paths[0].name, reason=str(error)))
                self._put_down(paths[0].name, None, 0, 1)
                continue
            self.formats[reading.format] += 1
            self.note(reading.note)
            yield from self._of_file(reading, paths[0].name)

    def _of_file(self, reading: FileReading, name: str) -> Iterator[Found]:
        before, taken = self.skips, 0
        try:
            for session in reading.sessions:
                if isinstance(session, Skipped):
                    self.skip(session)
                    _give_up(self.skips - before, taken, name)
                else:
                    taken += 1
                    self.note(f"{session.place}: {session.note}" if session.note else "")
                    yield Found(session, reading.digest, self.files)
        except TranscriptError as error:
            after = f"\n  kept: the {taken:,} sessions before it" if taken else ""
            self.skip(Skipped(where=error.where or name, reason=f"{error}{after}"))
        self._put_down(name, reading, taken, self.skips - before)

    def _put_down(self, name: str, reading: FileReading | None, taken: int, skipped: int) -> None:
        if len(self.read) >= SHOWN:
            return
        self.read.append(
            FileRead(
                file=name,
                format=reading.format if reading else "",
                why=reading.why if reading else "it cannot be read",
                encoding=reading.encoding if reading else "",
                sessions=taken,
                skipped=skipped,
            )
        )


class Groups:
    """Which sessions belong together: those of one video, one declared group, one client.

    A key is made of hashes of files or of addresses, never of a name: names are few enough to be
    guessed from their hash.
    """

    def __init__(self) -> None:
        self._by_client: dict[str, str] = {}

    def of(self, found: Found) -> str:
        """Return the key of the group that a session is in."""
        session = found.session
        key = session.group or f"{found.source_hash}/{session.key}"
        if session.group:
            return key
        for label in dict.fromkeys(said.speaker for said in session.utterances):
            name = name_in(label).lower()
            if name and _is_client(label, session):
                key = self._by_client.setdefault(name, key)
        return key


def roster_beside(source: Path) -> tuple[str, ...]:
    """Return the names of `roster.txt` beside the transcripts, one to a line; # is a remark."""
    folder = source if source.is_dir() else source.parent
    path = folder / "roster.txt"
    if not path.is_file():
        return ()
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    return tuple(name for line in lines if (name := line.split("#")[0].strip()))


def _give_up(bad: int, good: int, name: str) -> None:
    """Stop reading a file of which most cannot be read."""
    if bad >= GIVE_UP_AFTER and bad > good:
        raise TranscriptError(
            "the file is given up",
            where=name,
            expected="sessions that can be read",
            got=f"{bad:,} that cannot, and {good:,} that can",
            mend="Mend what is named first, or leave the file out.",
        )


def _is_client(label: str, session: RawSession) -> bool:
    """Tell a named speaker who asks fewer questions: therapists' names tie nothing together."""
    asked = {said.speaker: 0 for said in session.utterances}
    for said in session.utterances:
        asked[said.speaker] += said.text.endswith("?")
    return asked[label] == min(asked.values())


def _data_sets(paths: Iterator[Path]) -> Iterator[Sequence[Path]]:
    """Yield files that are one data set together, such as train-00000-of-00002.parquet."""

    def together(path: Path) -> object:
        match = _SHARD.match(path.name)
        return (path.parent, match[1], match[2]) if match else path

    for _, group in groupby(paths, key=together):
        yield tuple(group)


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
    found = _under(source, source)
    first = next(found, None)
    if first is None:
        raise TranscriptError(
            "the folder holds no transcripts",
            where=str(source),
            expected=KINDS,
            got="no files" if not any(source.iterdir()) else "other files only",
            mend="Put the exported transcripts there, or name another folder.",
        )
    yield first
    yield from found


def _under(folder: Path, source: Path) -> Iterator[Path]:
    """Yield the transcripts under `folder` in the order of their names, without a list of all."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from _under(path, source)
        elif path.is_file() and _may_be_transcript(path, source):
            yield path


def _may_be_transcript(path: Path, source: Path) -> bool:
    parts = path.relative_to(source).parts
    return (
        not any(part.startswith((".", "__")) for part in parts)
        and not (path.suffix == ".arrow" and path.name.startswith("cache-"))
        and path.name.lower() not in _NOT_TRANSCRIPTS
        and path.stem.lower() not in _NOT_STEMS
        and path.suffix.lower() not in _NOT_SUFFIXES
    )
