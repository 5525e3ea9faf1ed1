"""A job carries code and the run file; transcripts and runs never ride along."""

from pathlib import Path

import pytest

from domain.errors import ConfigError
from rehearsal.runfile import load_settings, shipped_config
from rehearsal.submit import CARRIED, RUN_FILE, carry, submit_job


def test_only_code_and_the_run_file_travel(tmp_path: Path) -> None:
    copied = {path.relative_to(tmp_path) for path in carry(tmp_path, shipped_config("demo"))}
    assert Path(RUN_FILE) in copied
    assert {path.parts[0] for path in copied} == {*CARRIED, RUN_FILE}
    assert {"runs", "examples", "tests", ".git"}.isdisjoint({path.parts[0] for path in copied})
    assert not [path for path in copied if path.suffix in {".jsonl", ".sqlite", ".vtt", ".csv"}]


def test_what_travels_can_run(tmp_path: Path) -> None:
    carry(tmp_path, shipped_config("demo"))
    assert (tmp_path / "rehearsal" / "__main__.py").is_file()
    assert (tmp_path / "packs" / "cbt" / "prompts" / "client.md").is_file()
    assert load_settings(tmp_path / RUN_FILE).engine.ray_address == "auto"


def test_every_file_of_the_rooms_travels(repository: Path, tmp_path: Path) -> None:
    copied = {path.relative_to(tmp_path) for path in carry(tmp_path, shipped_config("demo"))}
    there = {
        path.relative_to(repository)
        for room in CARRIED
        for path in (repository / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name != ".gitignore"
    }
    assert there - copied == set()


@pytest.mark.parametrize("run", [None, Path("runs/x")])
def test_a_job_needs_a_shared_run_folder(run: Path | None) -> None:
    with pytest.raises(ConfigError, match="share") as caught:
        submit_job("http://127.0.0.1:9", ["train"], shipped_config("demo"), run, as_json=False)
    assert "--run /shared" in caught.value.mend


def test_no_cluster_at_the_address_is_said() -> None:
    with pytest.raises(ConfigError, match="no Ray cluster") as caught:
        submit_job(
            "http://127.0.0.1:9",
            ["train"],
            shipped_config("demo"),
            Path("/shared/x"),
            as_json=False,
        )
    assert "127.0.0.1:9" in caught.value.where
