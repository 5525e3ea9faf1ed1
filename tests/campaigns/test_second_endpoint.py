"""A campaign moves to another endpoint by changing `base_url` and `model`, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from campaigns.run import run_campaign
from domain.errors import EndpointError
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.session import Session, Status
from rehearsal.runfile import load_settings
from tests.support.second_endpoint import KEY, MODEL, SecondEndpoint
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from domain.settings import Settings


@pytest.fixture
def endpoint() -> Iterator[tuple[SecondEndpoint, str]]:
    """The endpoint on a free port; yields it with its base URL."""
    server = SecondEndpoint()
    with ThreadedServer(server.app()) as running:
        yield server, f"{running.url}/v1"


def moved(repository: Path, tmp_path: Path, base_url: str, model: str) -> Settings:
    """The demo's run file with another address and another model; small, and without Ray."""
    text = (repository / "configs" / "demo.yaml").read_text()
    text = text.replace("base_url: understudy", f"base_url: {base_url}")
    for role in ("client", '"understudy-therapist:novice"', "supervisor", "judge"):
        old = role if role.startswith('"') else f"understudy-{role}"
        text = text.replace(f"model: {old}", f"model: {model}")
    text = text.replace("kind: ray", "kind: inline").replace("sessions: 48", "sessions: 6")
    path = tmp_path / "moved.yaml"
    path.write_text(text)
    return load_settings(path)


def test_another_endpoint_plays_a_campaign(
    endpoint: tuple[SecondEndpoint, str],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, base_url = endpoint
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    folder = RunFolder(tmp_path / "run")
    summary = run_campaign(moved(repository, tmp_path, base_url, MODEL), folder, silent)
    assert summary.planned == 6
    assert summary.quarantined == 0
    assert server.refused == []
    assert set(server.asked.values()) == {1}, "no call is asked twice"
    assert summary.calls == len(server.asked)
    sessions = [Session.model_validate_json(line) for line in folder.sessions.open()]
    assert {session.status for session in sessions} <= {Status.ACCEPTED, Status.REJECTED}
    assert KEY.encode() not in b"".join(
        path.read_bytes() for path in folder.root.rglob("*") if path.is_file()
    ), "the key is never stored"


def test_a_wrong_key_and_an_unknown_model_are_said_before_anything_is_spent(
    endpoint: tuple[SecondEndpoint, str],
    repository: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server, base_url = endpoint
    monkeypatch.setenv("OPENAI_API_KEY", "sk-wrong-and-secret")
    folder = RunFolder(tmp_path / "run")
    with pytest.raises(EndpointError) as caught:
        run_campaign(moved(repository, tmp_path, base_url, MODEL), folder, silent)
    assert "OPENAI_API_KEY" in str(caught.value)
    assert "sk-wrong-and-secret" not in str(caught.value)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with pytest.raises(EndpointError) as caught:
        run_campaign(
            moved(repository, tmp_path, base_url, "plain-9b"), RunFolder(tmp_path / "b"), silent
        )
    assert MODEL in str(caught.value)
    assert not server.asked
