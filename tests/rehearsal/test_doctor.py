"""`rehearsal doctor` at endpoints that list their models and may not answer."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from domain.errors import ExitCode
from rehearsal.cli import run
from tests.support.hosts import UNKNOWN, nobody_knows
from tests.support.threaded import ThreadedServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Clinic:
    """Lists a model, and answers chats with `status`; keeps what was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.wants = ""
        self.wants_for_models = False
        self.served: tuple[str, ...] = ("m",)
        self.finish = "stop"
        self.refuses = ""
        self.formed = '{"ready": true}'
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.url = ""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/v1/models", self._models)
        app.router.add_post("/v1/chat/completions", self._chat)
        return app

    def _unauthorised(self, request: web.Request) -> bool:
        return self.wants not in request.headers.get("Authorization", "")

    async def _models(self, request: web.Request) -> web.Response:
        if self.wants_for_models and self._unauthorised(request):
            return web.json_response({"error": {"message": "who are you"}}, status=401)
        return web.json_response({"data": [{"id": name} for name in self.served]})

    async def _chat(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.bodies.append(body)
        self.keys.append(request.headers.get("Authorization", ""))
        if self.refuses in body:
            error = {"message": f"Unsupported parameter: {self.refuses}"}
            return web.json_response({"error": error}, status=400)
        if self._unauthorised(request):
            return web.json_response({"error": {"message": "who are you"}}, status=401)
        if self.status != 200:
            return web.json_response({"error": {"message": "out of memory"}}, status=self.status)
        message = {"role": "assistant", "content": "ready"}
        if "response_format" in body:
            message["content"] = self.formed
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        usage = {"prompt_tokens": 9, "completion_tokens": 2}
        return web.json_response({"choices": [choice], "usage": usage})


@pytest.fixture
def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clinic]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CLINIC_KEY", "of-the-tests")
    made = Clinic()
    with ThreadedServer(made.app()) as server:
        made.url = server.url
        (tmp_path / "run.yaml").write_text(
            f"name: x\nendpoint: {{base_url: '{made.url}/v1', api_key_env: CLINIC_KEY}}\n"
            "roles: {client: {model: m}, therapist: {model: m}, supervisor: {model: m}, "
            "judge: {model: m}}\n"
        )
        yield made


def checks(capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, Any]]:
    return {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_one_small_call_for_each_model(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], finish: str
) -> None:
    clinic.finish = finish
    assert run(["doctor", "run.yaml", "--json"]) == 0
    found = checks(capsys)
    assert "11 tokens" in found["roles.client, one call"]["found"]
    assert found["roles.judge"]["found"] == "m, as roles.client"
    chat, form = clinic.bodies
    assert chat["max_tokens"] <= 16
    assert form["max_tokens"] <= 64
    assert clinic.keys == ["Bearer of-the-tests"] * 2
    assert not any("key" in name for name in found)


@pytest.mark.parametrize(("says", "fits"), [('{"ready": true}', True), ("ready", False)])
def test_what_has_to_answer_with_json_is_asked_for_some(
    clinic: Clinic, capsys: pytest.CaptureFixture[str], says: str, fits: bool
) -> None:
    clinic.formed = says
    assert run(["doctor", "run.yaml", "--json"]) == 0
    check = checks(capsys)["roles.supervisor, JSON schema"]
    assert check["ok"]
    assert check["warning"] is not fits
    assert clinic.bodies[1]["response_format"]["type"] == "json_schema"
    assert run(["doctor", "run.yaml"]) == 0
    assert ("! roles.supervisor, JSON schema" in capsys.readouterr().out) is not fits


def test_an_endpoint_that_takes_no_schema_is_a_warning(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.refuses = "response_format"
    assert run(["doctor", "run.yaml", "--json"]) == 0
    assert "Unsupported" in checks(capsys)["roles.supervisor, JSON schema"]["found"]


@pytest.fixture
def elsewhere(clinic: Clinic, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run file whose endpoint is on a host that nobody knows, and no key for it."""
    monkeypatch.delenv("CLINIC_KEY")
    nobody_knows(monkeypatch)
    path = tmp_path / "run.yaml"
    path.write_text(path.read_text().replace(clinic.url, f"http://{UNKNOWN}"))
    return path


@pytest.mark.usefixtures("elsewhere")
def test_a_key_that_is_not_set_is_said_of_an_endpoint_elsewhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["doctor", "run.yaml", "--json"]) == 1
    check = checks(capsys)["roles.client, key"]
    assert check["warning"]
    assert "CLINIC_KEY is not set" in check["found"]


def test_a_failure_is_one_document_with_its_error_and_all_checks(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.status = 500
    assert run(["doctor", "run.yaml", "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["error"]["exit_code"] == 1
    assert document["error"]["where"] == "roles.client, one call"
    assert {"kind", "what", "got"} <= document["error"].keys()
    assert len(document["checks"]) > len(document["error"]["also"])


def test_a_chat_that_fails_is_told_with_its_outcome(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.status = 500
    assert run(["doctor", "run.yaml", "--json"]) == 1
    found = checks(capsys)
    assert found["roles.client"]["ok"]
    assert found["roles.client, one call"]["found"].startswith("server_error: ")
    assert "out of memory" in found["roles.client, one call"]["found"]
    assert not found["roles.therapist"]["ok"]
    assert len(clinic.bodies) == 1


def test_a_model_that_is_not_served_lists_those_that_are(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(path.read_text().replace("client: {model: m}", "client: {model: n}"))
    assert run(["doctor", "run.yaml"]) == 1
    assert "does not know the model (n); expected one of: m" in capsys.readouterr().out


def test_a_parameter_that_is_refused_is_left_out(
    clinic: Clinic, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.refuses = "max_tokens"
    assert run(["doctor", "run.yaml", "--json"]) == 0
    assert checks(capsys)["roles.client, one call"]["ok"]
    assert clinic.bodies[1]["max_completion_tokens"] <= 16


def four_models(path: Path) -> None:
    """Let each role have a model of its own at the one endpoint."""
    text = path.read_text()
    for role in ("therapist", "supervisor", "judge"):
        text = text.replace(f"{role}: {{model: m}}", f"{role}: {{model: m-{role}}}")
    path.write_text(text)


@pytest.mark.parametrize("models_too", [True, False])
@pytest.mark.parametrize("key", ["", "of-somebody-else"])
def test_a_key_that_is_missing_or_refused_is_named_on_this_machine_too(
    clinic: Clinic,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    key: str,
    models_too: bool,
) -> None:
    clinic.wants, clinic.wants_for_models = "of-the-tests", models_too
    monkeypatch.setenv("CLINIC_KEY", key)
    four_models(tmp_path / "run.yaml")
    assert run(["doctor", "run.yaml"]) == 1
    said = capsys.readouterr().out
    what = "the key in CLINIC_KEY is refused" if key else "CLINIC_KEY is not set"
    assert said.count(what) == 1
    assert "HTTP 401" in said
    assert said.count("Set CLINIC_KEY") == 1
    assert "of-somebody-else" not in said
    assert "m-judge, as roles.client" in said


def test_an_endpoint_that_nobody_can_reach_is_told_once_with_its_advice(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    four_models(elsewhere)
    assert run(["doctor", "run.yaml"]) == 1
    said = capsys.readouterr().out
    assert said.count("the name of the host cannot be resolved") == 1
    assert said.count("or set base_url") == 1
    assert said.count("CLINIC_KEY is not set") == 1
    assert "DNSError" not in said
    for role in ("therapist", "supervisor", "judge"):
        assert f"m-{role}, as roles.client" in said


def test_a_model_that_is_not_served_says_nothing_of_the_others(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(path.read_text().replace("client: {model: m}", "client: {model: n}"))
    assert run(["doctor", "run.yaml", "--json"]) == 1
    found = checks(capsys)
    assert not found["roles.client"]["ok"]
    assert found["roles.therapist, one call"]["ok"]
    assert found["roles.judge"]["ok"]


def test_the_same_advice_is_given_once(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clinic.served = ("m", "m-therapist", "m-supervisor", "m-judge")
    clinic.status = 500
    four_models(tmp_path / "run.yaml")
    assert run(["doctor", "run.yaml"]) == 1
    said = capsys.readouterr().out
    assert said.count("server_error: ") == 4
    assert said.count("see the endpoint's log") == 1


def test_a_database_that_does_not_answer_is_told(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip(
        "psycopg", reason='needs the extra "postgres": pip install -e ".[postgres]"'
    )
    with (tmp_path / "run.yaml").open("a") as file:
        file.write("engine: {store: 'postgresql://me@127.0.0.1:1/none'}\n")
    assert run(["doctor", "run.yaml", "--json"]) == 1
    found = checks(capsys)
    assert "connection refused" in found["engine.store"]["found"].lower()
    assert [one["name"] for one in found.values() if not one["ok"]] == ["engine.store"]
    assert not (tmp_path / "runs").exists()


def test_a_database_without_its_driver_is_told_with_what_to_install(
    clinic: Clinic,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in [name for name in sys.modules if name.startswith("engine.ledger.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with (tmp_path / "run.yaml").open("a") as file:
        file.write("engine: {store: 'postgresql://me@127.0.0.1:1/none'}\n")
    assert run(["doctor", "run.yaml", "--json"]) == 1
    assert "[postgres]" in checks(capsys)["engine.store"]["mend"]
    assert run(["campaign", "run", "run.yaml", "--json"]) == ExitCode.USAGE
    error = json.loads(capsys.readouterr().out)["error"]
    assert (error["where"], error["expected"]) == ("engine.store", "psycopg")


def test_a_pack_that_is_not_there_is_told(
    clinic: Clinic, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (tmp_path / "run.yaml").open("a") as file:
        file.write("pack: nosuch\n")
    assert run(["doctor", "run.yaml", "--json"]) == 1
    found = checks(capsys)
    assert [one["name"] for one in found.values() if not one["ok"]] == ["pack"]
    assert "nosuch" in found["pack"]["found"]
