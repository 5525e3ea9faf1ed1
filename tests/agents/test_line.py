"""Which calls go through a proxy."""

from __future__ import annotations

import pytest

from agents.line import Line, current_line, is_loopback
from domain.call import Outcome
from tests.support.scripted import ScriptedEndpoint, says

pytestmark = pytest.mark.usefixtures("line")


@pytest.fixture(autouse=True)
def _no_exceptions(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


async def test_a_call_on_this_machine_passes_a_proxy_by(monkeypatch: pytest.MonkeyPatch) -> None:
    async with (
        ScriptedEndpoint([says("From the proxy.")]) as proxy,
        ScriptedEndpoint([says("From the server.")]) as server,
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url.removesuffix("/v1"))
        result = await current_line().post(f"{server.base_url}/chat/completions", b"{}", {}, 5)
    assert (result.outcome, result.text) == (Outcome.OK, "From the server.")
    assert not proxy.asked


async def test_a_call_to_another_machine_takes_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    assert not line.session("http://models.example/v1").trust_env
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert line.session("http://models.example/v1").trust_env
    assert not line.session("http://127.0.0.1:8000/v1").trust_env
    await line.aclose()


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://localhost:8000/v1", True),
        ("http://LOCALHOST./v1", True),
        ("http://127.8.9.10/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://0.0.0.0:8000/v1", True),
        ("http://localhost.models.example/v1", False),
        ("http://127.0.0.1.models.example/v1", False),
        ("http://10.0.0.1/v1", False),
        ("http://[::2]/v1", False),
        ("http://[", False),
        ("", False),
    ],
)
def test_what_this_machine_is_called(url: str, here: bool) -> None:
    assert is_loopback(url) is here
