"""The learning rate that is meant where none is named."""

from __future__ import annotations

from typing import Any

import pytest

from domain.settings import TrainingSettings


@pytest.mark.parametrize(
    ("named", "rate"),
    [
        ({}, 1e-2),
        ({"base": "some/llama"}, 2e-4),
        ({"learning_rate": 3e-3}, 3e-3),
        ({"base": "some/llama", "learning_rate": 3e-3}, 3e-3),
    ],
)
def test_the_peak_rate_is_what_is_named_or_what_suits_the_base(
    named: dict[str, Any], rate: float
) -> None:
    assert TrainingSettings(**named).peak_rate == rate
