from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from corpus.formats.decode import MAX_BYTES, decode
from domain.errors import TranscriptError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_is_read_without_a_note(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.srt"
    path.write_bytes("1\r\nCafé für Zoë, déjà vu, again\r\n".encode(encoding))
    decoded = decode(path)
    assert decoded.text == "1\nCafé für Zoë, déjà vu, again\n"
    assert decoded.note == ""


def test_windows_1252_is_read_and_said(tmp_path: Path) -> None:
    path = tmp_path / "old.srt"
    path.write_bytes("It’s a café".encode("cp1252"))
    decoded = decode(path)
    assert decoded.text == "It’s a café"
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
    path.touch()
    os.truncate(path, MAX_BYTES + 1)  # sparse: takes no room on the disk
    with pytest.raises(TranscriptError, match="too large") as caught:
        decode(path)
    assert "256 MiB" in caught.value.expected


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(TranscriptError, match="cannot be read") as caught:
        decode(tmp_path / "none.vtt")
    assert "No such file" in caught.value.got


def test_text_cut_inside_a_letter_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.vtt"
    path.write_bytes("WEBVTT ".encode("utf-16") + b"\x00")
    with pytest.raises(TranscriptError, match="damaged"):
        decode(path)
