"""From bytes to text: which encoding it is, and what is no text at all.

A file is gone through once to be hashed and to see that its encoding holds to the end, then again
to be read; neither pass holds more than a piece of it.
"""

from __future__ import annotations

import codecs
import hashlib
import io
from dataclasses import dataclass
from stat import S_ISREG
from typing import TYPE_CHECKING

from domain.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO, TextIO

KINDS = (
    "WebVTT, SRT, Whisper JSON, text with speaker labels, CSV, chat JSON or JSONL, Parquet, Arrow"
)

HEAD_BYTES = 65_536
_PIECE = 2**20

_SIGNATURES = {
    b"%PDF": "a PDF",
    b"PK\x03\x04": "a ZIP or Office document",
    b"\x1f\x8b": "a gzip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ\x00": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"{\\rtf": "an RTF document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"SQLite format 3": "an SQLite database",
    b"ID3": "a sound file",
    b"RIFF": "a sound or video file",
    b"OggS": "a sound file",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1b"))


@dataclass(frozen=True)
class Head:
    """The beginning of a file, as bytes and, where it is text, as text with plain line ends."""

    path: Path
    size: int
    data: bytes
    encoding: str
    text: str

    @property
    def whole(self) -> bytes | None:
        """All bytes of the file, where its beginning is all there is."""
        is_all = len(self.data) == self.size and len(self.data) < HEAD_BYTES
        return self.data if is_all else None


@dataclass(frozen=True)
class TextFile:
    """A file that is text to its end, its SHA-256, and a note where its encoding was guessed."""

    path: Path
    size: int
    encoding: str
    digest: str
    note: str = ""
    held: bytes | None = None
    """What is in it, of a file so small that all of it has been read."""

    @property
    def name(self) -> str:
        """The file's own name; its folder is nobody's business."""
        return self.path.name

    def open(self) -> TextIO:
        """Open it for reading, line ends as they are."""
        return self.path.open(encoding=self.encoding, newline="")

    def _stream(self) -> BinaryIO:
        return self.path.open("rb") if self.held is None else io.BytesIO(self.held)

    def text(self) -> str:
        """Return all of it, with plain line ends: for files of one session."""
        with self._stream() as bytes_, io.TextIOWrapper(bytes_, self.encoding) as stream:
            return stream.read().removeprefix("\ufeff")


def head_of(path: Path) -> bytes:
    """Return the first bytes of `path`.

    Raises:
        TranscriptError: No such file, no permission, not a file, or empty.
    """
    try:
        if not S_ISREG(path.stat().st_mode):
            raise TranscriptError(
                "it is not a file", where=path.name, mend="Name a file, or a folder of files."
            )
        with path.open("rb") as stream:
            data = stream.read(HEAD_BYTES)
    except OSError as error:
        raise TranscriptError(
            "the file cannot be read",
            where=path.name,
            got=error.strerror or type(error).__name__,
            mend="Check the path and its permissions.",
        ) from error
    if not data.strip(b" \t\r\n\xef\xbb\xbf"):
        raise TranscriptError(
            "the file is empty",
            where=path.name,
            expected=KINDS,
            mend="Export the transcript again.",
        )
    return data


def text_head(path: Path, data: bytes, encoding: str | None = None) -> Head:
    """Return the beginning of `path` as text, in `encoding` or in the one that its bytes show.

    Raises:
        TranscriptError: It is not text, or the encoding is unknown.
    """
    for signature, kind in _SIGNATURES.items():
        if data.startswith(signature):
            raise _not_text(path, kind)
    encoding = _known(encoding, path) or _marked(data) or _utf16_without_mark(data)
    if encoding is None and _is_binary(data):
        raise _not_text(path, "binary data")
    name = encoding or "utf-8"
    text = codecs.getincrementaldecoder(name)("replace").decode(data)
    plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return Head(path, path.stat().st_size, data, name, plain)


def whole_text(head: Head) -> TextFile:
    """Go through the file once: its hash, and whether its encoding holds to the end.

    What is not UTF-8 is Windows-1252, and that is said; unless there is UTF-8 in it: then it is
    damaged, and reading it as anything else would spoil every accent.

    Raises:
        TranscriptError: A byte is impossible in the encoding.
    """
    digest, broken = _pass(head, head.encoding)
    if broken is None:
        return TextFile(head.path, head.size, head.encoding, digest, held=head.whole)
    if head.encoding != "utf-8" or not broken.ascii_before:
        raise _damaged(head, broken)
    again, still = _pass(head, "cp1252")
    if still is not None:
        raise _damaged(head, still)
    note = f"{head.path.name} is not UTF-8: read as Windows-1252 (Latin-1); check accents"
    return TextFile(head.path, head.size, "cp1252", again, note, head.whole)


@dataclass(frozen=True)
class _Broken:
    """Where an encoding fails: the line, from 1, and whether all before it is ASCII."""

    line: int
    ascii_before: bool


def _pass(head: Head, encoding: str) -> tuple[str, _Broken | None]:
    digest = hashlib.sha256()
    decoder = codecs.getincrementaldecoder(encoding)()
    line, plain = 1, True
    with head.path.open("rb") if head.whole is None else io.BytesIO(head.whole) as stream:
        while True:
            piece = stream.read(_PIECE)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as error:
                good = error.object[: error.start]
                return "", _Broken(line + good.count(b"\n"), plain and good.isascii())
            digest.update(piece)
            line += text.count("\n")
            plain = plain and text.isascii()
            if not piece:
                return digest.hexdigest(), None


def _damaged(head: Head, broken: _Broken) -> TranscriptError:
    return TranscriptError(
        "the text is damaged",
        where=f"{head.path.name}, line {broken.line}",
        expected=f"{head.encoding} to the end",
        got="a byte that is impossible in it",
        mend="Export the transcript again as UTF-8, or name its encoding: --encoding NAME.",
    )


def _known(encoding: str | None, path: Path) -> str | None:
    if encoding is None:
        return None
    try:
        name = codecs.lookup(encoding).name
        codecs.getincrementaldecoder(name)().decode(b"", final=True)
    except (LookupError, UnicodeError, AttributeError):
        name = ""
    if not name or name in {"idna", "punycode", "undefined"}:
        raise TranscriptError(
            "the encoding is not known",
            where=path.name,
            expected="such as utf-8, cp1252, cp1251, shift_jis",
            got=repr(encoding[:40]),
            mend="Correct --encoding or corpus.reading.encoding, or leave it out.",
        )
    return name


def _marked(data: bytes) -> str | None:
    return next((name for mark, name in _BOMS if data.startswith(mark)), None)


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
    controls = len(data) - len(data.translate(None, _CONTROLS))
    return b"\0" in data or controls > len(data) * 0.02


def _not_text(path: Path, got: str) -> TranscriptError:
    return TranscriptError(
        "the file is not a text transcript",
        where=path.name,
        expected=KINDS,
        got=got,
        mend="Unpack it, or export the transcript from the video platform as .vtt or .srt.",
    )
