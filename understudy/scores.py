"""The items of the Cognitive Therapy Rating Scale, scored from measured behaviours.

Each score is a fixed sum of what the text shows, rounded and held within 0 to 6. The weights are
set by hand so that sessions with the parts of a good one pass the pack's thresholds and sessions
with recognisable mistakes do not; they are not fitted to clinicians' ratings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from domain.critique import ItemAnswer
from measures import structure, validation
from measures.farewell import goodbye_loop_start
from measures.reflections import Reflection
from measures.repetition import near_repeats
from understudy.casefile import HIGHEST
from understudy.flaws import technique_applied

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from domain.critique import Flaw
    from understudy.reading import Move, Reading

SESSION = 3
"""Therapist turns under which there was hardly a session."""
HARDLY = 1
"""The highest score of any item then."""
USUAL = 10
"""Therapist turns of a session; in longer ones a flaw weighs less."""
SHOWN = 4
"""Turns named per item, at most."""


class Evidence(NamedTuple):
    """A reading with the flaws that were found in it."""

    reading: Reading
    flaws: Sequence[Flaw]

    def weight(self, *kinds: str) -> float:
        """Weigh the flaws of some kinds: their number; in a long session, per `USUAL` turns."""
        found = sum(flaw.kind in kinds for flaw in self.flaws)
        return found * min(1.0, USUAL / max(len(self.reading.moves), 1))

    def turns(self, *kinds: str) -> list[int]:
        """Return the turns of the flaws of some kinds."""
        return [flaw.turn for flaw in self.flaws if flaw.kind in kinds]


class Points(NamedTuple):
    """Points before rounding (None: does not apply), the turns they rest on, and why."""

    points: float | None
    turns: Sequence[int]
    reason: str


def _share(found: Sequence[object], of: Sequence[object]) -> float:
    return len(found) / len(of) if of else 0.0


def _ids(moves: Sequence[Move]) -> list[int]:
    return [move.index for move in moves]


def _agenda(e: Evidence) -> Points:
    found = e.reading.where(structure.sets_agenda, end=0.45)
    if not found and e.reading.excuse("agenda"):
        return Points(None, (), e.reading.excuse("agenda"))
    if not found:
        return Points(0, e.turns("no_agenda"), "No agenda was set.")
    asked = [move for move in found if structure.asks_for_agenda(move.text)]
    mood = e.reading.where(structure.checks_mood, end=0.3)
    kept = technique_applied(e.reading) or e.reading.crisis_came_first
    points = 2 + 2 * bool(asked) + 0.5 * bool(mood) + kept
    said = "with the client" if asked else "without asking the client"
    return Points(points, _ids(found), f"An agenda was set {said}.")


def _feedback(e: Evidence) -> Points:
    asked = e.reading.where(structure.asks_feedback)
    checks = e.reading.where(lambda text: "?" in text and structure.collaborates(text))
    if not asked and e.reading.excuse("summary"):
        return Points(None, (), e.reading.excuse("summary"))
    if not asked:
        return Points(
            min(len(checks), 2) * 0.5, e.turns("no_summary"), "No feedback was asked for."
        )
    points = 3.5 + 0.5 * (len(asked) > 1) + 0.5 * min(len(checks), 3)
    return Points(points, _ids(asked), "The client was asked what they take from it.")


def _understanding(e: Evidence) -> Points:
    work = e.reading.work
    given = [move for move in work if move.receives]
    deep = [m for m in given if m.reflection is Reflection.COMPLEX]
    felt = [m for m in given if validation.names_feeling(m.text)]
    points = 0.5 + 4 * min(1, _share(given, work) / 0.6)
    points += 0.8 * min(1, _share(deep, work) / 0.3) + 0.8 * min(1, _share(felt, work) / 0.25)
    points -= 1.0 * e.weight("invalidating") + 0.4 * e.weight("no_reflection")
    points -= 1.5 * e.weight("ignored_risk")
    return Points(
        points,
        _ids(given) or e.turns("no_reflection"),
        f"{len(given)} of {len(work)} working turns give back what was said or felt.",
    )


def _interpersonal_effectiveness(e: Evidence) -> Points:
    warm = e.reading.where(validation.warm)
    cold = ("invalidating", "ignored_risk", "unsafe_advice", "role_break")
    points = 2.5 + 3 * min(1, _share(warm, e.reading.moves) / 0.4)
    points -= 1.5 * e.weight(*cold) + 0.5 * e.weight("advice_too_early", "monologue")
    points -= 0.25 * e.weight("no_reflection", "closed_questions")
    reason = "Something dismissive was said." if e.weight(*cold) else "Nothing dismissive was said."
    return Points(points, e.turns(*cold) or _ids(warm), reason)


def _collaboration(e: Evidence) -> Points:
    having_a_say = [m for m in e.reading.moves if structure.collaborates(m.text) or _opens(m)]
    points = 1 + 5 * min(1, _share(having_a_say, e.reading.moves) / 0.5)
    points -= 0.8 * e.weight("advice_too_early", "invalidating") + 0.5 * e.weight(
        "closed_questions"
    )
    points -= 0.7 * e.weight("monologue", "no_agenda")
    return Points(points, _ids(having_a_say), f"{len(having_a_say)} turns give the client a say.")


def _opens(move: Move) -> bool:
    return any(question.open for question in move.asked)


def _pacing(e: Evidence) -> Points:
    reading = e.reading
    words = sum(move.words for move in reading.moves)
    spoken = sum(len(turn.text.split()) for turn in reading.turns) or 1
    points = 5.5 - 0.8 * e.weight("no_agenda", "no_summary", "no_homework", "no_technique")
    points -= 1.0 * e.weight("monologue") + 1.0 * (words / spoken > 0.7)
    points -= 0.4 * e.weight("closed_questions", "advice_too_early")
    points -= 0.5 * min(len(near_repeats(reading.turns)), 4)
    points -= 2.0 * (goodbye_loop_start(reading.turns) is not None)
    off = e.turns("monologue", "no_agenda", "no_summary", "no_homework", "no_technique")
    return Points(points, off, f"The therapist speaks {round(100 * words / spoken)}% of the words.")


def _guided_discovery(e: Evidence) -> Points:
    work = e.reading.work
    asked = [question for move in work for question in move.asked]
    # A question that goes past what was just said leads nobody anywhere, however open it is.
    missed = set(e.turns("no_reflection"))
    opened = [move for move in work if _opens(move) and move.index not in missed]
    leading = sum(question.open for move in opened for question in move.asked)
    openly = leading / len(asked) if asked else 0.0
    given = [move for move in work if move.receives]
    points = 0.5 + 2.5 * min(1, _share(opened, work) / 0.5) + 1.2 * openly
    points += 1.8 * min(1, _share(given, work) / 0.5)
    points -= 0.8 * e.weight("advice_too_early", "invalidating", "monologue")
    points -= 0.5 * e.weight("closed_questions")
    return Points(
        points, _ids(opened), f"{leading} of {len(asked)} questions are open and take something up."
    )


def _key_cognitions(e: Evidence) -> Points:
    used = e.reading.technique_moves
    found = [m for m in e.reading.moves if structure.works_on_cognition(m.text) or m in used]
    moments = e.reading.where(structure.asks_for_a_moment)
    if len(found) < 2 and e.reading.excuse("technique"):
        return Points(None, (), e.reading.excuse("technique"))
    usual = min(3.0, max(1.0, 3 * len(e.reading.moves) / USUAL))
    points = 4.2 * min(1, len(found) / usual) + 0.8 * bool(moments)
    points += 0.5 * min(max(len(found) - usual, 0), 2)
    return Points(points, _ids(found), f"{len(found)} turns bring out thoughts or what was done.")


def _strategy_for_change(e: Evidence) -> Points:
    reading = e.reading
    thoughts = reading.where(structure.works_on_cognition)
    if reading.excuse("technique") and not technique_applied(reading):
        return Points(None, (), reading.excuse("technique"))
    points = 0.5 + 1.2 * min(len(reading.technique_moves), 2) + 0.8 * min(len(thoughts), 2)
    points += 1.0 * bool(reading.where(structure.gives_homework, begin=0.4))
    points -= 0.6 * e.weight("advice_too_early", "unsafe_advice")
    return Points(points, _ids(reading.technique_moves), "How a thought is worked on.")


def _technique(e: Evidence) -> Points:
    reading = e.reading
    used = reading.technique_moves
    if reading.excuse("technique") and not technique_applied(reading):
        return Points(None, (), reading.excuse("technique"))
    if not used:
        return Points(0, e.turns("no_technique"), "The planned technique does not appear.")
    asking = [move for move in used if move.asked]
    points = 0.8 + 1.1 * min(len(used), 3) + 0.3 * min(reading.technique_cues, 4)
    points += 0.7 * bool(asking)
    points -= 0.7 * e.weight("advice_too_early", "monologue")
    return Points(points, _ids(used), f"The planned technique is at work in {len(used)} turns.")


def _homework(e: Evidence) -> Points:
    reading = e.reading
    given = reading.where(structure.gives_homework, begin=0.4)
    reviewed = reading.where(structure.reviews_homework, end=0.4)
    if not given and reading.excuse("homework"):
        return Points(None, (), reading.excuse("homework"))
    points = 1.0 * bool(reviewed or (reading.first_session and given))
    points += 3.5 * bool(given) + 0.8 * bool(reading.where(structure.asks_obstacle, begin=0.4))
    points += 0.7 * any(structure.collaborates(move.text) for move in given)
    reason = "Homework was agreed." if given else "No homework was agreed."
    return Points(points, _ids([*reviewed, *given]) or e.turns("no_homework"), reason)


_ITEMS: dict[str, Callable[[Evidence], Points]] = {
    "agenda": _agenda,
    "feedback": _feedback,
    "understanding": _understanding,
    "interpersonal_effectiveness": _interpersonal_effectiveness,
    "collaboration": _collaboration,
    "pacing": _pacing,
    "guided_discovery": _guided_discovery,
    "key_cognitions": _key_cognitions,
    "strategy_for_change": _strategy_for_change,
    "technique": _technique,
    "homework": _homework,
}


def _general(e: Evidence) -> Points:
    """Score an item that is not known here by the general impression."""
    parts = (_understanding(e), _interpersonal_effectiveness(e), _guided_discovery(e))
    points = [_held(part.points or 0) for part in parts]
    return Points(sum(points) / len(points), (), "No rule for this item; the general impression.")


def _held(points: float) -> int:
    return max(0, min(HIGHEST, int(points + 0.5)))


def answer_items(e: Evidence, keys: Sequence[str], scale: int = HIGHEST) -> tuple[ItemAnswer, ...]:
    """Score the items `keys` in order, 0 to `scale`, or None where an item does not apply.

    The rules score from 0 to 6; another scale gets the same share of its points.
    """
    found = []
    to_scale = min(scale, HIGHEST) / HIGHEST
    for key in keys:
        points, turns, reason = _ITEMS.get(key, _general)(e)
        highest = HIGHEST if len(e.reading.moves) >= SESSION else HARDLY
        score = None if points is None else min(_held(points * to_scale), highest)
        found.append(ItemAnswer(item=key, score=score, turns=tuple(turns)[:SHOWN], reason=reason))
    return tuple(found)
