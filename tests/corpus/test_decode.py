from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from corpus.formats.decode import TextFile, head_of, text_head, whole_text
from corpus.formats.detect import read_file
from corpus.formats.limits import MAX_SESSION_BYTES
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path


def decode(path: Path, encoding: str | None = None) -> TextFile:
    return whole_text(text_head(path, head_of(path), encoding))


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"]
)
def test_unicode_is_read_without_a_note(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes("1\r\nCafé für Zoë, déjà vu, again\r\n".encode(encoding))
    decoded = decode(path)
    assert decoded.text() == "1\nCafé für Zoë, déjà vu, again\n"
    assert decoded.note == ""


def test_windows_1252_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "old.srt"
    path.write_bytes("It’s a café".encode("cp1252"))
    decoded = decode(path)
    assert decoded.text() == "It’s a café"
    assert "not UTF-8" in decoded.note
    assert "old.srt" in decoded.note


@pytest.mark.parametrize(
    ("content", "got"),
    [
        (b"%PDF-1.7 text", "a PDF"),
        (b"PK\x03\x04rest of a docx", "ZIP or Office"),
        (b"{\\rtf1 text}", "RTF"),
        (bytes(range(256)) * 8, "binary data"),
    ],
)
def test_other_kinds_are_named(tmp_path: Path, content: bytes, got: str) -> None:
    path = tmp_path / "a.vtt"
    path.write_bytes(content)
    with pytest.raises(TranscriptError, match="not a text transcript") as caught:
        decode(path)
    assert got in caught.value.got
    assert ".vtt" in caught.value.mend


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_bytes(b" \n\n")
    with pytest.raises(TranscriptError, match="the file is empty"):
        decode(path)


def test_a_huge_file_is_refused_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "film.vtt"
    path.write_text("WEBVTT\n\n")
    os.truncate(path, 2**40)  # sparse: takes no room on the disk
    with pytest.raises(TranscriptError, match="binary data"):
        read_file(path)
    path.write_text("WEBVTT\n\n" + "00:01.000 --> 00:02.000\n<v Ann>No.\n\n" * 200_000)
    assert path.stat().st_size < MAX_SESSION_BYTES
    path.write_text("WEBVTT\n\n" + "00:01.000 --> 00:02.000\n<v Ann>No.\n\n" * 300_000)
    with pytest.raises(TranscriptError, match="too large to be one session") as caught:
        read_file(path)
    assert "8 MiB" in caught.value.expected


def test_damaged_utf_8_is_not_taken_for_another_encoding(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Ann: Café\nBob: D\u00e9j\u00e0 vu\n".encode() + b"Ann: \xff\n")
    with pytest.raises(TranscriptError, match=r"a\.txt, line 3: the text is damaged"):
        decode(path)


def test_an_encoding_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Терапевт: Здравствуйте".encode("cp1251"))
    assert decode(path, "cp1251").text() == "Терапевт: Здравствуйте"
    with pytest.raises(TranscriptError, match="encoding is not known") as caught:
        decode(path, "klingon")
    assert "--encoding" in caught.value.mend


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="cannot be read") as caught:
        decode(tmp_path / "none.vtt")
    assert "No such file" in caught.value.got


def test_text_cut_inside_a_letter_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_bytes("WEBVTT ".encode("utf-16") + b"\x00")
    with pytest.raises(TranscriptError, match="damaged"):
        decode(path)
