"""What the whole of a session does, in numbers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker, Turn
from measures.advice import advice, information
from measures.agreement import gives_in
from measures.content import content_set
from measures.detectors import is_monologue
from measures.heard import length
from measures.persona import told
from measures.questions import questions
from measures.reflections import Reflection, has_reflection, kind
from measures.repetition import repetition_share, word_pairs
from measures.risk import episodes, response, risk_kind
from measures.roles import drift
from measures.tokens import TURNS
from measures.validation import invalidating, validating

if TYPE_CHECKING:
    from collections.abc import Sequence


BEHAVIOURS = (
    "turns",
    "therapist_turns",
    "therapist_talk_share",
    "words_per_therapist_turn",
    "words_per_client_turn",
    "questions",
    "questions_per_turn",
    "open_question_share",
    "longest_closed_run",
    "reflection_share",
    "complex_reflection_share",
    "reflections_per_question",
    "advice_share",
    "information_share",
    "validation_share",
    "invalidations",
    "risk_unhandled",
    "repetition_share",
)
"""What `session_behaviours` counts."""


class TherapistTurn(NamedTuple):
    """A therapist turn with the client's words before it."""

    turn: Turn
    previous: str


def therapist_turns(turns: Sequence[Turn]) -> tuple[TherapistTurn, ...]:
    """Return the therapist's turns, each with the client's last words before it."""
    found, previous = [], ""
    for turn in turns:
        if turn.speaker is Speaker.THERAPIST:
            found.append(TherapistTurn(turn, previous))
        else:
            previous = turn.text
    return tuple(found)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


class _Did(NamedTuple):
    """What a therapist does in one turn, counted."""

    words: int
    questions: int
    open_questions: int
    closed: bool
    """Whether it asks, closed questions only, and gives nothing back."""
    reflection: Reflection | None
    advises: bool
    informs: bool
    validates: bool
    invalidations: int


@lru_cache(maxsize=TURNS)
def _did(text: str, previous: str) -> _Did:
    """Read one therapist turn; kept, because a revision is measured with the turns it keeps."""
    asked = questions(text)
    open_ones = sum(question.open for question in asked)
    return _Did(
        words=length(text),
        questions=len(asked),
        open_questions=open_ones,
        closed=bool(asked) and not open_ones and not has_reflection(text, previous),
        reflection=kind(text, previous),
        advises=bool(advice(text)),
        informs=bool(information(text)),
        validates=bool(validating(text)),
        invalidations=len(invalidating(text)),
    )


def read_ahead(turns: Sequence[Turn], new: int) -> None:
    """Read the `new` last turns of a session that goes on, so that a critique finds them read.

    All that measures and detectors tell of one turn. When the critique comes, those of many other
    sessions have been heard since, and they would have to be heard again. Nothing is returned: what
    is read is kept under the turn's text.
    """
    for turn, previous in therapist_turns(turns[-new - 1 :])[-new:]:
        _did(turn.text, previous)
    for turn in turns[-new:]:
        drift(turn)
        length(turn.text)
        is_monologue(turn)
        word_pairs(turn.text)
        if turn.speaker is Speaker.CLIENT:
            risk_kind(turn.text)
            gives_in(turn.text)
            told(turn.text)
            content_set(turn.text)
        else:
            response(turn.text)


def closed_runs(turns: Sequence[TherapistTurn]) -> tuple[tuple[int, ...], ...]:
    """Return runs of therapist turns, by their indexes, that ask closed questions only."""
    runs: list[list[int]] = [[]]
    for turn, previous in turns:
        if _did(turn.text, previous).closed:
            runs[-1].append(turn.index)
        elif runs[-1]:
            runs.append([])
    return tuple(tuple(run) for run in runs if run)


def session_behaviours(turns: Sequence[Turn]) -> dict[str, float]:
    """Count what the therapist does; rates are per therapist turn, shares from 0 to 1.

    `reflections_per_question` counts turns that reflect against questions asked, as MITI's
    reflection-to-question ratio does; with no question it is the number of reflecting turns.
    """
    own = therapist_turns(turns)
    did = [_did(turn.text, previous) for turn, previous in own]
    asked = sum(one.questions for one in did)
    open_ones = sum(one.open_questions for one in did)
    reflecting = [one.reflection for one in did if one.reflection]
    spoken = sum(one.words for one in did)
    heard = sum(length(turn.text) for turn in turns if turn.speaker is Speaker.CLIENT)
    longest = max((len(run) for run in closed_runs(own)), default=0)
    return {
        "turns": float(len(turns)),
        "therapist_turns": float(len(own)),
        "therapist_talk_share": _share(spoken, spoken + heard),
        "words_per_therapist_turn": _share(spoken, len(own)),
        "words_per_client_turn": _share(heard, len(turns) - len(own)),
        "questions": float(asked),
        "questions_per_turn": _share(asked, len(own)),
        "open_question_share": _share(open_ones, asked),
        "longest_closed_run": float(longest),
        "reflection_share": _share(len(reflecting), len(own)),
        "complex_reflection_share": _share(reflecting.count(Reflection.COMPLEX), len(reflecting)),
        "reflections_per_question": len(reflecting) / max(asked, 1),
        "advice_share": _share(sum(one.advises for one in did), len(own)),
        "information_share": _share(sum(one.informs for one in did), len(own)),
        "validation_share": _share(sum(one.validates for one in did), len(own)),
        "invalidations": float(sum(one.invalidations for one in did)),
        "risk_unhandled": float(sum(not episode.handled for episode in episodes(turns))),
        "repetition_share": repetition_share(turns),
    }
