"""Replaces identifiers in one record, and says where.

Rules find what rules can find: see `data/recognisers.yaml` for the classes and for what is not
covered. A text that went through here has been screened. Whether it identifies anybody is for a
person to say, who reads the review and signs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from corpus.people.roster import Roster, roster_of, suspects
from corpus.presidio import analysed
from corpus.recognisers import Finding
from corpus.surrogates import Surrogates
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"[^\W\d_]+")
_BEFORE_NAMES = frozenset({"place", "employer", "school", "clinic"})
"""Classes that yield to a person's name: "moved to Maria's" is about Maria."""
_READ = frozenset({"date", "age_over_89"})
"""Classes whose surrogate is made from what they say: grown by a neighbour, they say it no more."""
OTHER = "other_number"


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


def deidentify(
    texts: Sequence[str], names: Sequence[str], seed: int, spacy_model: str | None = None
) -> Screened:
    """Replace what identifies people in the `texts` of one record.

    Args:
        texts: What is said, turn by turn.
        names: People known to be in it: labels, the file's own list, a roster.
        seed: Of the record; the same seed and texts give the same surrogates.
        spacy_model: A spaCy pipeline on this machine, to look for names with as well.

    Raises:
        ConfigError: There is no such spaCy model.
    """
    roster = roster_of(names, texts)
    found = _found(texts, roster, spacy_model)
    taken = {word.lower() for text in texts for word in _WORD.findall(text)}
    surrogates = Surrogates(seed, roster.first, roster.last, taken)
    spans: list[Span] = []
    replaced: list[str] = []
    for number, (text, findings) in enumerate(zip(texts, found, strict=True)):
        new, own = _replaced(number, text, findings, surrogates)
        replaced.append(new)
        spans += own
    return Screened(tuple(replaced), tuple(spans), tuple(_left(texts, found, roster)))


def find(
    texts: Sequence[str], names: Sequence[str], spacy_model: str | None = None
) -> list[list[Finding]]:
    """Return what `deidentify` would replace, text by text, in places of the texts as they are."""
    return _found(texts, roster_of(names, texts), spacy_model)


def _found(texts: Sequence[str], roster: Roster, spacy_model: str | None) -> list[list[Finding]]:
    seen = analysed(texts, spacy_model)
    if spacy_model is not None:
        for text, own in zip(texts, seen, strict=True):
            for one in own:
                if one.kind == "name":
                    roster.add(text[one.start : one.end])
    chosen = [_chosen(text, own, roster) for text, own in zip(texts, seen, strict=True)]
    return _places_everywhere(texts, chosen)


def _chosen(text: str, seen: Sequence[Finding], roster: Roster) -> list[Finding]:
    """Return what is to be replaced, without overlaps: the class further up the list wins.

    What another finds beyond the ends of the winner is replaced with it: nothing that any of them
    found is left.
    """
    sure: list[Finding] = []
    late: list[Finding] = []
    for one in seen:
        yields = one.kind in _BEFORE_NAMES and roster.is_person(text[one.start : one.end])
        (late if yields else sure).append(one)
    chosen: list[Finding] = []
    for finding in [*sure, *roster.find(text), *late]:
        _take(finding, chosen)
    return sorted(chosen, key=lambda finding: finding.start)


def _take(finding: Finding, chosen: list[Finding]) -> None:
    """Put a finding to the chosen ones; those that it overlaps become one with it."""
    met = [one for one in chosen if finding.overlaps(one)]
    if not met:
        chosen.append(finding)
        return
    start, end = min(one.start for one in met), max(one.end for one in met)
    if len(met) == 1 and start <= finding.start and finding.end <= end:
        return
    kind = next((one.kind for one in [*met, finding] if one.kind not in _READ), OTHER)
    for one in met:
        chosen.remove(one)
    chosen.append(Finding(kind, min(start, finding.start), max(end, finding.end)))


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
