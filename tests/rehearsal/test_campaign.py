"""What `rehearsal campaign` says and leaves, through the command line, at a real endpoint."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
import yaml

from domain.errors import ExitCode
from engine.bench import interrupted
from rehearsal.cli import run
from tests.campaigns.conftest import Stage, open_stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.settings import Settings


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with open_stage(Stage(), monkeypatch) as made:
        yield made


@pytest.fixture(autouse=True)
def _in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("REHEARSAL_RUNS", raising=False)
    monkeypatch.delenv("COLUMNS", raising=False)


def write(path: Path, settings: Settings) -> None:
    data = settings.model_dump(mode="json", exclude={"roles": {"judge"}})
    path.write_text(yaml.safe_dump(data))


def stored_budget(tmp_path: Path) -> dict[str, float | None]:
    data = yaml.safe_load((tmp_path / "runs/trial/config.yaml").read_text())
    found: dict[str, float | None] = data["campaign"]["budget"]
    return found


def begun(stage: Stage, tmp_path: Path) -> None:
    write(tmp_path / "trial.yaml", stage.settings())
    assert run(["campaign", "run", "trial.yaml", "--budget", "40calls"]) == ExitCode.BUDGET_REACHED
    assert stored_budget(tmp_path)["calls"] == 40


def test_a_budget_of_nothing_is_refused_before_anything_is_made(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "trial.yaml", stage.settings())
    assert run(["campaign", "run", "trial.yaml", "--budget", "0calls"]) == ExitCode.USAGE
    assert "above 0" in capsys.readouterr().err
    assert not (tmp_path / "runs").exists()


def test_an_endpoint_that_is_down_leaves_no_run(stage: Stage, tmp_path: Path) -> None:
    settings = stage.settings()
    down = settings.endpoint.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    roles = {
        name: role.model_copy(update={"base_url": down.base_url}) for name, role in settings.roles
    }
    gone = settings.model_copy(
        update={"endpoint": down, "roles": settings.roles.model_copy(update=roles)}
    )
    write(tmp_path / "trial.yaml", gone)
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.FAILED
    assert list((tmp_path / "runs").iterdir()) == []
    write(tmp_path / "trial.yaml", settings)
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.DONE


@pytest.mark.parametrize("why", ["spent", "endpoint", "pack"])
def test_a_refused_resume_leaves_the_budget_as_it_was(
    stage: Stage, tmp_path: Path, why: str
) -> None:
    begun(stage, tmp_path)
    config = tmp_path / "runs/trial/config.yaml"
    budget = "30calls" if why == "spent" else "900calls"
    if why == "endpoint":
        stage.dies_after = 0
    if why == "pack":
        config.write_text(config.read_text().replace("seed: 7", "seed: 8"))
    before = config.read_bytes()
    assert run(["campaign", "resume", "trial", "--budget", budget]) != ExitCode.DONE
    assert config.read_bytes() == before


def test_an_accepted_resume_keeps_its_budget(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(stage, tmp_path)
    capsys.readouterr()
    assert run(["campaign", "resume", "trial", "--budget", "900calls", "--json"]) == ExitCode.DONE
    assert stored_budget(tmp_path)["calls"] == 900
    bill = json.loads(capsys.readouterr().out)["bill"]
    assert bill["spent_tokens_each"] >= bill["tokens_each"] > 0


def test_a_finished_campaign_keeps_the_budget_that_it_was_played_with(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(stage, tmp_path)
    assert run(["campaign", "resume", "trial", "--budget", "900calls"]) == ExitCode.DONE
    capsys.readouterr()
    assert run(["campaign", "resume", "trial", "--budget", "5calls"]) == ExitCode.BUDGET_REACHED
    assert "the budget is reached" in capsys.readouterr().err
    assert stored_budget(tmp_path)["calls"] == 900
    assert run(["campaign", "resume", "trial"]) == ExitCode.DONE


@pytest.mark.parametrize("where", ["loading", "playing"])
def test_ctrl_c_says_what_there_is_to_go_on_with(
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    spot = "opening.load_pack" if where == "loading" else "run.pool.run_all"
    write(tmp_path / "trial.yaml", stage.settings())
    with monkeypatch.context() as patch:
        patch.setattr(f"campaigns.{spot}", stop)
        assert run(["campaign", "run", "trial.yaml"]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert ("campaign resume" in said) is (where == "playing")
    assert ("the same command again" in said) is (where == "loading")
    assert (tmp_path / "runs/trial").exists() is (where == "playing")
    again = ["resume", "trial"] if where == "playing" else ["run", "trial.yaml"]
    assert run(["campaign", *again]) == ExitCode.DONE


def test_ctrl_c_while_a_model_casts_is_gone_on_with(
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("campaigns.opening.write_troupe", stop)
    settings = stage.settings(casting={"by": "model"})
    roles = settings.roles.model_copy(update={"caster": settings.roles.client})
    write(tmp_path / "trial.yaml", settings.model_copy(update={"roles": roles}))
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert "campaign resume" in said
    assert "nothing spent" not in said
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.USAGE
    assert run(["campaign", "resume", "trial"]) == ExitCode.INTERRUPTED


def test_the_budget_that_a_mend_names_suffices(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "trial.yaml", stage.settings(sessions=40))
    assert run(["campaign", "run", "trial.yaml", "--budget", "350calls"]) == 4
    _, _, mend = capsys.readouterr().err.rpartition(" --budget ")
    assert run(["campaign", "status", "trial"]) == 0
    said = capsys.readouterr().out
    assert f"--budget {mend.partition('`')[0]}" in said
    assert run(["campaign", "resume", "trial", "--budget", mend.partition("`")[0]]) == 0


def test_a_run_file_in_the_place_of_a_run(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "trial.yaml", stage.settings())
    assert run(["campaign", "resume", "trial.yaml"]) == ExitCode.USAGE
    assert 'rehearsal campaign run "trial.yaml"' in capsys.readouterr().err
    begun(stage, tmp_path)
    assert run(["campaign", "resume", "trial.yaml"]) == ExitCode.USAGE
    assert 'its run is "runs/trial"' in capsys.readouterr().err


def test_a_folder_that_is_not_there_has_no_campaigns(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["campaign", "list", "nosuch"]) == ExitCode.USAGE
    assert "nosuch" in capsys.readouterr().err
    (tmp_path / "empty").mkdir()
    assert run(["campaign", "list", "empty"]) == ExitCode.DONE
    assert "in empty yet" in capsys.readouterr().out


def test_a_slip_in_a_runs_name_is_answered_with_the_near_one(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(stage, tmp_path)
    for number in range(20):
        (tmp_path / f"runs/other-{number}").mkdir()
        (tmp_path / f"runs/other-{number}/config.yaml").touch()
    capsys.readouterr()
    assert run(["campaign", "status", "trail"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "did you mean trial?" in said
    assert "and 13 more" in said


def test_a_name_that_is_taken_is_named_and_what_has_changed_told(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(stage, tmp_path)
    capsys.readouterr()
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.USAGE
    same = capsys.readouterr().err
    assert "a campaign named trial has been begun" in same
    assert "differs" not in same
    assert 'rehearsal campaign resume "' in same
    write(tmp_path / "trial.yaml", stage.settings(sessions=9))
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.USAGE
    changed = capsys.readouterr().err
    assert "campaign.sessions: 6 became 9" in changed
    assert "another `name`" in changed


def test_an_interruption_says_which_run_to_resume(
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise interrupted()

    monkeypatch.setattr("campaigns.run.pool.run_all", stop)
    write(tmp_path / "trial.yaml", stage.settings())
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.INTERRUPTED
    said = capsys.readouterr().err
    assert said.count("campaign resume") == 1
    assert '/runs/trial"` continues' in said


def test_nothing_is_compared_before_anything_is_trained(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    begun(stage, tmp_path)
    capsys.readouterr()
    assert run(["evaluate", "trial"]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "nothing is trained yet" in said
    assert 'rehearsal train "trial"' in said


@pytest.mark.parametrize("verb", ["planted", "injection"])
def test_planting_says_how_many_critiques_it_asks_for_and_keeps_a_budget(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    write(tmp_path / "trial.yaml", stage.settings(2))
    assert run(["campaign", "run", "trial.yaml"]) == ExitCode.DONE
    before = sum(stage.asked.values())
    capsys.readouterr()
    assert run(["critic", verb, "trial", "--budget", "3calls"]) == ExitCode.BUDGET_REACHED
    said = capsys.readouterr().err
    assert re.search(r"[0-9]+ critiques by .* at http://", said)
    assert "the same command again with a larger --budget" in said
    assert sum(stage.asked.values()) - before <= 3


def test_a_deadline_is_named_as_it_was_typed(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stage.latency_s = 0.2
    write(tmp_path / "trial.yaml", stage.settings())
    assert run(["campaign", "run", "trial.yaml", "--deadline", "0.5s"]) == 4
    said = capsys.readouterr().err
    assert "--deadline (campaign.budget.deadline_s)" in said
    assert 'resume "' in said


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_fit_the_columns_and_words_stay_whole(
    stage: Stage,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    begun(stage, tmp_path)
    assert run(["campaign", "resume", "trial", "--budget", "900calls"]) == 0
    capsys.readouterr()
    assert run(["campaign", "bill", "trial"]) == 0
    whole = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["campaign", "bill", "trial"]) == 0
    wrapped = capsys.readouterr().out
    assert whole.split() == wrapped.split()
    assert max(map(len, wrapped.splitlines())) <= columns < max(map(len, whole.splitlines()))
    for verb in ("status", "list"):
        assert run(["campaign", verb, *(["trial"] if verb == "status" else [])]) == 0
        assert max(map(len, capsys.readouterr().out.splitlines())) <= columns
