"""What the whole of a session does, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker, Turn
from measures.advice import advice, information
from measures.questions import Question, questions
from measures.reflections import Reflection, kind, reflections
from measures.repetition import repetition_share
from measures.risk import episodes
from measures.tokens import words
from measures.validation import invalidating, validating

if TYPE_CHECKING:
    from collections.abc import Sequence


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


def closed_runs(turns: Sequence[TherapistTurn]) -> tuple[tuple[int, ...], ...]:
    """Return runs of therapist turns, by their indexes, that ask closed questions only."""
    runs: list[list[int]] = [[]]
    for turn, previous in turns:
        asked = questions(turn.text)
        if asked and not any(q.open for q in asked) and not reflections(turn.text, previous):
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
    asked: list[Question] = [question for turn, _ in own for question in questions(turn.text)]
    kinds = [kind(turn.text, previous) for turn, previous in own]
    reflecting = [one for one in kinds if one]
    advising = sum(bool(advice(turn.text)) for turn, _ in own)
    informing = sum(bool(information(turn.text)) for turn, _ in own)
    spoken = sum(len(words(turn.text)) for turn, _ in own)
    heard = sum(len(words(turn.text)) for turn in turns if turn.speaker is Speaker.CLIENT)
    longest = max((len(run) for run in closed_runs(own)), default=0)
    return {
        "turns": float(len(turns)),
        "therapist_turns": float(len(own)),
        "therapist_talk_share": _share(spoken, spoken + heard),
        "words_per_therapist_turn": _share(spoken, len(own)),
        "words_per_client_turn": _share(heard, len(turns) - len(own)),
        "questions": float(len(asked)),
        "questions_per_turn": _share(len(asked), len(own)),
        "open_question_share": _share(sum(question.open for question in asked), len(asked)),
        "longest_closed_run": float(longest),
        "reflection_share": _share(len(reflecting), len(own)),
        "complex_reflection_share": _share(reflecting.count(Reflection.COMPLEX), len(reflecting)),
        "reflections_per_question": len(reflecting) / max(len(asked), 1),
        "advice_share": _share(advising, len(own)),
        "information_share": _share(informing, len(own)),
        "validation_share": _share(sum(bool(validating(t.text)) for t, _ in own), len(own)),
        "invalidations": float(sum(len(invalidating(turn.text)) for turn, _ in own)),
        "risk_unhandled": float(sum(not episode.handled for episode in episodes(turns))),
        "repetition_share": repetition_share(turns),
    }
