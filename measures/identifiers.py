"""Whether a text carries data that could identify a person; a gate, not a de-identifier.

Simple patterns after the identifiers of HIPAA's Safe Harbor, 45 CFR 164.514(b)(2). Not covered:
names alone, rare jobs or events that identify by themselves, and identifiers spelled out in words.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from measures.tokens import KEPT

_DIGITS = re.compile(r"\d")
_TEXT_PATTERNS = {
    "email": re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]*\w"),
    "web": re.compile(r"(?:https?://|\bwww\.)\S+"),
}
_NUMBER_PATTERNS = {
    "social_security": re.compile(r"\b\d{3}-\d{2}-\d{4}\b"),
    "card": re.compile(r"\b(?:\d{4}[ -]){3}\d{4}\b|\b\d{15,16}\b"),
    "phone": re.compile(
        r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(\d{2,4}\)[ .-]?|\d{2,4}[ .-])\d{3,4}[ .-]\d{3,4}\b"
        r"|(?<![\w.])0\d{2,4}[ .-]?\d{3}[ .-]?\d{3,4}\b"
        r"|(?<![\w.])\+?\d{10,13}\b"
        r"|(?<![\w.])\d{3}-\d{4}\b"
    ),
    "address": re.compile(
        r"\b\d{1,5}[a-z]? (?:[A-Z][a-z]+(?:['’]s)? ){1,3}"
        r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Court|Ct|Boulevard|Blvd|Way|Place|Pl"
        r"|Row|Yard|Close|Crescent|Terrace|Square|Gardens|Mews|Hill|Grove|Walk|Park|Circle|Highway)\b"
    ),
    "id_number": re.compile(
        r"(?i)\b(?:case|chart|record|member|patient|policy|passport|licen[cs]e|mrn|id)\s*"
        r"(?:number|no\.?|#)?\s*[:#]?\s*(?=[A-Z-]*\d)[A-Z0-9-]{5,}\b"
    ),
    "national_insurance": re.compile(r"\b[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"),
    "birth_date": re.compile(
        r"(?i)\b(?:born|birth|birthday|dob)\b[^.!?]{0,20}\b\d{1,4}[/.-]\d{1,2}[/.-]\d{1,4}\b"
    ),
}
PUBLIC_LINES = re.compile(r"\b(?:988|911|999|112|111|116[ -]?123|0?800[ -]\d{3}[ -]\d{3,4})\b")
"""Numbers of crisis lines, which are no one's own."""


class Identifier(NamedTuple):
    """What was found, by kind."""

    kind: str
    text: str


@lru_cache(maxsize=KEPT)
def identifiers(text: str) -> tuple[Identifier, ...]:
    """Return what in `text` looks like an identifier: e-mail, phone, address, numbers, web."""
    patterns: dict[str, re.Pattern[str]] = {}
    if "@" in text or "://" in text or "www." in text:
        patterns |= _TEXT_PATTERNS
    if _DIGITS.search(text):
        patterns |= _NUMBER_PATTERNS
    cleaned = PUBLIC_LINES.sub(" ", text) if patterns else text
    return tuple(
        Identifier(kind, match.group().strip())
        for kind, pattern in patterns.items()
        for match in pattern.finditer(cleaned)
    )
