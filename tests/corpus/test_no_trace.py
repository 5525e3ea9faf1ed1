"""No identifier, key or path of the source reaches logs, reports, cards or exports."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pyarrow.parquet as pq
import pytest

from corpus.blend import blend
from corpus.files import read_records
from corpus.ingest import ingest
from corpus.signoff import sign_off
from domain.runfolder import RunFolder
from domain.settings import Settings
from rehearsal.cli import run as command
from tests.corpus.builders import vtt

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "Harrowby-Clinic-2021"
FILE = "Quillonby-Thandeka-session"
ID = "PAT-77120-Q"
KEY = "sk-live-0123456789abcdef"
TOLD = (
    "Quillonby",
    "Thandeka",
    "Mzansi",
    "thandeka.q@fernmail.example",
    "07700 900 461",
    "14 Willow Lane",
)


def talk(number: int) -> str:
    return vtt(
        (
            ("Dr. Mzansi", f"How have you been since the last time, number {number}?"),
            ("Thandeka Quillonby", f"Tired, mostly, and it was the {number}th night like that."),
            ("Dr. Mzansi", f"What kept you awake, Thandeka? You said so {number} times."),
            ("Thandeka Quillonby", f"The letter came to {TOLD[5]}, and I rang {TOLD[4]} at once."),
            ("Dr. Mzansi", f"What does the thought say to you then, for the {number}th time?"),
            ("Thandeka Quillonby", f"That I wrote to {TOLD[3]} and should have called {number}."),
            ("Dr. Mzansi", f"And what would you say to somebody who thought so, number {number}?"),
            ("Thandeka Quillonby", f"That it is all right to be tired of it after {number} days."),
            ("Dr. Mzansi", "That sounds like a kinder thing to say than what you tell yourself."),
        )
    )


def everything(root: Path) -> dict[str, str]:
    """Return all that is written under a folder as text, Parquet included."""
    found = {}
    for path in root.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if path.suffix == ".parquet":
                data = json.dumps(pq.read_table(path).to_pylist(), ensure_ascii=False).encode()
            found[str(path.relative_to(root))] = data.decode("utf-8", errors="replace")
    return found


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / PLACE
    folder.mkdir()
    for number in range(5, 11):
        (folder / f"{FILE}-{number}.vtt").write_text(talk(number), encoding="utf-8")
    chat = {
        "id": ID,
        "turns": [
            {"speaker": "Therapist" if at % 2 == 0 else "Client", "text": f"{line} once more."}
            for at, line in enumerate(
                (
                    "What is on your mind today",
                    "It is the same worry as ever",
                    "Say a little more of it",
                    "I have no words for it yet",
                    "That is all right with me",
                )
            )
        ],
    }
    (folder / "chats.jsonl").write_text(json.dumps(chat) + "\n", encoding="utf-8")
    return folder


def test_nothing_of_the_source_is_written_or_logged(
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    caplog.set_level(logging.DEBUG)
    settings = Settings.model_validate(
        {
            "name": "t",
            "training": {"variants": ["real"]},
            "corpus": {"held_out_share": 0.5, "blend": {"near_duplicate": 1.0}},
        }
    )
    folder, out = RunFolder(tmp_path / "run"), tmp_path / "out"
    ingest(source, folder, settings.corpus)
    sign_off(folder, "A Reader")
    blend(settings, folder)
    folder.config.write_text("name: t\n", encoding="utf-8")
    for verb in (["stats", str(folder.root)], ["export", str(folder.root), "--to", str(out)]):
        assert command(["corpus", *verb, "--json"]) == 0
    record = next(iter(read_records(folder.real))).id
    assert command(["corpus", "forget", record, "--run", str(folder.root), "--json"]) == 0
    said = capsys.readouterr()
    texts = {
        **everything(folder.root),
        **everything(out),
        "stdout": said.out,
        "stderr": said.err,
        "log": caplog.text,
    }
    assert len(texts) > 15
    secrets = (PLACE, FILE, "Quillonby-", ID, KEY, str(source), *TOLD)
    left = {
        (name, secret)
        for name, text in texts.items()
        for secret in secrets
        if secret.lower() in text.lower()
    }
    assert left == set()
