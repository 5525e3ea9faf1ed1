"""Every kind of file that cannot be read is refused by name and line, soon and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from corpus.ingest import ingest
from corpus.preview import preview
from domain.errors import TranscriptError
from domain.settings import CorpusSettings
from tests.corpus.badfiles import BAD_FILES, Bad
from tests.corpus.builders import TALK, vtt

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder

CORPUS = CorpusSettings(licence="CC-BY-4.0")
MOST_MB = 200


@pytest.mark.parametrize("bad", BAD_FILES, ids=[bad.name for bad in BAD_FILES])
def test_a_bad_file_is_refused_with_its_message(tmp_path: Path, bad: Bad) -> None:
    path = tmp_path / bad.name
    path.write_bytes(bad.data())
    with pytest.raises(TranscriptError, match="no transcript could be taken") as caught:
        preview(path, CORPUS)
    got = caught.value.got
    first, *rest = got.split("\n")
    expected = bad.message.format(name=bad.name)
    assert first == expected or (not rest and expected == f"{bad.name}: {got}")
    if bad.got:
        told = next(line for line in rest if line.strip().startswith("got:"))
        assert bad.got in told
    assert "mend: " in got or not rest


def test_the_catalogue_is_long_enough_and_has_no_twins() -> None:
    assert len({bad.name for bad in BAD_FILES}) == len(BAD_FILES) >= 40


def test_what_was_there_stays_beside_every_bad_file(tmp_path: Path, run: RunFolder) -> None:
    source = tmp_path / "in"
    source.mkdir()
    (source / "good.vtt").write_text(vtt(TALK))
    ingest(source, run, CORPUS)
    before = run.quarantine.read_bytes()
    for bad in BAD_FILES:
        (source / bad.name).write_bytes(bad.data())
    summary = ingest(source, run, CORPUS)
    assert summary.records == 1
    assert run.quarantine.read_bytes() == before
    named = {one.where.split(",")[0].split(":")[0] for one in summary.skipped}
    assert named == {bad.name for bad in BAD_FILES} - {"nothing.json"}


_CAPPED = """
import json, sys, time
from pathlib import Path
from corpus.preview import preview
from domain.errors import TranscriptError
from domain.settings import CorpusSettings
begun = time.perf_counter()
try:
    preview(Path(sys.argv[1]), CorpusSettings())
    message = ""
except TranscriptError as error:
    message = error.got
took = time.perf_counter() - begun
status = Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({"message": message, "seconds": took, "peak_mb": peak}))
"""


@pytest.mark.parametrize(
    "name",
    ["wide.json", "long.json", "deep.json", "deep.jsonl", "bomb.zip", "large.vtt", "bomb.parquet",
     "alike.parquet"],
)  # fmt: skip
def test_a_hostile_file_costs_little_memory(tmp_path: Path, repository: Path, name: str) -> None:
    bad = next(bad for bad in BAD_FILES if bad.name == name)
    path = tmp_path / name
    path.write_bytes(bad.data())
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _CAPPED, str(path)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(done.stdout)
    assert seen["message"]
    assert seen["peak_mb"] < MOST_MB


def test_an_endless_line_is_refused_without_being_held(tmp_path: Path) -> None:
    path = tmp_path / "endless.jsonl"
    with path.open("wb") as stream:
        stream.write(b'{"messages": "')
        stream.seek(2**30)  # a hole of a gigabyte: zeros, which are no text
        stream.write(b'"}')
    with pytest.raises(TranscriptError, match="no transcript could be taken") as caught:
        preview(path, CORPUS)
    assert "binary data" in caught.value.got
