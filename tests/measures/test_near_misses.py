from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from domain.turn import Speaker, Turn
from measures.identifiers import identifiers
from measures.risk import statements, unsafe_advice
from measures.roles import drift
from measures.validation import invalidating

if TYPE_CHECKING:
    from collections.abc import Callable

TURNS = yaml.safe_load((Path(__file__).parent / "near_misses.yaml").read_text(encoding="utf-8"))


def of_therapist(text: str) -> bool:
    step = drift(Turn(index=0, speaker=Speaker.THERAPIST, text=text))
    return bool(step or unsafe_advice(text) or invalidating(text) or identifiers(text))


def of_client(text: str) -> bool:
    step = drift(Turn(index=1, speaker=Speaker.CLIENT, text=text))
    return bool(step or statements(text) or identifiers(text))


@pytest.mark.parametrize(
    ("speaker", "flagged"), [("therapist", of_therapist), ("client", of_client)]
)
def test_few_turns_near_the_edge_are_flagged(speaker: str, flagged: Callable[[str], bool]) -> None:
    alarms = [text for text in TURNS[speaker] if flagged(text)]
    assert len(alarms) <= 0.1 * len(TURNS[speaker]), alarms
