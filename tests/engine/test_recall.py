from __future__ import annotations

from typing import NamedTuple

import pytest

from domain.call import Outcome
from engine.ledger.recall import recalled

OK, LIMITED, TIMEOUT, BROKEN = (
    Outcome.OK.value,
    Outcome.RATE_LIMITED.value,
    Outcome.TIMEOUT.value,
    Outcome.MALFORMED.value,
)


class Row(NamedTuple):
    place: tuple[int, int, int]
    outcome: str


def attempts(*outcomes: str) -> list[Row]:
    """The attempts at one step, after an earlier one that was answered."""
    return [Row((0, 0, 0), OK), *(Row((0, 1, n), each) for n, each in enumerate(outcomes))]


@pytest.mark.parametrize(
    ("outcomes", "kept", "kept_again"),
    [
        ((OK,), 1, 1),
        ((LIMITED, OK), 2, 2),
        ((LIMITED, LIMITED), 0, 0),
        ((BROKEN, LIMITED), 1, 1),
        ((LIMITED, BROKEN, LIMITED), 2, 2),
        ((TIMEOUT, TIMEOUT), 2, 0),
        ((BROKEN, TIMEOUT, LIMITED), 2, 1),
        ((BROKEN, BROKEN), 2, 2),
    ],
)
def test_attempts_that_brought_no_answer_are_asked_anew(
    outcomes: tuple[str, ...], kept: int, kept_again: int
) -> None:
    rows = attempts(*outcomes)
    assert len(recalled(rows, again=False)) == 1 + kept
    assert len(recalled(rows, again=True)) == 1 + kept_again
    assert (0, 0, 0) in recalled(rows, again=True)
