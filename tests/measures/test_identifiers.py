from __future__ import annotations

import pytest

from measures.identifiers import identifiers


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Write to dana.k@example.org please.", "email"),
        ("Call me on 555-201-4433.", "phone"),
        ("It's +44 20 7946 0018.", "phone"),
        ("I live at 12 Baker Street.", "address"),
        ("My number is 123-45-6789.", "social_security"),
        ("See www.example.org/me.", "web"),
        ("Patient number 4471902.", "id_number"),
        ("I was born on 12/03/1984.", "birth_date"),
    ],
)
def test_found(text: str, kind: str) -> None:
    assert kind in {one.kind for one in identifiers(text)}


@pytest.mark.parametrize(
    "text",
    [
        "You can call or text 988, or 911 in an emergency.",
        "Samaritans answer at 116 123.",
        "From 0 to 100, I'd say 60.",
        "I drink 2 to 3 beers, 4 days a week.",
        "It was 2019, and I was 34.",
    ],
)
def test_not_found(text: str) -> None:
    assert identifiers(text) == ()
