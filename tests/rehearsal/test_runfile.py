"""Run files: what is read, what is refused, and what a person is told."""

from pathlib import Path

import pytest

from domain.errors import ConfigError
from domain.runfolder import RunFolder
from domain.settings import EMBEDDED
from rehearsal.runfile import load_settings, shipped_config
from rehearsal.runs import open_run, save_settings


def write(folder: Path, text: str) -> Path:
    path = folder / "campaign.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    "path", sorted(shipped_config("demo").parent.glob("*.yaml")), ids=lambda p: p.name
)
def test_every_shipped_file_is_a_run(path: Path) -> None:
    assert load_settings(path).name


def test_typo_is_named_with_line_and_mend(tmp_path: Path) -> None:
    path = write(tmp_path, "name: x\nroles:\n  judge:\n    modle: gpt\n    model: a\n")
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert "campaign.yaml:4" in caught.value.where
    assert "roles.judge.modle" in caught.value.where
    assert caught.value.mend == 'did you mean "model"?'


def test_wrong_value_says_expected_and_got(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "name: x\ncampaign: {sessions: many}\n"))
    assert "campaign.sessions" in caught.value.where
    assert caught.value.expected == "a whole number from 1 to 1,000,000"
    assert caught.value.got == "'many'"
    assert "32" in caught.value.mend


def test_every_wrong_value_is_listed_with_its_line(tmp_path: Path) -> None:
    text = (
        "name: a/b c\nendpoint: {concurrency: x}\ncampaign:\n  sessions: many\n  exchanges: 2\n"
        "  casting: {problem: {burnout: lots}}\ntraining: {parallel: dpp}\nseeed: 3\n"
    )
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, text))
    faults = (caught.value, *caught.value.also)
    said = [(one.where.rsplit("campaign.yaml:", 1)[1], one.expected) for one in faults]
    assert said[:-1] == [
        (
            "1: name",
            "at most 64 of a to z, A to Z, 0 to 9, dots, dashes and underscores, the first a "
            "letter or a digit",
        ),
        ("2: endpoint.concurrency", "a whole number from 1 to 4,096"),
        ("4: campaign.sessions", "a whole number from 1 to 1,000,000"),
        ("5: campaign.exchanges", "a whole number from 3 to 60"),
        ("6: campaign.casting.problem.burnout", "a number, or a list of 2 numbers"),
        ("7: training.parallel", "one of: ddp, fsdp"),
    ]
    assert said[-1][0] == "8: seeed"
    assert all(one.mend for one in faults)
    assert str(caught.value).count("expected:") == len(faults)


def test_a_folder_and_an_open_bracket_say_what_to_do(tmp_path: Path) -> None:
    write(tmp_path, "name: x\ncampaign: {sessions: 3\n")
    with pytest.raises(ConfigError, match="a folder") as caught:
        load_settings(tmp_path)
    assert caught.value.mend.endswith("campaign.yaml")
    with pytest.raises(ConfigError, match="not YAML") as caught:
        load_settings(tmp_path / "campaign.yaml")
    assert caught.value.where.endswith(":2")
    assert "end of the file" in caught.value.got
    assert "close" in caught.value.mend


def test_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="twice") as caught:
        load_settings(write(tmp_path, "name: x\nseed: 1\nseed: 2\n"))
    assert caught.value.where.endswith(":3")
    assert "line 2" in caught.value.got


@pytest.mark.parametrize(
    ("text", "what"),
    [("name: [", "not YAML"), ("- a\n- b\n", "does not hold keys"), ("", "is empty")],
)
def test_what_is_no_run_file_is_said(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(ConfigError, match=what):
        load_settings(write(tmp_path, text))


def test_missing_and_binary_files_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not there") as caught:
        load_settings(tmp_path / "none.yaml")
    assert "configs/demo.yaml" in caught.value.mend
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(path)


def test_environment_fills_and_overrides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    monkeypatch.setenv("REHEARSAL_CAMPAIGN__SESSIONS", "5")
    settings = load_settings(write(tmp_path, "name: x\ncampaign: {sessions: 50}\n"))
    assert settings.campaign.sessions == 5
    assert settings.roles.client.base_url == "http://127.0.0.1:9/v1"


def test_file_wins_over_the_endpoint_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    settings = load_settings(write(tmp_path, "name: x\nendpoint: {base_url: understudy}\n"))
    assert settings.roles.client.base_url == EMBEDDED


def test_unknown_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REHEARSAL_CAMPAIGN__SESION", "5")
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "name: x\n"))
    assert caught.value.where == "REHEARSAL_CAMPAIGN__SESION"
    assert '"sessions"' in caught.value.mend


def test_role_keeps_its_own_address(tmp_path: Path) -> None:
    text = (
        "name: x\nendpoint: {base_url: 'http://a/v1', concurrency: 3}\n"
        "roles: {judge: {model: m, base_url: 'http://b/v1'}}\n"
    )
    roles = load_settings(write(tmp_path, text)).roles
    assert roles.judge.base_url == "http://b/v1"
    assert roles.judge.concurrency == 3
    assert roles.client.base_url == "http://a/v1"


def test_saved_settings_read_back_the_same(tmp_path: Path) -> None:
    settings = load_settings(shipped_config("demo"))
    folder = RunFolder(tmp_path / "run")
    save_settings(settings, folder)
    assert open_run(str(folder.root))[0] == settings


def test_unknown_run_lists_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REHEARSAL_RUNS", str(tmp_path))
    save_settings(load_settings(shipped_config("demo")), RunFolder(tmp_path / "first"))
    with pytest.raises(ConfigError) as caught:
        open_run("second")
    assert "first" in caught.value.expected


def test_a_saved_address_stands_in_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = RunFolder(tmp_path / "run")
    path = write(tmp_path, "name: x\nendpoint: {base_url: 'http://a/v1'}\n")
    save_settings(load_settings(path), folder)
    monkeypatch.setenv("REHEARSAL_ENDPOINT__BASE_URL", "http://moved/v1")
    assert open_run(str(folder.root))[0].roles.judge.base_url == "http://moved/v1"


def test_a_password_in_the_stores_address_is_not_shown(tmp_path: Path) -> None:
    store = "postgresql://me:pw-secret-123@host/db"
    with pytest.raises(ConfigError) as failure:
        load_settings(write(tmp_path, f"name: x\nengine: {{store: '{store}'}}\n"))
    assert "secret" not in str(failure.value)
    assert "engine.store" in str(failure.value)


@pytest.mark.parametrize(
    "endpoint", ["{api_key_env: sk-secret-123}", "{base_url: 'https://me:sk-secret-123@host/v1'}"]
)
def test_a_key_in_the_wrong_place_is_refused_and_not_repeated(
    tmp_path: Path, endpoint: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, f"name: x\nendpoint: {endpoint}\n"))
    assert "sk-secret-123" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "is_shown"),
    [
        ("localhost:8000", True),
        ("127.0.0.1:8000/v1", True),
        ("api.example.org/v1", True),
        ("htp://host/v1", True),
        ("", True),
        ("me:sk-secret-123@host:8000", False),
        ("host:8000/v1?key=sk-secret-123", False),
        ("https://host/v1?key=sk-secret-123", False),
        ("https://host/v1#sk-secret-123", False),
        ("sk-secret-123", False),
        ("sk-secret-123:8000", False),
        ("htp://gw.example.org/v1/sk-secret-123", False),
        ("gw.example.org/sk-secret-123/v1", False),
        ("hooks.example.org/T00/B00/sk-secret-123", False),
        ("eyJhbGciOi.eyJzdWIiOi.sk-secret-123", False),
        ("wJalrXUtnFEMI/K7MDENG/sk-secret-123", False),
        (f"ftp://{'h' * 70}/sk-secret-123?", False),
    ],
)
def test_an_address_is_repeated_where_it_holds_no_secret(
    tmp_path: Path, address: str, is_shown: bool
) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, f"name: x\nendpoint: {{base_url: '{address}'}}\n"))
    got = caught.value.fields()["got"]
    assert got == (f"'{address}'" if is_shown else "(not shown)")
    assert "sk-secret-123" not in str(caught.value)


def test_a_variable_that_is_no_yaml_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_NAME", "@x")
    with pytest.raises(ConfigError) as caught:
        load_settings(write(tmp_path, "seed: 1\n"))
    assert caught.value.where == "REHEARSAL_NAME"
