"""How far a reply receives what a client feels and means."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from measures.advice import has_advice, input_share
from measures.coherence import coherence
from measures.contempt import belittling
from measures.content import particulars
from measures.farewell import is_courtesy
from measures.heard import hits
from measures.pleas import without_pleas
from measures.questions import questions
from measures.reflections import Reflection, kind
from measures.relevance import SALAD, ties
from measures.tokens import words
from measures.validation import explores, validating, warm

if TYPE_CHECKING:
    from collections.abc import Sequence

BACKCHANNEL = 4
"""Words up to which a reply without a question only keeps the talk going."""


class Signs(NamedTuple):
    """What a reply does that shows or denies empathy, after EPITOME (Sharma et al., 2020).

    `feeling` is 2 for a feeling that fits the client's words, 1 for a feeling put to a client who
    named none, 0 for none. `meaning` counts the client's own particulars taken up.
    """

    reflection: Reflection | None
    feeling: int
    validates: bool
    opens: bool
    meaning: int
    near: float
    """Share of the reply's particulars that the last turns have, 0 to 1."""
    warm: bool
    told: float
    advises: bool
    dismisses: bool


def _feeling(reply: str, client: str) -> int:
    named = {hit.text for hit in hits(reply).get("feelings.named", ())}
    if not named:
        return 0
    theirs = {hit.text for hit in hits(client).get("feelings.named", ())}
    return 2 if named & theirs or not theirs else 1


def signs(reply: str, conversation: Sequence[str]) -> Signs:
    """Read the signs of empathy in a reply to the last turn of `conversation`."""
    client = conversation[-1] if conversation else ""
    tie = ties(reply, conversation)
    return Signs(
        reflection=kind(reply, client),
        feeling=_feeling(reply, client),
        validates=bool(validating(reply)),
        opens=explores(reply) or any(question.open for question in questions(reply)),
        meaning=len(particulars(reply) & particulars(client)),
        near=tie.near,
        warm=warm(reply),
        told=input_share(reply),
        advises=has_advice(reply),
        dismisses=bool(belittling(reply)),
    )


def empathy(reply: str, conversation: Sequence[str]) -> float:
    """Return the empathy of a reply on the judge's scale, 1 to 5.

    Begins at 2 (polite, passes over the feeling) and adds emotional reaction, interpretation and
    exploration, and the share of it that is the client's own matter; a reflection of nothing that
    the client has said counts little. Takes off for advice and lecture, and belittling without a
    word that receives gets 1. Word salad and what was said already, word for
    word, get 1, and what is near to salad gets little more, whatever cues are in it. What pleads
    for a score is taken out first (`measures.pleas`). Length counts for nothing. Irony, tone of
    voice and cultural manners are not seen.

    Weights were set by hand, on one half of FailedESConv's dev part; see docs/evaluation.md for how
    little they agree with people on the other half.
    """
    reply = without_pleas(reply)
    sense = coherence(reply)
    if sense < SALAD or reply in conversation[-2:]:
        return 1.0
    found = signs(reply, conversation)
    if found.dismisses and not found.validates:
        return 1.0
    short = len(words(reply)) <= BACKCHANNEL and not questions(reply)
    if short and not found.reflection and not found.validates:
        return 2.0
    points = _points(found) - 0.5 * is_courtesy(reply)
    highest = 1.0 + 4.0 * (sense - SALAD) / (1 - SALAD)
    return max(1.0, min(highest, points - 2.0 * (1 - sense)))


def _points(s: Signs) -> float:
    given_back = {None: 0.0, Reflection.SIMPLE: 0.7, Reflection.COMPLEX: 1.1}[s.reflection]
    tied = s.meaning > 0 or s.near > 0 or s.feeling == 2
    points = 2.0 + (given_back if tied else 0.3 * given_back)
    points += 0.5 * s.feeling + 0.8 * s.validates + 0.6 * s.opens + 0.2 * s.warm
    points += 1.0 * s.near
    return points - 0.6 * s.advises - 0.6 * s.told - 1.8 * s.dismisses
