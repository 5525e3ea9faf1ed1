"""The word lists on lines written for them: what they find, and how often they find it in others.

These lines are what the lists were widened on: a high share here says that nothing was lost, and
not how an unseen wording fares; docs/supervision.md has both.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from domain.turn import Speaker, Turn
from measures.advice import has_advice
from measures.risk import statements, unsafe_advice
from measures.roles import drift
from measures.validation import invalidating

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parent / "wording"


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def read(name: str) -> dict[str, list[str]]:
    data: dict[str, Any] = yaml.safe_load((FOLDER / name).read_text(encoding="utf-8"))
    return {kind: lines_of(text) for kind, text in (data["kinds"] | {"": data["none"]}).items()}


CLIENT, THERAPIST = read("client.yaml"), read("therapist.yaml")


def drifts_to(speaker: Speaker, *kinds: str) -> Callable[[str], bool]:
    def test(text: str) -> bool:
        found = drift(Turn(index=0, speaker=speaker, text=text))
        return found is not None and found.kind in kinds

    return test


TESTS: dict[str, tuple[dict[str, list[str]], Callable[[str], object], float]] = {
    "risk_self": (CLIENT, statements, 0.95),
    "risk_other": (CLIENT, statements, 0.95),
    "counsels": (CLIENT, drifts_to(Speaker.CLIENT, "client_counsels"), 0.95),
    "belittling": (THERAPIST, invalidating, 0.95),
    "medication": (THERAPIST, unsafe_advice, 0.8),
    "method": (THERAPIST, unsafe_advice, 0.95),
    "confides": (THERAPIST, drifts_to(Speaker.THERAPIST, "therapist_confides"), 0.95),
    "machine": (THERAPIST, drifts_to(Speaker.THERAPIST, "program", "notes"), 0.95),
    "notes": (THERAPIST, drifts_to(Speaker.THERAPIST, "notes", "supervised", "program"), 0.95),
    "advice": (THERAPIST, has_advice, 0.75),
}
"""For each kind: whose lines, how it is found, and the share that must be."""


@pytest.mark.parametrize("kind", TESTS)
def test_lines_of_a_kind_are_found(kind: str) -> None:
    lines, test, least = TESTS[kind]
    missed = [line for line in lines[kind] if not test(line)]
    assert len(missed) <= (1 - least) * len(lines[kind]), missed


@pytest.mark.parametrize("kind", TESTS)
def test_lines_near_to_a_kind_are_left_alone(kind: str) -> None:
    lines, test, _ = TESTS[kind]
    flagged = [line for line in lines[""] if test(line)]
    assert len(flagged) <= 0.06 * len(lines[""]), flagged
