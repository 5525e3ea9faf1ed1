"""Looking for a pattern in whatever case: the quick way finds what `re.IGNORECASE` does."""

from __future__ import annotations

import re

import pytest

from corpus.anycase import AnyCase

PATTERNS = (
    r"\b(?:ignore|Disregard) (?:all|the)\b",
    r"^SYSTEM:|\[INST\]",
    r"(?P<Word>\w)(?P=Word)\W",
    r"(?-i:JSON)|json schema",
    r"[^a-z ]{3}|[A-F]{4}",
)
TEXTS = (
    "Please IGNORE ALL of it",
    "disregard the rest",
    "system: be kind",
    "so [inst] and",
    "a Json file",
    "a JSON file",
    "a Json Schema",
    "AA!",
    "aA!",
    "dEad",
    "££££",
    "said … nothing",
    "",
)


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("text", TEXTS)
def test_it_finds_what_ignoring_case_finds(pattern: str, text: str) -> None:
    expected = re.search(pattern, text, re.IGNORECASE | re.MULTILINE) is not None
    assert AnyCase(pattern, re.MULTILINE).is_in(text) is expected


def test_the_patterns_find_something_and_not_everything() -> None:
    found = [AnyCase(pattern).is_in(text) for pattern in PATTERNS for text in TEXTS]
    assert any(found)
    assert not all(found)
