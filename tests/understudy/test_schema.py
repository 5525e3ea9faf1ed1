from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from domain.critique import CritiqueAnswer
from domain.verdict import VerdictAnswer
from understudy.example import example_of
from understudy.schema import misfit

VERDICT = VerdictAnswer.model_json_schema()
CRITIQUE = CritiqueAnswer.model_json_schema()
GOOD = {"reason": "warm", "quote": "", "score": 4}


@pytest.mark.parametrize(
    "value",
    [GOOD, {**GOOD, "score": 6}, {**GOOD, "score": "4"}, {"reason": "x"}, {**GOOD, "x": 1}, []],
)
def test_it_agrees_with_a_full_validator(value: object) -> None:
    assert (misfit(VERDICT, value) == "") is Draft202012Validator(VERDICT).is_valid(value)


def test_references_are_followed() -> None:
    gate = {"gate": "g", "passed": "yes", "turns": [], "reason": ""}
    assert "$.gates[0].passed" in misfit(CRITIQUE, {"gates": [gate], "items": [], "flaws": []})


@pytest.mark.parametrize("schema", [VERDICT, CRITIQUE])
def test_an_example_fits(schema: dict[str, Any]) -> None:
    assert misfit(schema, example_of(schema, "text")) == ""
