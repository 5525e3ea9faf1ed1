from __future__ import annotations

import pytest

from domain.turn import Speaker, Turn
from measures.roles import drift, drifts, is_broken


def kind(speaker: Speaker, text: str) -> str | None:
    found = drift(Turn(index=4, speaker=speaker, text=text))
    return found.kind if found else None


@pytest.mark.parametrize(
    ("speaker", "text", "expected"),
    [
        (Speaker.CLIENT, "As an AI, I have no feelings.", "program"),
        (Speaker.THERAPIST, "Private notes: exchange 3 of 10.", "notes"),
        (Speaker.CLIENT, "How does that make you feel?", "client_counsels"),
        (Speaker.THERAPIST, "My own depression was worse.", "therapist_confides"),
        (Speaker.THERAPIST, "Therapist: how are you?", "notes"),
        (Speaker.CLIENT, "{{ name }} is sad.", "notes"),
        (Speaker.CLIENT, "...", "broken"),
        (Speaker.CLIENT, "My husband left me.", None),
        (Speaker.CLIENT, "What do you think I should do?", None),
        (Speaker.THERAPIST, "It sounds like you're tired.", None),
    ],
)
def test_drift(speaker: Speaker, text: str, expected: str | None) -> None:
    assert kind(speaker, text) == expected


def test_broken_is_wordless_or_over_and_over() -> None:
    assert is_broken("?!")
    assert is_broken("no no no no no no no no no no no no no")
    assert not is_broken("A 10.")


def test_drifts_name_the_turn() -> None:
    turns = [
        Turn(index=0, speaker=Speaker.THERAPIST, text="How are you?"),
        Turn(index=1, speaker=Speaker.CLIENT, text="As an AI, fine."),
    ]
    assert [found.turn for found in drifts(turns)] == [1]
