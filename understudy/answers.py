"""What was answered, where no clause of it can be given back: what may be said of it, and why.

Praise is of something. "You're being fair to both sides" after "I guess." shows that nobody
listened; the kinds here are found in the answer, or in what it was asked by.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from understudy.clauses import SUBJECT, as_clause, said_in_passing, sentences
from understudy.pronouns import to_you
from understudy.templates import load_grammar, read_data, was_said

if TYPE_CHECKING:
    from understudy.notes import Talk

SHORT = 6
"""Words under which an answer is not praised: there is nothing in it yet."""
GREETED, HALF = 0.2, 0.5
"""Shares of the session: until the greeting is over, and until a thought is looked at."""
THAT = re.compile(r"^that ", re.IGNORECASE)
"""Begins an answer; in "you found that …" it would stand twice."""
WHOLE = re.compile(rf"{SUBJECT.pattern}|\b(?:you\w*|is|isn't|are|aren't|doesn't)\b", re.IGNORECASE)
"""Is in what says something, and not in "the day after tomorrow"."""
SCALE = re.compile(r"\b(?:hundred|100)\b")
BELIEF = re.compile(r"\b(?:believe|convincing|strong|strongly)\b", re.IGNORECASE)
RATING = re.compile(r"\b([1-9]\d|100)\b(?! (?:minutes|years|hours|days))")


@lru_cache(maxsize=8)
def _patterns(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    found = read_data("reflecting")[name]
    assert isinstance(found, dict)  # noqa: S101 - the file ships with the package
    return tuple((move, re.compile(text, re.IGNORECASE)) for move, text in found.items())


@lru_cache(maxsize=4096)
def put_anew(text: str) -> tuple[str, str]:
    """Return how a client says a thing in a new way: the lines that take it up, and its words.

    Both are empty where nothing was said anew.
    """
    for move, pattern in _patterns("found"):
        match = pattern.search(text.replace("\u2019", "'"))
        if match and WHOLE.search(match[1]) and not said_in_passing(match[1]):
            told = THAT.sub("", as_clause(match[1]))
            # What one would say to a friend is said to "you" already.
            return move, told[:1].upper() + told[1:] if move == "to_a_friend" else to_you(told)
    return "", ""


def ratings(talk: Talk) -> tuple[str, ...]:
    """Return what was rated when the last question asked for a belief, at most two: before, now."""
    if not (talk.own and _rated(talk.own[-1], talk.heard)):
        return ()
    asked = zip(talk.own, talk.others, strict=False)
    rated = [number for question, heard in asked if (number := _rated(question, heard))]
    fell = len(rated) > 1 and int(rated[-2]) > int(rated[-1])
    return tuple(rated[-2:]) if fell else (rated[-1],)


def _rated(asked: str, heard: str) -> str:
    """Return the number that answers a question for the strength of a thought or a feeling."""
    number = RATING.search(heard) if SCALE.search(asked) and BELIEF.search(asked) else None
    return number[1] if number else ""


def kind_of_answer(talk: Talk) -> str:
    """Return the lines of therapist.yaml that fit the last answer: `bare` and its kin."""
    heard, asked = talk.heard.replace("\u2019", "'"), "\n".join(talk.own[-1:]).lower()
    grammar = load_grammar("therapist")
    if was_said((*grammar["review"], *grammar["review_base"]), asked):
        return "bare_review"
    if was_said(grammar["agenda"], asked):
        return "bare_agenda"
    if was_said(grammar["feedback"], asked):
        kept = _first("answers", heard) == "bare_kept" or THAT.match(heard)
        return "bare_kept" if kept else "bare_feedback"
    if rated := ratings(talk):
        return "bare_fallen" if len(rated) > 1 else "bare_rated"
    told = " ".join(part for part in sentences(heard) if not said_in_passing(part))
    if len((told or heard).split()) < SHORT:
        return _first("short", told or heard) or "bare_short"
    if talk.notes.progress <= HALF:
        return "bare_light" if talk.notes.progress <= GREETED else "bare"
    return _first("answers", heard) or "bare_work"


def _first(name: str, text: str) -> str:
    return next((move for move, pattern in _patterns(name) if pattern.search(text)), "")
