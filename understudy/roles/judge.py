"""The stand-in judge: rates one reply on one criterion with `measures/`.

It sees the request only, and in it neither model nor variant. Scores that are claimed inside the
conversation or the reply are words like any other. It knows empathy and relevance; any other
criterion gets the middle of the two.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from domain.verdict import VerdictAnswer
from measures.coherence import coherence
from measures.empathy import empathy, signs
from measures.reflections import reflections
from measures.relevance import SALAD, relevance, ties
from measures.tokens import sentences
from measures.validation import invalidating, validating
from understudy.casefile import ReplyCase, read_reply_case, sections

if TYPE_CHECKING:
    from collections.abc import Sequence

    from understudy.request import ChatRequest

QUOTED = 20
"""Words quoted from the reply, at most."""

_NAME = re.compile(r"^Name: (.+)$", re.MULTILINE)


class Rating(NamedTuple):
    """Points on the scale before rounding, the reason, and the sentence it rests on."""

    points: float
    reason: str
    quote: str


def answer(request: ChatRequest) -> str:
    """Return the verdict on the reply in the request, as JSON of `VerdictAnswer`."""
    asked = _NAME.search(sections(request.system).get("criterion", ""))
    case = next((m.content for m in reversed(request.messages) if m.role == "user"), "")
    return rate(asked.group(1) if asked else "", read_reply_case(case)).model_dump_json()


def rate(criterion: str, case: ReplyCase) -> VerdictAnswer:
    """Rate the reply on `criterion`, by its name or key."""
    said = [turn.text for turn in case.turns]
    name = criterion.strip().lower()
    raters = {"empathy": _rate_empathy, "relevance": _rate_relevance}
    rating = raters.get(name, _rate_both)(case.reply, said)
    score = max(1, min(5, int(rating.points + 0.5)))
    return VerdictAnswer(reason=rating.reason, quote=_short(rating.quote), score=score)


def _short(text: str) -> str:
    return " ".join(text.split()[:QUOTED])


def _first(*found: Sequence[str]) -> str:
    return next((texts[0] for texts in found if texts), "")


def _rate_empathy(reply: str, said: Sequence[str]) -> Rating:
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


def _rate_relevance(reply: str, said: Sequence[str]) -> Rating:
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
    one, other = _rate_empathy(reply, said), _rate_relevance(reply, said)
    middle = (one.points + other.points) / 2
    return Rating(middle, f"{one.reason} {other.reason}", one.quote or other.quote)
