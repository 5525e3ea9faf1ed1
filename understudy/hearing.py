"""What the client hears in a therapist's turn: what is asked, and what is done to them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from understudy.clauses import sentences
from understudy.templates import read_data

INVITES = re.compile(
    r"^(?:(?:so|and|okay|please|then|now|just),? )*(?:could you |can you |would you |perhaps )?"
    r"(?:tell me|take me|walk me|talk me|describe|say (?:a |some)|help me understand|i wonder|"
    r"i'm (?:curious|wondering)|i'd (?:like|love) to hear|give me|let's hear|"
    r"think of|imagine|pick|choose|name)\b",
    re.IGNORECASE,
)
YES_NO = re.compile(
    r"\b(do|does|did|are|is|was|were|have|has|had|can|could|would|will|should|don't|didn't|isn't)"
    r" (you|it|that|they|he|she|there|this|we|any\w+|some\w+|your|the)\b",
    re.IGNORECASE,
)
WIDE = re.compile(r"\b(what|how|why|which|where|when|who)\b", re.IGNORECASE)
FAMILIES = (
    ("worst", "best", "likely"),
    ("gives", "costs"),
    ("evidence_for", "evidence_against"),
    ("feeling", "thought"),
    ("prediction", "watch"),
    ("homework_review", "agenda"),
    ("alternative", "scale"),
    ("ends", "place"),
)
"""Questions that are asked in one breath."""


@dataclass(frozen=True, slots=True)
class Heard:
    """`asked` are keys of grammar/hearing.yaml in the order they came; `told` likewise.

    A question that fits no pattern is `open` or `yes_no`.
    """

    asked: tuple[str, ...]
    told: frozenset[str]


@lru_cache(maxsize=1)
def _patterns() -> tuple[dict[str, re.Pattern[str]], dict[str, re.Pattern[str]]]:
    data = read_data("hearing")
    asked, told = data["asked"], data["told"]
    assert isinstance(asked, dict)  # noqa: S101 - the file ships with the package
    assert isinstance(told, dict)  # noqa: S101 - the file ships with the package
    return (
        {key: re.compile(pattern, re.IGNORECASE) for key, pattern in asked.items()},
        {key: re.compile(pattern, re.IGNORECASE) for key, pattern in told.items()},
    )


@lru_cache(maxsize=4096)
def listen(text: str) -> Heard:
    """Hear a therapist's turn."""
    heard = [_hear(sentence) for sentence in sentences(text.replace("\u2019", "'"))]
    asked = dict.fromkeys(key for one in heard for key in one.asked)
    return Heard(tuple(asked), frozenset[str]().union(*(one.told for one in heard)))


@lru_cache(maxsize=16384)
def _hear(sentence: str) -> Heard:
    """Hear one sentence; kept, because therapists say the same ones in many sessions."""
    asked, told = _patterns()
    asks = sentence.rstrip("\"')").endswith("?") or INVITES.match(sentence)
    return Heard(
        tuple(_asked(sentence, asked)) if asks else (),
        frozenset(key for key, pattern in told.items() if pattern.search(sentence)),
    )


def _asked(sentence: str, patterns: dict[str, re.Pattern[str]]) -> list[str]:
    first = next((key for key, pattern in patterns.items() if pattern.search(sentence)), None)
    closed = not WIDE.search(sentence) and YES_NO.search(sentence)
    if first is None:
        return ["yes_no" if closed else "open"]
    family = next((members for members in FAMILIES if first in members), (first,))
    places = {key: found.start() for key in family if (found := patterns[key].search(sentence))}
    return sorted(places, key=places.__getitem__)
