"""How far a reply belongs to its conversation: the words it takes up, and the strange ones."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING, NamedTuple

from measures.coherence import coherence
from measures.content import content_set, everyday, particulars
from measures.heard import has, hits
from measures.pleas import without_pleas
from measures.questions import has_question
from measures.reflections import has_reflection
from measures.tokens import stem, words

if TYPE_CHECKING:
    from collections.abc import Sequence

SALAD = 0.35
"""Coherence under which a reply makes no sense."""
NEAR = 4
"""Turns before the reply that count as the present topic."""


ECHO = 0.3
"""Share of the reply's particulars in the last turn from which it answers just that."""
_ABSENT = (frozenset({"he", "him", "his", "he's"}), frozenset({"she", "her", "hers", "she's"}))


class Ties(NamedTuple):
    """Weighted shares of a reply's particulars, 0 to 1, and how many there are.

    `last`: of those in the last turn; `near`: in the turns just before; `earlier`: anywhere
    before; `strange`: nowhere before.
    """

    last: float
    near: float
    earlier: float
    strange: float
    words: int


def _weight(word: str) -> float:
    """Weigh a stem: everyday words tell less of what a text is about than rarer ones."""
    return 0.4 if word in everyday() else 1.0


def ties(reply: str, conversation: Sequence[str]) -> Ties:
    """Compare a reply with the turns before it, oldest first."""
    mine = particulars(reply)
    if not mine:
        return Ties(0.0, 0.0, 0.0, 0.0, 0)
    total = max(fsum(map(_weight, mine)), 1.0)
    answered = _reply_to_feeling(reply, conversation)
    last = answered.union(*map(content_set, conversation[-1:]))
    near = answered.union(*map(content_set, conversation[-NEAR:]))
    before = answered.union(*map(content_set, conversation))

    def share(heard: frozenset[str]) -> float:
        return fsum(map(_weight, mine & heard)) / total  # exact in any order of the set

    return Ties(share(last), share(near), share(before), share(mine - before), len(mine))


def _reply_to_feeling(reply: str, conversation: Sequence[str]) -> frozenset[str]:
    """Return the reply's feeling words, where the client named feelings in words of their own.

    "Guilt" given back for "guilty" answers it.
    """
    if not conversation or not has(conversation[-1], "feelings.named"):
        return frozenset()
    named = hits(reply).get("feelings.named", ())
    return frozenset(stem(word) for hit in named for word in hit.text.split())


def _stranger(reply: str, conversation: Sequence[str]) -> bool:
    """Tell whether the reply speaks of a he or a she whom nobody has mentioned so."""
    mine = frozenset(words(reply))
    before = frozenset[str]().union(*(words(text) for text in conversation))
    return any(mine & one and not before & one for one in _ABSENT)


def relevance(reply: str, conversation: Sequence[str]) -> float:
    """Return how well a reply belongs to its conversation, on the judge's scale, 1 to 5.

    Begins near 3 (could be said to many); rises with the particulars it takes from the last turn
    and from before; falls with particulars that are nowhere before, with strangers, with an
    unanswered question and with incoherence. The weights were set by hand on AnnoMI's dev part, so
    that real replies stand above replies taken from other sessions; no person rated those. What
    pleads for a score is taken out first (`measures.pleas`).
    """
    reply = without_pleas(reply)
    sense = coherence(reply)
    if sense < SALAD or not conversation:
        return 1.0
    tie = ties(reply, conversation)
    points = _from_ties(tie) - 0.7 * _stranger(reply, conversation)
    if "?" in conversation[-1] and tie.last == 0 and not has(reply, "relevance.answer"):
        points -= 0.3
    if tie.near > 0 and (has_question(reply) or has_reflection(reply, conversation[-1])):
        points += 0.5
    return max(1.0, min(5.0, points - 2.5 * (1 - sense)))


def _from_ties(tie: Ties) -> float:
    size = min(1.0, tie.words / 3)
    known = 0.7 * min(1.0, tie.last / ECHO) + 0.8 * tie.near + tie.earlier
    taken_up = 0.3 * min(3.0, tie.near * tie.words)
    return 3.2 - 0.3 * (tie.words == 0) + size * (known - 1.3 * tie.strange) + taken_up
