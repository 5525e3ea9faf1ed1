"""Turning someone's words round: "I always ruin it" becomes "you always ruin it"."""

from __future__ import annotations

import re

TO_YOU = {
    "i am": "you are",
    "i'm": "you're",
    "i was": "you were",
    "i wasn't": "you weren't",
    "i've": "you've",
    "i'd": "you'd",
    "i'll": "you'll",
    "am i": "are you",
    "was i": "were you",
    "we met": "we met",
    "we spoke": "we spoke",
    "i": "you",
    "me": "you",
    "my": "your",
    "mine": "yours",
    "myself": "yourself",
    "we": "you",
    "we're": "you're",
    "we've": "you've",
    "we'd": "you'd",
    "we'll": "you'll",
    "us": "you",
    "our": "your",
    "ours": "yours",
    "ourselves": "yourselves",
}
TO_ME = {
    "you are": "I am",
    "you're": "I'm",
    "you were": "I was",
    "you've": "I've",
    "you'd": "I'd",
    "you'll": "I'll",
    "your": "my",
    "yours": "mine",
    "yourself": "myself",
}
OBJECT_YOU = re.compile(
    r"\b(for|to|with|of|about|at|from|on|around|tell|tells|told|give|gives|help|helps|ask|asks|"
    r"make|makes|let|lets|love|loves|like|likes|know|knows|see|sees|bother|bothers) you\b",
    re.IGNORECASE,
)
_YOU = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, TO_YOU), key=len, reverse=True)) + r")\b(?!')",
    re.IGNORECASE,
)
_ME = re.compile(
    r"\b(" + "|".join(sorted(map(re.escape, TO_ME), key=len, reverse=True)) + r")\b(?!')",
    re.IGNORECASE,
)
_SUBJECT_YOU = re.compile(r"\byou\b(?!')", re.IGNORECASE)


def to_you(text: str) -> str:
    """Say a first-person text to the person who said it."""
    turned = _YOU.sub(lambda match: TO_YOU[match[0].lower()], text.replace("\u2019", "'"))
    return turned.replace("you am ", "you are ")


def to_me(text: str) -> str:
    """Say a second-person text of oneself."""
    turned = OBJECT_YOU.sub(lambda match: f"{match[1]} me", text.replace("\u2019", "'"))
    turned = _ME.sub(lambda match: TO_ME[match[0].lower()], turned)
    return _SUBJECT_YOU.sub("I", turned)
