"""Where an export goes, and what it leaves alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.export import export_corpus
from domain.errors import ConfigError
from tests.corpus.blending import SETTINGS, fill

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder


@pytest.fixture
def filled(run: RunFolder) -> RunFolder:
    return fill(run)


def test_export_holds_everything_once(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "out"
    manifest = export_corpus(filled, target, SETTINGS.corpus, 7)
    assert (manifest.real_sessions, manifest.synthetic_sessions) == (20, 6)
    assert manifest.sessions == manifest.distinct == 26
    again = export_corpus(filled, target, SETTINGS.corpus, 7)
    assert again == manifest


def test_export_leaves_foreign_folders_alone(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "home"
    target.mkdir()
    (target / "thesis.tex").write_text("years of work")
    with pytest.raises(ConfigError, match="holds other files"):
        export_corpus(filled, target, SETTINGS.corpus, 7)
    assert (target / "thesis.tex").read_text() == "years of work"


def test_export_leaves_another_tools_manifest_alone(filled: RunFolder, tmp_path: Path) -> None:
    target = tmp_path / "site"
    target.mkdir()
    for name in ("manifest.json", "messages.jsonl", "records.parquet", "README.md"):
        (target / name).write_text('{"name": "an app", "icons": []}')
    with pytest.raises(ConfigError, match="something else"):
        export_corpus(filled, target, SETTINGS.corpus, 7)
    assert len(list(target.iterdir())) == 4


def test_export_leaves_a_file_that_was_added_to_it_alone(filled: RunFolder, tmp_path: Path) -> None:
    export_corpus(filled, tmp_path / "out", SETTINGS.corpus, 7)
    notes = tmp_path / "out" / "notes.txt"
    notes.write_text("mine")
    with pytest.raises(ConfigError, match=r"notes\.txt"):
        export_corpus(filled, tmp_path / "out", SETTINGS.corpus, 7)
    with pytest.raises(ConfigError, match="a file"):
        export_corpus(filled, notes, SETTINGS.corpus, 7)
    assert notes.read_text() == "mine"
