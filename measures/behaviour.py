"""The main thing that a therapist's utterance does: question, reflection, input or other."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache

from measures.advice import advice, information
from measures.heard import heard
from measures.questions import questions
from measures.reflections import is_statement, reflections
from measures.tokens import KEPT, words

SHORT = 3
"""Words up to which an utterance that asks nothing only keeps the talk going ("Mm-hmm, right.")."""
SPEECH = 9
"""Words from which a statement that gives nothing back informs."""
ADDRESSED = 0.08
"""Share of `you` and `your` in a long statement from which it speaks of the client."""


class Behaviour(StrEnum):
    """AnnoMI's main therapist behaviours (Wu et al., 2022), after MITI."""

    QUESTION = "question"
    REFLECTION = "reflection"
    INPUT = "therapist_input"
    OTHER = "other"


def _told_words(text: str) -> int:
    told = dict.fromkeys((*advice(text), *information(text)))
    return sum(len(words(sentence)) for sentence in told)


@lru_cache(maxsize=KEPT)
def behaviour(text: str, previous: str = "") -> Behaviour:
    """Return what an utterance mainly does, given what the client said before it.

    A real question wins, as AnnoMI's coders let it; then the longer of what is given back and what
    is told; a long statement without any cue speaks of the client or informs.
    """
    length = len(words(text))
    asked = [heard(question.text).sentences[0] for question in questions(text)]
    if not all(is_statement(sentence) for sentence in asked):
        return Behaviour.QUESTION
    if length <= SHORT:
        return Behaviour.OTHER
    back = sum(len(words(sentence)) for sentence in reflections(text, previous))
    told = _told_words(text)
    if back or told:
        return Behaviour.REFLECTION if back >= told else Behaviour.INPUT
    if text.rstrip().endswith("?"):
        return Behaviour.REFLECTION if length > SHORT + 8 else Behaviour.QUESTION
    if length < SPEECH:
        return Behaviour.OTHER
    you = sum(word.startswith("you") for word in words(text))
    return Behaviour.REFLECTION if you >= ADDRESSED * length else Behaviour.INPUT
