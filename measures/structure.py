"""The parts of a cognitive therapy session, as a therapist speaks them."""

from __future__ import annotations

from functools import lru_cache

from measures.content import particulars
from measures.heard import count, has
from measures.lexicon import lists, word_set
from measures.questions import has_question
from measures.tokens import quotes


def checks_mood(text: str) -> bool:
    """Tell whether a turn asks how the client or the week has been."""
    return has(text, "structure.mood")


def sets_agenda(text: str) -> bool:
    """Tell whether a turn proposes or asks what the session is about."""
    return has(text, "structure.agenda")


def asks_for_agenda(text: str) -> bool:
    """Tell whether a turn that sets the agenda gives the client a say in it."""
    return sets_agenda(text) and has_question(text) and has(text, "structure.agenda_asked")


def asks_feedback(text: str) -> bool:
    """Tell whether a turn asks what the client takes from the session, or what was off."""
    return has_question(text) and has(text, "structure.feedback")


def summarises(text: str) -> bool:
    """Tell whether a turn announces a summary and holds more than the announcement."""
    return has(text, "structure.summary") and len(particulars(text)) >= 2


def gives_homework(text: str) -> bool:
    """Tell whether a turn agrees something to do, or what could get in its way."""
    agreed = has(text, "structure.homework") and not reviews_homework(text)
    return agreed or asks_obstacle(text)


def reviews_homework(text: str) -> bool:
    """Tell whether a turn comes back to what was agreed last time."""
    return has(text, "structure.homework_review")


def asks_obstacle(text: str) -> bool:
    """Tell whether a turn asks what could get in the way of the homework."""
    return has(text, "structure.homework_obstacle") and has_question(text)


def works_on_cognition(text: str) -> bool:
    """Tell whether a turn asks for or takes up a thought, a meaning or what was done.

    Words in quotes are a thought given back as it was said.
    """
    return has(text, "structure.cognition") or quotes(text)


def asks_for_a_moment(text: str) -> bool:
    """Tell whether a turn asks for one particular time rather than things in general."""
    return has(text, "structure.specific")


def collaborates(text: str) -> bool:
    """Tell whether a turn gives the client a say."""
    return has(text, "structure.collaboration", "advice.permission")


@lru_cache(maxsize=256)
def technique_list(name: str) -> str:
    """Return the list of cues for a technique's key or name; `techniques.generic` if unknown."""
    asked = " ".join(name.lower().split()).rstrip(".")
    for listed in lists():
        room, _, key = listed.partition(".")
        if room == "techniques" and key != "generic" and asked in word_set(listed):
            return listed
    return "techniques.generic"


def technique_cues(text: str, technique: str) -> int:
    """Count the cues of `technique` in a turn."""
    return count(text, technique_list(technique))
