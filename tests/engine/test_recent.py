from __future__ import annotations

import pytest

from engine.limits.recent import RECENT_S, SPAN_S, Recent
from engine.limits.sight import Bounds, Seen


def seen(answered: int, refused: int = 0, broken: int = 0) -> Seen:
    errors = {"rate_limited": refused, "connection": broken}
    return Seen(
        Bounds(8),
        answers={"client": answered},
        refused=refused,
        errors={outcome: n for outcome, n in errors.items() if n},
    )


def test_calls_are_counted_by_how_they_ended() -> None:
    recent = Recent(0.0)
    recent.count(seen(7, refused=2), 1.0)
    recent.count(seen(1, broken=2), SPAN_S + 2.0)
    ended = recent.within(RECENT_S, SPAN_S + 2.0)
    assert (ended.answered, ended.refused) == (8, 2)
    assert ended.errors == {"rate_limited": 2, "connection": 2}
    assert ended.refused_share == pytest.approx(2 / 12)


def test_what_began_longer_ago_is_left_out_and_in_the_end_forgotten() -> None:
    recent = Recent(0.0)
    recent.count(seen(5), 1.0)
    now = 4 * SPAN_S
    recent.count(seen(3), now)
    assert recent.within(SPAN_S, now).answered == 3
    assert recent.within(now, now).answered == 8
    later = now + RECENT_S
    recent.count(seen(1), later)
    assert recent.within(10 * RECENT_S, later).answered == 4


def test_where_nothing_has_ended_nothing_was_refused() -> None:
    assert Recent(0.0).within(RECENT_S, 1.0).refused_share == 0.0
