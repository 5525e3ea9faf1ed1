"""The servers of the models under test: which one, how it is started, how it fails, how it ends."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from agents.endpoint import check_endpoint
from agents.line import close_line
from domain.errors import ConfigError, EvaluationError, ExitCode
from domain.runfolder import RunFolder
from domain.settings import Settings
from evaluation.candidates.key import KEY_ENV
from evaluation.candidates.models import Group, Models, hosted_hash, models_of
from evaluation.candidates.servers import choose, plan, served
from evaluation.candidates.vllm import command_of, order_of
from tests.support import vllm_standin

if TYPE_CHECKING:
    from domain.settings import RoleSettings

HOSTED = {"base_url": "https://models.example/v1", "model": "large", "api_key_env": "LARGE_KEY"}


def settings(**evaluation: object) -> Settings:
    asked = {"max_new_tokens": 9, **evaluation}
    return Settings.model_validate(
        {
            "name": "trial",
            "engine": {"kind": "inline"},
            "training": {"variants": ["real", "hybrid"]},
            "evaluation": asked,
        }
    )


@pytest.fixture
def folder(tmp_path: Path, tiny_adapters: dict[str, Path]) -> RunFolder:
    folder = RunFolder(tmp_path / "run")
    for name, path in tiny_adapters.items():
        shutil.copytree(path, folder.adapters / name)
    return folder


@pytest.fixture
def models(folder: RunFolder, tiny_base: Path) -> Models:
    return models_of(settings(), folder, tiny_base)


@pytest.fixture
def vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executable `vllm` on the search path; returns where it notes how it was started."""
    binary = tmp_path / "bin" / "vllm"
    binary.parent.mkdir()
    binary.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{vllm_standin.__file__}" "$@"\n')
    binary.chmod(0o755)
    notes = tmp_path / "notes.json"
    monkeypatch.setenv("PATH", f"{binary.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("VLLM_STANDIN_NOTES", str(notes))
    return notes


@pytest.fixture
def no_vllm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


def alive(pid: int) -> bool:
    # it may go between two looks: then its file is not found, or tells of no such process
    with contextlib.suppress(ProcessLookupError, FileNotFoundError):
        # a process that has ended may wait for its parent to ask how
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def gone(pids: list[int]) -> bool:
    """Whether they end; a process that is told to needs a moment."""
    deadline = time.monotonic() + 20
    while any(map(alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(alive, pids))


async def check(role: RoleSettings) -> None:
    try:
        await check_endpoint(role, "candidate")
    finally:
        await close_line()


def test_vllm_is_started_checked_asked_and_stopped(models: Models, vllm: Path) -> None:
    asked = settings(server="vllm", server_args=("--max-model-len", "512"))
    log = vllm.parent / "serving.log"
    with served(models, asked, log) as servers:
        roles = servers.roles()
        key = os.environ[KEY_ENV]
        for role in roles.values():
            asyncio.run(check(role))
    noted = json.loads(vllm.read_text())
    words = noted["words"]
    assert list(roles) == ["base", "real", "hybrid"]
    assert {role.base_url for role in roles.values()} == {
        f"http://127.0.0.1:{words[words.index('--port') + 1]}/v1"
    }
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert words[-2:] == ["--max-model-len", "512"]
    assert (noted["VLLM_NO_USAGE_STATS"], noted["HF_HUB_OFFLINE"]) == ("1", "1")
    assert gone(noted["pids"])
    assert log.read_text().startswith("$ ")
    assert "vllm serve" in log.read_text()
    assert key not in log.read_text() + json.dumps(words)
    assert KEY_ENV not in os.environ


def test_the_command_line_names_each_adapter_and_a_rank_that_vllm_knows(
    tiny_base: Path, tiny_adapters: dict[str, Path], tmp_path: Path
) -> None:
    group = Group("base", str(tiny_base), tiny_adapters)
    order = order_of(group, tmp_path / "log", key="secret", startup_s=1)
    words = command_of(order, "vllm", "127.0.0.1", "8000")
    assert words == [
        "vllm", "serve", str(tiny_base), "--served-model-name", "base", "--host", "127.0.0.1",
        "--port", "8000", "--generation-config", "vllm", "--enable-lora", "--max-loras", "2",
        "--max-lora-rank", "8", "--lora-modules",
        f"real={tiny_adapters['real']}", f"hybrid={tiny_adapters['hybrid']}",
    ]  # fmt: skip
    bare = order_of(Group("base", "org/model"), tmp_path / "log", key="", startup_s=1)
    assert "--enable-lora" not in command_of(bare, "vllm", "127.0.0.1", "8000")
    assert bare.allow_hub


@pytest.mark.parametrize(
    ("how", "what", "got"),
    [
        ("dies", "ended with code 1", "CUDA out of memory"),
        ("silent", "not healthy within 2 s", "it said nothing"),
        ("forgets", "lacks hybrid, real", "it said nothing"),
    ],
)
def test_a_vllm_that_fails_is_told_in_its_own_words(
    models: Models, vllm: Path, monkeypatch: pytest.MonkeyPatch, how: str, what: str, got: str
) -> None:
    monkeypatch.setenv("VLLM_STANDIN", how)
    asked = settings(server="vllm", server_startup_s=2 if how == "silent" else 60)
    with (
        pytest.raises(EvaluationError, match=what) as raised,
        served(models, asked, vllm.parent / "serving.log") as servers,
    ):
        servers.roles()
    assert got in raised.value.got
    assert raised.value.where.endswith("serving.log")
    assert gone(json.loads(vllm.read_text())["pids"])


def test_a_server_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    child = f"import subprocess, time, os; p = subprocess.Popen(['sleep', '99']); \
open({str(note)!r}, 'w').write(f'{{os.getpid()}} {{p.pid}} '); time.sleep(99)"
    guard = [sys.executable, "-P", "-m", "evaluation.candidates.guard"]
    command = [*guard, sys.executable, "-c", child]
    # whoever holds the guard's standard input is killed, and can tell it nothing
    holder = f"import subprocess, time; \
subprocess.Popen({command!r}, stdin=subprocess.PIPE); time.sleep(99)"
    with subprocess.Popen([sys.executable, "-c", holder]) as killed:  # noqa: S603 - our own
        deadline = time.monotonic() + 60
        while not (note.is_file() and note.read_text().endswith(" ")):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        killed.send_signal(signal.SIGKILL)
    assert gone([int(pid) for pid in note.read_text().split()])


@pytest.mark.usefixtures("no_vllm")
def test_without_a_vllm_our_own_server_serves_unless_vllm_is_asked_for(models: Models) -> None:
    assert choose(settings(), models).kind == "builtin"
    with pytest.raises(ConfigError, match="no vLLM here") as raised:
        choose(settings(server="vllm"), models)
    assert raised.value.exit_code == ExitCode.USAGE


@pytest.mark.usefixtures("vllm")
def test_an_adapter_that_vllm_does_not_serve_is_left_to_our_own_server(
    models: Models, folder: RunFolder
) -> None:
    path = folder.adapters / "real" / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "use_dora": True}))
    assert choose(settings(), models).kind == "builtin"
    with pytest.raises(ConfigError, match="DoRA"):
        choose(settings(server="vllm"), models)


@pytest.mark.usefixtures("vllm")
def test_a_plan_shows_command_lines_that_a_shell_takes(folder: RunFolder, tiny_base: Path) -> None:
    asked = settings(server="vllm", hosted={"large": HOSTED}, models={"whole": str(tiny_base)})
    models = models_of(asked, folder, tiny_base)
    shown = plan(models, asked)
    assert [one.models for one in shown] == [("base", "real", "hybrid"), ("whole",), ("large",)]
    words = shlex.split(shown[0].command)
    assert words[1:3] == ["serve", str(tiny_base)]
    # two servers on one GPU share its memory
    assert words[words.index("--gpu-memory-utilization") + 1] == "0.450"
    ours = plan(models, settings(server="builtin", models={"whole": str(tiny_base)}))
    assert "evaluation.serving" in ours[1].command


def test_adapters_join_the_base_and_whole_models_stand_alone(
    folder: RunFolder, tiny_base: Path, tiny_adapters: dict[str, Path]
) -> None:
    shutil.rmtree(folder.adapters / "hybrid")
    shutil.copytree(tiny_base, folder.adapters / "hybrid")
    asked = settings(models={"tuned": str(tiny_adapters["hybrid"])}, hosted={"large": HOSTED})
    models = models_of(asked, folder, tiny_base)
    assert models.variants == ("base", "real", "tuned", "hybrid", "large")
    assert [group.variants for group in models.groups] == [("base", "real", "tuned"), ("hybrid",)]
    assert models.hashes()["hybrid"] == models.hashes()["base"]
    assert list(models.hashes()) == ["base", "real", "tuned", "hybrid"]


def test_a_folder_with_nothing_to_serve_is_named(folder: RunFolder, tiny_base: Path) -> None:
    with pytest.raises(EvaluationError, match="not an adapter") as raised:
        models_of(settings(models={"odd": str(folder.root / "no")}), folder, tiny_base)
    assert raised.value.where.endswith("no")


@pytest.mark.parametrize(
    "evaluation",
    [
        {"models": {"base": "x"}},
        {"hosted": {"reference": HOSTED}},
        {"models": {"one": "x"}, "hosted": {"one": HOSTED}},
        {"models": {"a/b": "x"}},
        {"hosted": {"large": {"model": "large"}}},
    ],
)
def test_names_and_addresses_that_mislead_are_refused(evaluation: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**evaluation)


def test_a_hosted_models_answers_are_kept_until_it_is_another_model() -> None:
    def name(**change: object) -> str:
        asked = settings(hosted={"large": {**HOSTED, **change}})
        return hosted_hash("large", asked.evaluation.hosted["large"], asked)

    assert name() == name(api_key_env="OTHER", timeout_s=5, trusted_for_real=True)
    assert name() != name(base_url="https://elsewhere.example/v1")
    assert name() != name(model="small")
    # a server on this machine has another port every time
    assert name(base_url="http://127.0.0.1:1/v1") == name(base_url="http://127.0.0.1:2/v1")


@pytest.mark.ray
def test_a_node_of_ray_holds_the_server(
    models: Models, vllm: Path, local_ray: None, tmp_path: Path
) -> None:
    from evaluation.candidates import node

    assert node.has_vllm(gpus=0)
    order = order_of(models.groups[0], tmp_path / "serving.log", key="key", startup_s=60)
    server = node.start(order, gpus=0)
    try:
        assert server.base_url().startswith("http://127.0.0.1:")
    finally:
        server.stop()
    assert "vllm serve" in (tmp_path / "serving.log").read_text()
