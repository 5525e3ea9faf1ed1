"""How the stand-in judge rates a reply or a session: points, and what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.turn import Speaker
from measures.coherence import coherence
from measures.empathy import empathy, signs
from measures.reflections import Reflection, reflections
from measures.relevance import SALAD, relevance, ties
from measures.tokens import sentences
from measures.validation import invalidating, validating
from understudy.casefile import HIGHEST, CaseFile
from understudy.flaws import find_flaws
from understudy.reading import Reading
from understudy.scores import Evidence, answer_items

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.turn import Turn

    Rater = Callable[[str, Sequence[str]], "Rating"]

ITEMS = {
    "understanding": "understanding",
    "interpersonal effectiveness": "interpersonal_effectiveness",
    "collaboration": "collaboration",
    "guided discovery": "guided_discovery",
    "focusing on key cognitions or behaviours": "key_cognitions",
    "strategy for change": "strategy_for_change",
}
"""Names of criteria that are items of the supervisor's scale, with their keys."""


class Rating(NamedTuple):
    """Points on the scale before rounding, the reason, and the sentence it rests on."""

    points: float
    reason: str
    quote: str


def rate_reply(criterion: str, reply: str, said: Sequence[str]) -> Rating:
    """Rate a reply to the turns in `said`; what it does not know gets the middle of the two."""
    raters: dict[str, Rater] = {"empathy": rate_empathy, "relevance": rate_relevance}
    return raters.get(criterion, _rate_both)(reply, said)


def rate_session(criterion: str, turns: Sequence[Turn]) -> Rating:
    """Rate a session: by an item of the supervisor's scale, or by its replies' mean."""
    if criterion in ITEMS:
        return _rate_item(ITEMS[criterion], turns)
    texts = [turn.text for turn in turns]
    rated = [
        rate_reply(criterion, turn.text, texts[:place])
        for place, turn in enumerate(turns)
        if place
        and turn.speaker is Speaker.THERAPIST
        and turns[place - 1].speaker is Speaker.CLIENT
    ]
    if not rated:
        return Rating(1.0, "The counsellor answers nothing.", "")
    mean = sum(one.points for one in rated) / len(rated)
    lowest = min(rated, key=lambda one: one.points)
    return Rating(mean, f"At its weakest: {lowest.reason}", lowest.quote)


def _rate_item(key: str, turns: Sequence[Turn]) -> Rating:
    reading = Reading(CaseFile({}, tuple(turns)))
    (item,) = answer_items(Evidence(reading, find_flaws(reading)), (key,))
    if item.score is None:
        return Rating(3.0, item.reason, "")
    quote = next((turns[at].text for at in item.turns), "")
    return Rating(1 + 4 * item.score / HIGHEST, item.reason, quote)


def marks_of(reply: str, said: Sequence[str]) -> dict[str, int]:
    """Return EPITOME's marks of a reply, 0 to 2 each."""
    if coherence(reply) < SALAD:
        return dict.fromkeys(("emotional_reactions", "interpretations", "explorations"), 0)
    shown = signs(reply, said)
    met = shown.feeling == 2 or shown.validates
    deep = shown.reflection is Reflection.COMPLEX or (shown.reflection and shown.meaning > 0)
    return {
        "emotional_reactions": 0 if shown.dismisses else 2 if met else int(shown.warm),
        "interpretations": 2 if deep else int(shown.reflection is not None),
        "explorations": 2 if shown.opens and shown.meaning else int(shown.opens),
    }


def _first(*found: Sequence[str]) -> str:
    return next((texts[0] for texts in found if texts), "")


def rate_empathy(reply: str, said: Sequence[str]) -> Rating:
    """Rate empathy; the reason names what was seen first."""
    points = empathy(reply, said)
    if coherence(reply) < SALAD:
        return Rating(points, "It makes no sense, so nothing of the client is seen in it.", "")
    shown = signs(reply, said)
    back = reflections(reply, said[-1] if said else "")
    if shown.dismisses:
        return Rating(points, "It plays down what the client feels.", _first(invalidating(reply)))
    if points >= 4 and back:
        return Rating(points, "It gives back feeling or meaning and stays with it.", back[0])
    if back or shown.validates:
        reason = "It receives something of what the client says"
        more = " and advises as well." if shown.advises else ", not all of it."
        return Rating(points, reason + more, _first(back, validating(reply)))
    if shown.advises or shown.told > 0.5:
        return Rating(points, "It advises or informs where the client wanted hearing.", reply)
    if shown.opens:
        return Rating(points, "It asks for more without naming what is felt.", reply)
    return Rating(points, "It is polite and passes over the feeling.", _first(sentences(reply)))


def rate_relevance(reply: str, said: Sequence[str]) -> Rating:
    """Rate relevance; the reason names what was seen first."""
    points = relevance(reply, said)
    if coherence(reply) < SALAD:
        return Rating(points, "The reply makes no sense.", "")
    tie = ties(reply, said)
    quote = _first(sentences(reply))
    if points < 2.5:
        return Rating(points, "Most of what it speaks of is nowhere in the conversation.", quote)
    if tie.last > 0:
        return Rating(points, "It takes up what the client has just said.", quote)
    if tie.near > 0:
        return Rating(points, "It belongs to the topic and not to the last thing said.", quote)
    return Rating(points, "It fits in a general way and could be said to many.", quote)


def _rate_both(reply: str, said: Sequence[str]) -> Rating:
    one, other = rate_empathy(reply, said), rate_relevance(reply, said)
    middle = (one.points + other.points) / 2
    return Rating(middle, f"{one.reason} {other.reason}", one.quote or other.quote)
