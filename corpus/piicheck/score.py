"""Counts what screening finds of what was planted, and what it takes that nobody planted."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from corpus.deidentify import find
from corpus.piicheck.steering import Steering
from corpus.piicheck.wilson import Interval, wilson
from domain.base import Noun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from corpus.piicheck.plant import Planted, PlantedSession
    from corpus.recognisers import Finding

    Finder = Callable[[Sequence[str], Sequence[str]], Sequence[Sequence[Finding]]]

NAMES = ("rostered_names", "unrostered_names")
CONTEXTUAL = ("place", "organisation", "school")
"""Found by the words around them only; no bar is set for them, and they are reported."""
BARS = {"structured": 0.98, "rostered_names": 1.0, "unrostered_names": 0.85}
MOST_OVER_REDACTED = 0.03
"""Share of the tokens that nobody planted."""
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_TELLS_NOTHING = frozenset(
    {"the", "of", "in", "and", "a", "at", "number", "dot", "unit", "flat", "apt", "apartment"}
    | {"s", "n", "sn"}
)
"""Words of an identifier's format that may stay: they identify nobody. "s", "n" are of "S/N"."""


class Check(Noun):
    """What came of it. `recall` holds each class, and `structured` for all structured ones."""

    set: str
    sessions: int
    recall: dict[str, float]
    intervals: dict[str, Interval]
    """95%, Wilson, over distinct pairs of sentence and format: repeats tell little more."""
    planted: dict[str, int]
    found: dict[str, int]
    over_redaction: float
    """Share of the tokens that nobody planted."""
    over_redaction_interval: Interval
    tokens: int
    over_redacted: int
    flagged: Steering | None = None
    """Planted lines that speak to a machine: which are flagged for whoever signs."""
    bars: dict[str, float]
    missed: tuple[str, ...]
    """Bars that were not met."""


def check(
    sessions: Iterable[PlantedSession],
    name: str,
    spacy_model: str | None = None,
    finder: Finder | None = None,
) -> Check:
    """Screen the sessions and score what was found.

    An identifier counts as found when every word of it would be replaced that tells something.
    """
    finder = finder or (lambda texts, names: find(texts, names, spacy_model))
    hits: dict[str, list[tuple[tuple[str, str], bool]]] = defaultdict(list)
    tokens = wrong = number = 0
    for number, session in enumerate(sessions, start=1):  # noqa: B007 - the last one counts them
        found = finder(session.texts, session.names)
        for planted in session.planted:
            text = session.texts[planted.text]
            hits[planted.kind].append((planted.case, is_gone(text, planted, found[planted.text])))
        for at, text in enumerate(session.texts):
            own = [one for one in session.planted if one.text == at]
            unplanted, taken = _unplanted(text, own, found[at])
            tokens, wrong = tokens + unplanted, wrong + taken
    return _summed(name, number, hits, tokens, wrong)


def with_steering(found: Check, flagged: Steering) -> Check:
    """Add what was flagged, and its bar."""
    missed = found.missed if flagged.is_enough else (*found.missed, "flagged")
    return found.model_copy(
        update={
            "flagged": flagged,
            "bars": {**found.bars, "flagged": flagged.bar},
            "missed": missed,
        }
    )


def is_gone(text: str, planted: Planted, found: Sequence[Finding]) -> bool:
    """Tell whether nothing that tells something of `planted` stays."""
    for token in _TOKEN.finditer(text, planted.start, planted.end):
        covered = any(one.start <= token.start() and token.end() <= one.end for one in found)
        if not covered and token[0].lower() not in _TELLS_NOTHING:
            return False
    return True


def _unplanted(text: str, planted: Sequence[Planted], found: Sequence[Finding]) -> tuple[int, int]:
    """Count the tokens that nobody planted, and those of them that would be replaced."""
    tokens = wrong = 0
    for token in _TOKEN.finditer(text):
        if any(one.start < token.end() and token.start() < one.end for one in planted):
            continue
        tokens += 1
        wrong += any(one.start < token.end() and token.start() < one.end for one in found)
    return tokens, wrong


def _summed(
    name: str,
    sessions: int,
    hits: dict[str, list[tuple[tuple[str, str], bool]]],
    tokens: int,
    wrong: int,
) -> Check:
    apart = {*NAMES, *CONTEXTUAL}
    structured = [one for kind, own in hits.items() if kind not in apart for one in own]
    groups = {
        kind: own
        for kind, own in {"structured": structured, **dict(sorted(hits.items()))}.items()
        if own
    }
    recall = {kind: sum(hit for _, hit in own) / len(own) for kind, own in groups.items()}
    over = wrong / tokens if tokens else 0.0
    missed = [kind for kind, bar in BARS.items() if recall.get(kind, 1.0) < bar]
    missed += ["over_redaction"] if over > MOST_OVER_REDACTED else []
    return Check(
        set=name,
        sessions=sessions,
        recall=recall,
        intervals={kind: _interval(own) for kind, own in groups.items()},
        planted={kind: len(own) for kind, own in groups.items()},
        found={kind: sum(hit for _, hit in own) for kind, own in groups.items()},
        over_redaction=over,
        over_redaction_interval=wilson(wrong, tokens),
        tokens=tokens,
        over_redacted=wrong,
        bars={**BARS, "over_redaction": MOST_OVER_REDACTED},
        missed=tuple(missed),
    )


def _interval(own: Sequence[tuple[tuple[str, str], bool]]) -> Interval:
    rate = sum(hit for _, hit in own) / len(own)
    cases = len(Counter(case for case, _ in own))
    return wilson(rate * cases, cases)
