"""A session read once: what each therapist turn does, for gates, flaws and scores to rest on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from domain.turn import Speaker, Turn
from measures import advice, questions, reflections, risk, structure, tokens, validation
from measures.risk import Episode, episodes
from measures.roles import Drift, drifts
from measures.session import therapist_turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from understudy.casefile import CaseFile

ROOM = {"agenda": 5, "technique": 4, "summary": 6, "homework": 7}
"""Therapist turns from which there is room for a part of the session (phases.yaml)."""
ROOM_AFTER = 3
"""Working turns after a crisis from which there is room to go on with the plan."""
STAYING = 0.5
"""Share of them that take up what was said from which the therapist stayed with the client."""
HOMEWORK_FROM = 0.4
"""Share of the session before which a task for the week is advice and not homework."""


@dataclass(frozen=True)
class Move:
    """One therapist turn. `at` is its place among them, `part` the share of them before it."""

    turn: Turn
    previous: str
    at: int
    part: float

    @property
    def index(self) -> int:
        """The turn's index in the session."""
        return self.turn.index

    @property
    def text(self) -> str:
        """What was said."""
        return self.turn.text

    @cached_property
    def words(self) -> int:
        """Number of words."""
        return len(tokens.words(self.text))

    @cached_property
    def asked(self) -> tuple[questions.Question, ...]:
        """The questions asked."""
        return questions.questions(self.text)

    @cached_property
    def reflection(self) -> reflections.Reflection | None:
        """The kind of reflection, if any."""
        return reflections.kind(self.text, self.previous)

    @cached_property
    def receives(self) -> bool:
        """Whether it takes up what was said: reflects, validates or names a feeling.

        What a closed question holds is asked and not received: "Were you alone?", "Did you tell
        anyone?"
        """
        closed = {question.text for question in self.asked if not question.open}
        said = [text for text in validation.validating(self.text) if text not in closed]
        if self.reflection or said:
            return True
        rest = self.text
        for question in closed:
            rest = rest.replace(question, "")
        return validation.names_feeling(rest) and not self.advises

    @cached_property
    def advises(self) -> bool:
        """Whether it tells the client what to do, outside agenda, homework and help in a crisis."""
        if structure.sets_agenda(self.text) or risk.offers_human_help(self.text):
            return False
        if self.part >= HOMEWORK_FROM and structure.gives_homework(self.text):
            return False
        return advice.has_advice(self.text)

    @cached_property
    def only_closed(self) -> bool:
        """Whether it asks closed questions only and gives nothing back or a choice."""
        if self.receives or structure.collaborates(self.text) or risk.asks_directly(self.text):
            return False
        frame = structure.asks_feedback(self.text) or structure.asks_obstacle(self.text)
        return not frame and questions.only_closed(self.text)

    @cached_property
    def meets_disclosure(self) -> bool:
        """Whether the client's words before it called for a reflection."""
        if len(tokens.words(self.previous)) < 6:
            return False
        return len(tokens.words(self.previous)) >= 12 or validation.names_feeling(self.previous)


def _of_safety(move: Move) -> bool:
    """Tell whether a turn is about harm and the help there is."""
    did = risk.response(move.text)
    return did.notices or did.asks or did.offers


@dataclass(frozen=True)
class Reading:
    """A session as the stand-in supervisor reads it."""

    case: CaseFile

    @property
    def turns(self) -> tuple[Turn, ...]:
        """All turns."""
        return self.case.turns

    @cached_property
    def moves(self) -> tuple[Move, ...]:
        """The therapist's turns in order."""
        own = therapist_turns(self.turns)
        return tuple(
            Move(turn, previous, at, at / len(own)) for at, (turn, previous) in enumerate(own)
        )

    @property
    def work(self) -> tuple[Move, ...]:
        """The therapist's turns between greeting and goodbye."""
        return self.moves[1:-1] if len(self.moves) > 2 else self.moves

    @cached_property
    def technique(self) -> str:
        """The planned technique's key or name."""
        return self.case.fields.get("Technique", "")

    @cached_property
    def first_session(self) -> bool:
        """Whether the plan says that this is session 1."""
        return self.case.fields.get("Session", "").strip() == "1"

    @cached_property
    def episodes(self) -> tuple[Episode, ...]:
        """The client's risk statements and what became of them."""
        return episodes(self.turns)

    @cached_property
    def crisis_came_first(self) -> bool:
        """Whether a risk was handled, so that the plan may rightly have been put aside."""
        return bool(self.episodes) and all(episode.handled for episode in self.episodes)

    @cached_property
    def turned_away(self) -> bool:
        """Whether a crisis was left for something else: room enough, and the client not taken up.

        Who stays with what was said, or has no turns left, has put the plan aside; who asks about
        the neighbours has not.
        """
        steps = [turn for one in self.episodes for turn in (one.noticed, one.asked, one.offered)]
        answered = max((turn for turn in steps if turn is not None), default=0)
        left = [move for move in self.work if move.index > answered]
        staying = [move for move in left if move.receives or _of_safety(move)]
        return len(left) >= ROOM_AFTER and len(staying) < STAYING * len(left)

    def excuse(self, part: str) -> str:
        """Return why `part` of a session may rightly be missing, or nothing."""
        if self.crisis_came_first and part != "agenda" and not self.turned_away:
            return "Safety came first; the plan was rightly put aside."
        if len(self.moves) < ROOM[part]:
            return "The session was too short for it."
        return ""

    @cached_property
    def drifts(self) -> tuple[Drift, ...]:
        """Turns out of role."""
        return drifts(self.turns)

    @cached_property
    def therapist_drifts(self) -> tuple[Drift, ...]:
        """The therapist's turns out of role."""
        own = {turn.index for turn in self.turns if turn.speaker is Speaker.THERAPIST}
        return tuple(found for found in self.drifts if found.turn in own)

    @cached_property
    def technique_moves(self) -> tuple[Move, ...]:
        """Turns that use the planned technique, after the greeting."""
        later = (move for move in self.moves if move.part >= 0.25)
        return tuple(m for m in later if structure.technique_cues(m.text, self.technique))

    @cached_property
    def technique_cues(self) -> int:
        """Cues of the planned technique after the greeting."""
        return sum(structure.technique_cues(m.text, self.technique) for m in self.technique_moves)

    def where(self, test: Callable[[str], object], begin: float = 0, end: float = 1) -> list[Move]:
        """Return the therapist's turns from `begin` up to `end` of the session that pass `test`."""
        return [move for move in self.moves if begin <= move.part < end and test(move.text)]

    def move_at(self, part: float) -> Move:
        """Return the therapist turn that stands at `part` of the session, never the last."""
        at = min(round(part * len(self.moves)), max(len(self.moves) - 2, 0))
        return self.moves[at]
