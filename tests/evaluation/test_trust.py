from __future__ import annotations

import pytest

from domain.errors import TrustError
from domain.record import HeldOutContext, Origin
from domain.settings import EndpointSettings
from domain.turn import Speaker, Turn
from evaluation.trust import require_trust

TRUSTED = EndpointSettings(base_url="http://127.0.0.1:1/v1", trusted_for_real=True)
OTHER = EndpointSettings(base_url="https://elsewhere.example/v1")


def scenario(origin: Origin) -> HeldOutContext:
    turn = Turn(index=0, speaker=Speaker.CLIENT, text="I am worn out.")
    return HeldOutContext(
        record_id="r", topic="", group="g", origin=origin, turns=(turn,), reference="I see."
    )


def test_real_scenarios_need_a_trusted_endpoint() -> None:
    require_trust([scenario(Origin.REAL)], TRUSTED, "roles.judge")
    with pytest.raises(TrustError) as caught:
        require_trust([scenario(Origin.SYNTHETIC), scenario(Origin.REAL)], OTHER, "roles.judge")
    assert caught.value.where == "roles.judge.trusted_for_real"
    assert "elsewhere.example" in caught.value.got


@pytest.mark.parametrize(
    "name",
    ["LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2"],
)
def test_real_scenarios_are_not_traced(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "true")
    require_trust([scenario(Origin.SYNTHETIC)], TRUSTED, "roles.judge")
    with pytest.raises(TrustError, match="LangSmith") as caught:
        require_trust([scenario(Origin.REAL)], TRUSTED, "roles.judge")
    assert caught.value.where == f"environment variable {name}"


def test_synthetic_scenarios_may_go_anywhere() -> None:
    require_trust([scenario(Origin.SYNTHETIC)], OTHER, "roles.judge")
