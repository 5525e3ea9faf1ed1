from __future__ import annotations

import pytest

from domain.errors import ConfigError
from domain.settings import Settings
from rehearsal.budget_options import read_amount, read_span, with_budget


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("25usd", ("usd", 25.0)),
        ("$2.50", ("usd", 2.5)),
        ("0.30USD", ("usd", 0.3)),
        ("2Mtok", ("tokens", 2_000_000)),
        ("1.5k tokens", ("tokens", 1500)),
        ("1_000_000tok", ("tokens", 1_000_000)),
        ("500calls", ("calls", 500)),
        ("1call", ("calls", 1)),
        ("1.001Mtok", ("tokens", 1_001_000)),
        ("5Mtok", ("tokens", 5_000_000)),
        ("5000000usd", ("usd", 5e6)),
        ("1,500,000 tok", ("tokens", 1_500_000)),
    ],
)
def test_amounts(text: str, meant: tuple[str, float]) -> None:
    assert read_amount(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "25", "usd", "-1usd", "2.5tok", "5eur", "", "2Mtok 3calls",
        "0calls", "0usd", "0Mtok", "0.0usd", "nan", "nanusd", "infusd", "1e9usd", "25 usdd",
        "2,5usd", "1,2,3usd", "$25tok", "25kusd", "9" * 400 + "tok", "٣usd", "_5usd",
    ],
)  # fmt: skip
def test_what_is_no_amount_says_what_would_be_one(text: str) -> None:
    with pytest.raises(ConfigError, match="--budget") as refused:
        read_amount(text)
    assert "above 0" in refused.value.expected
    assert "25usd" in refused.value.mend


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90s", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("0.5d", 43200), ("1d 2h", 93600)],
)
def test_spans(text: str, seconds: float) -> None:
    assert read_span(text) == seconds


@pytest.mark.parametrize(
    "text", ["soon", "5", "0s", "2h later", "-3m", "", "30m1h", "1h1h", "nans", "inf", "1e9s"]
)
def test_what_is_no_span(text: str) -> None:
    with pytest.raises(ConfigError, match="--deadline"):
        read_span(text)


def test_options_are_laid_over_the_run_file() -> None:
    begun = Settings.model_validate({"name": "a", "campaign": {"budget": {"calls": 7, "usd": 1}}})
    budget = with_budget(begun, ["2Mtok", "5usd"], "2h").campaign.budget
    assert (budget.calls, budget.tokens, budget.usd, budget.deadline_s) == (7, 2 * 10**6, 5, 7200)
    assert with_budget(begun, None, None) is begun
    with pytest.raises(ConfigError, match="twice"):
        with_budget(begun, ["2Mtok", "5tok"], None)
