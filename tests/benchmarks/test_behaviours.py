from __future__ import annotations

from typing import TYPE_CHECKING

from agents.pack import load_pack
from benchmarks.behaviours import opening, sessions_by_quality
from measures.session import session_behaviours
from tests.support.cast import turns_of

if TYPE_CHECKING:
    from pathlib import Path


def test_an_opening_ends_before_the_next_therapist_turn() -> None:
    turns = turns_of(*"abcdefgh")
    assert [turn.text for turn in opening(turns, 2)] == ["a", "b", "c", "d"]
    assert opening(turns, 9) == turns


def test_good_real_sessions_keep_the_packs_limits_and_poor_ones_break_them_more(
    real_data: Path,
) -> None:
    sessions = sessions_by_quality(real_data / "annomi" / "annomi-dev.csv")
    limits = load_pack("cbt").limits
    kept = {
        quality: sum(not limits.broken_by(session_behaviours(opening(turns))) for turns in found)
        / len(found)
        for quality, found in sessions.items()
    }
    assert kept["high"] >= 0.85
    assert kept["low"] <= kept["high"] - 0.2
