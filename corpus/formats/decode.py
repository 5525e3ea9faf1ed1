"""From bytes to text: which encoding it is, and what is no text at all."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024
"""Larger files are refused: an hour of speech is about 60 KB of text."""

KINDS = "WebVTT, SRT, AnnoMI's CSV or chat JSONL"

_SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP or Office document",
    b"\x1f\x8b": "a gzip archive",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_TEXT_CONTROLS = set(b"\t\n\r\f\x1b")


@dataclass(frozen=True)
class Decoded:
    """The text of a file, and a note where its encoding had to be guessed."""

    text: str
    data: bytes
    note: str = ""


def decode(path: Path) -> Decoded:
    """Read `path` as text: UTF-8 with or without mark, UTF-16, else Windows-1252 (and say so).

    Raises:
        TranscriptError: No such file, no permission, too large, empty, or not text.
    """
    data = _bytes(path)
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise _not_text(path, kind)
    encoding = next((name for bom, name in _BOMS if data.startswith(bom)), None)
    encoding = encoding or _utf16_without_mark(data)
    if encoding is None and _is_binary(data):
        raise _not_text(path, "binary data")
    try:
        text = data.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise TranscriptError(
                "the text is damaged",
                where=path.name,
                expected=f"{encoding}, as its first bytes say",
                got=f"an impossible byte at {error.start}",
                mend="Export the transcript again as UTF-8.",
            ) from None
        text, note = data.decode("cp1252", errors="replace"), "is not UTF-8"
        return Decoded(
            _lines(text), data, f"{path.name} {note}: read as Windows-1252 (Latin-1); check accents"
        )
    return Decoded(_lines(text), data)


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise TranscriptError(
                "the file is too large to be a transcript",
                where=path.name,
                expected=f"at most {MAX_BYTES // 2**20} MiB",
                got=f"{size / 2**20:.0f} MiB",
                mend="Split it into one file per session, or take the video's sound out.",
            )
        data = path.read_bytes()
    except OSError as error:
        raise TranscriptError(
            "the file cannot be read",
            where=path.name,
            got=error.strerror or type(error).__name__,
            mend="Check the path and its permissions.",
        ) from error
    if not data.strip():
        raise TranscriptError(
            "the file is empty",
            where=path.name,
            expected=KINDS,
            mend="Export the transcript again.",
        )
    return data


def _utf16_without_mark(data: bytes) -> str | None:
    """Tell UTF-16 by its zeros: every second byte of Latin text."""
    sample = data[:4096]
    if len(sample) < 16:
        return None
    even, odd = sample[0::2].count(0) * 2 / len(sample), sample[1::2].count(0) * 2 / len(sample)
    if odd > 0.6 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.6 and odd < 0.1 else None


def _is_binary(data: bytes) -> bool:
    sample = data[:65536]
    controls = sum(byte < 32 and byte not in _TEXT_CONTROLS for byte in sample)
    return b"\0" in sample or controls > len(sample) * 0.02


def _not_text(path: Path, got: str) -> TranscriptError:
    return TranscriptError(
        "the file is not a text transcript",
        where=path.name,
        expected=KINDS,
        got=got,
        mend="Export the transcript from the video platform as .vtt or .srt.",
    )


def _lines(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
