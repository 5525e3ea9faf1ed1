"""Replaces identifiers in one record, and says where.

Rules find what rules can find: see `data/recognisers.yaml` for the classes and for what is not
covered. A text that went through here has been screened. Whether it identifies anybody is for a
person to say, who reads the review and signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.people import Roster, roster_of, suspects
from corpus.recognisers import Finding, recognisers
from corpus.surrogates import Surrogates
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+")
_BEFORE_NAMES = frozenset({"place"})
"""Classes that yield to a name: "moved to Maria's" is about Maria."""


class Span(Noun):
    """One replacement: `start` and `end` count characters of the text after replacement."""

    text: int
    """Index of the text in its record."""
    kind: str
    start: int
    end: int
    replacement: str


@dataclass(frozen=True)
class Screened:
    """The texts after replacement, what was replaced, and words the reviewer should look at."""

    texts: tuple[str, ...]
    spans: tuple[Span, ...]
    suspects: tuple[str, ...]


def deidentify(texts: Sequence[str], names: Sequence[str], seed: int) -> Screened:
    """Replace what identifies people in the `texts` of one record.

    Args:
        texts: What is said, turn by turn.
        names: People known to be in it: labels, the file's own list, a roster.
        seed: Of the record; the same seed and texts give the same surrogates.
    """
    roster = roster_of(names, texts)
    found = _found(texts, roster)
    taken = {word.lower() for text in texts for word in _WORD.findall(text)}
    surrogates = Surrogates(seed, roster.first, roster.last, taken)
    spans: list[Span] = []
    replaced: list[str] = []
    for number, (text, findings) in enumerate(zip(texts, found, strict=True)):
        new, own = _replaced(number, text, findings, surrogates)
        replaced.append(new)
        spans += own
    return Screened(tuple(replaced), tuple(spans), tuple(_left(texts, found, roster)))


def find(texts: Sequence[str], names: Sequence[str]) -> list[list[Finding]]:
    """Return what `deidentify` would replace, text by text, in places of the texts as they are."""
    return _found(texts, roster_of(names, texts))


def _found(texts: Sequence[str], roster: Roster) -> list[list[Finding]]:
    return _places_everywhere(texts, [_findings(text, roster) for text in texts])


def _findings(text: str, roster: Roster) -> list[Finding]:
    """Return what is to be replaced, without overlaps: the class further up the list wins."""
    kept: list[Finding] = []
    late: list[Finding] = []
    for recogniser in recognisers():
        own = recogniser.find(text)
        (late if recogniser.kind in _BEFORE_NAMES else kept).extend(own)
    chosen: list[Finding] = []
    for finding in [*kept, *roster.find(text), *late]:
        if not any(finding.overlaps(other) for other in chosen):
            chosen.append(finding)
    return sorted(chosen, key=lambda finding: finding.start)


def _places_everywhere(texts: Sequence[str], found: list[list[Finding]]) -> list[list[Finding]]:
    """Take a place that was recognised once for one wherever it is named in the record."""
    places = {
        text[one.start : one.end]
        for text, own in zip(texts, found, strict=True)
        for one in own
        if one.kind == "place"
    }
    if not places:
        return found
    named = "|".join(re.escape(place) for place in sorted(places, key=len, reverse=True))
    pattern = re.compile(rf"\b(?:{named})\b")
    widened = []
    for text, own in zip(texts, found, strict=True):
        more = [Finding("place", *match.span()) for match in pattern.finditer(text)]
        new = [one for one in more if not any(one.overlaps(other) for other in own)]
        widened.append(sorted([*own, *new], key=lambda finding: finding.start))
    return widened


def _replaced(
    number: int, text: str, findings: list[Finding], surrogates: Surrogates
) -> tuple[str, list[Span]]:
    parts: list[str] = []
    spans: list[Span] = []
    at = length = 0
    for one in findings:
        kept, new = text[at : one.start], surrogates.of(one.kind, text[one.start : one.end])
        start = length + len(kept)
        parts += [kept, new]
        at, length = one.end, start + len(new)
        spans.append(Span(text=number, kind=one.kind, start=start, end=length, replacement=new))
    return "".join([*parts, text[at:]]), spans


def _left(texts: Sequence[str], found: list[list[Finding]], roster: Roster) -> list[str]:
    """Return the suspects that still stand in the text after replacement."""
    blanked = []
    for text, own in zip(texts, found, strict=True):
        for one in own:
            text = text[: one.start] + " " * (one.end - one.start) + text[one.end :]
        blanked.append(text)
    return suspects(blanked, roster)
