"""Which reader a file needs, told by what is in it; the extension is only a hint for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.formats import annomi, chat, srt, webvtt
from corpus.formats.decode import KINDS, Decoded, decode
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path

    from corpus.formats.raw import Reading

_FORMATS = {"vtt": webvtt, "srt": srt, "chat": chat, "annomi": annomi}
"""In the order they are tried: the last accepts most."""


@dataclass(frozen=True)
class FileReading:
    """Everything in one file, with its format, its bytes, and a note on its encoding."""

    format: str
    sessions: tuple[Reading, ...]
    data: bytes
    note: str


def read_file(path: Path) -> FileReading:
    """Read one transcript file.

    Raises:
        TranscriptError: The file cannot be read, or is of no known kind.
    """
    decoded = decode(path)
    name = _format_of(decoded, path)
    sessions = tuple(_FORMATS[name].read(decoded.text, path.name))
    return FileReading(name, sessions, decoded.data, decoded.note)


def _format_of(decoded: Decoded, path: Path) -> str:
    for name, module in _FORMATS.items():
        if module.looks_like(decoded.text):
            return name
    raise TranscriptError(
        "the file is of no kind that can be read",
        where=path.name,
        expected=KINDS,
        got=f"text that begins like none of them ({path.suffix or 'no extension'})",
        mend="Export the transcript as .vtt or .srt with speaker labels.",
    )
