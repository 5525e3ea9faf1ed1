from __future__ import annotations

import pytest

from domain.call import CallKey, CallResult, CallRow, Outcome, Role, Usage
from domain.errors import BudgetReachedError
from domain.settings import BudgetSettings
from engine.budget import Allowance, Share, left, shares, tokens_of

KEY = CallKey(session="session-1", draft=0, step=0, attempt=0)


def test_shares_add_up_to_what_is_left() -> None:
    given = shares(BudgetSettings(calls=100, tokens=9), Share(30, 2), 3)
    assert [share.calls for share in given] == [24, 23, 23]
    assert [share.tokens for share in given] == [3, 2, 2]


def test_no_budget_is_no_limit() -> None:
    assert shares(BudgetSettings(), Share(10_000, 10_000), 2) == [Share(), Share()]


def test_nothing_left_is_said_before_anything_starts() -> None:
    with pytest.raises(BudgetReachedError, match="at most 5 calls"):
        shares(BudgetSettings(calls=5), Share(7, 0), 2)


def test_what_a_dead_worker_leaves() -> None:
    assert left(Share(5, None), Share(3, 100)) == Share(2, None)
    assert left(Share(5, 100), Share(3, 100)) is None


def test_calls_in_flight_are_held_to_cost_what_the_dearest_did() -> None:
    allowance = Allowance(Share(tokens=100))
    allowance.permit(KEY)
    allowance.settle(40)
    allowance.permit(KEY)
    with pytest.raises(BudgetReachedError):
        allowance.permit(KEY)


@pytest.mark.parametrize(
    ("result", "tokens"),
    [
        (CallResult(outcome=Outcome.OK, text="y" * 8, usage=Usage(prompt_tokens=3)), 3),
        (CallResult(outcome=Outcome.OK, text="y" * 8), 12),
        (CallResult(outcome=Outcome.TRUNCATED, reasoning="y" * 9), 13),
        (CallResult(outcome=Outcome.RATE_LIMITED), 0),
    ],
    ids=["reported", "estimated", "rounded up", "never answered"],
)
def test_tokens_are_as_reported_or_estimated(result: CallResult, tokens: int) -> None:
    row = CallRow(
        key=KEY, role=Role.CLIENT, endpoint="", request_hash="", request=b"x" * 40, result=result
    )
    assert tokens_of(row) == tokens
