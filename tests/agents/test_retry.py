from __future__ import annotations

from agents.retry import Backoff
from domain.call import CallKey, CallResult, Outcome

KEY = CallKey(session="s", draft=0, step=1, attempt=2)
FAILED = CallResult(outcome=Outcome.SERVER_ERROR)


def test_waits_grow_to_a_cap_and_repeat() -> None:
    backoff = Backoff(first_s=1, cap_s=8)
    waits = [backoff.wait(n, KEY, FAILED) for n in range(1, 8)]
    assert waits == [backoff.wait(n, KEY, FAILED) for n in range(1, 8)]
    assert all(
        step / 2 <= wait <= step for wait, step in zip(waits, (1, 2, 4, 8, 8, 8, 8), strict=True)
    )


def test_sessions_do_not_come_back_all_at_once() -> None:
    keys = [KEY.model_copy(update={"session": str(n)}) for n in range(20)]
    assert len({Backoff().wait(1, key, FAILED) for key in keys}) == 20


def test_the_endpoint_knows_better_within_reason() -> None:
    told = CallResult(outcome=Outcome.RATE_LIMITED, retry_after_s=7)
    assert 7 <= Backoff().wait(1, KEY, told) <= 7.7
    assert 5 <= Backoff(patience_s=5).wait(1, KEY, told) <= 5.5
