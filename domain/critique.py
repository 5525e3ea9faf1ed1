"""What the supervisor says of a draft, and what is decided from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeAlias

from pydantic import Field

from domain.base import Noun


class Detector(StrEnum):
    """What is looked for in the text of every draft, whatever a model says of it."""

    ROLE_DRIFT = "role_drift"
    PERSONA_CONTRADICTION = "persona_contradiction"
    SYCOPHANCY = "sycophancy"
    REPETITION = "repetition"
    MONOLOGUE = "monologue"
    GOODBYE_LOOP = "goodbye_loop"
    LEAKED_INSTRUCTIONS = "leaked_instructions"


class Detection(Noun):
    """One finding of a detector: its turns, and the words or numbers that show it."""

    detector: Detector
    turns: tuple[int, ...]
    shown: str


class Telltale(Noun):
    """What a discriminator says of a draft: how surely it is simulated, and what shows it."""

    score: float
    """Mean log-odds over the therapist's turns; 0 is undecided."""
    limit: float
    """Above it the draft goes back."""
    turns: tuple[int, ...]
    """The turns that tell most."""
    words: tuple[str, ...]
    """Words of those turns, the loudest first."""

    @property
    def over(self) -> bool:
        """Whether the draft goes back."""
        return self.score > self.limit


Score: TypeAlias = Annotated[int | None, Field(ge=0, le=6)]
"""Points of an item on a scale of 0 to 6; null where the item does not apply."""


class GateAnswer(Noun):
    """One gate: failed means the draft is not accepted, whatever its score.

    Turns and reason stand before the decision, so that a model looks before it decides.
    """

    gate: str
    turns: tuple[int, ...]
    reason: str
    passed: bool


class ItemAnswer(Noun):
    """One item of the rating scale.

    Turns and reason stand before the score, as in `GateAnswer`.
    """

    item: str
    turns: tuple[int, ...]
    reason: str
    score: Score


class Flaw(Noun):
    """One therapist turn that should have gone otherwise."""

    turn: int = Field(ge=0)
    kind: str
    what: str
    instead: str


class CritiqueAnswer(Noun):
    """What the supervisor's model returns; `agents.forms.critique_form` is what it is asked for."""

    gates: tuple[GateAnswer, ...]
    items: tuple[ItemAnswer, ...]
    flaws: tuple[Flaw, ...]


class Critique(Noun):
    """A supervisor's answer with what was measured in the text and what follows from both.

    `score` is the share of the applicable points, 0 to 1. `rewind_to` is the index of the
    earliest flawed therapist turn, None when nothing is to be replayed.
    """

    answer: CritiqueAnswer
    behaviours: dict[str, float]
    score: float = Field(ge=0, le=1)
    accepted: bool
    reasons: tuple[str, ...]
    """Why it was not accepted, in plain words; empty when it was."""
    detections: tuple[Detection, ...] = ()
    """What the detectors found in the text; shown beside the verdict, which has its own rules."""
    telltale: Telltale | None = None
    """What gives the draft away as simulated, where the campaign has a discriminator."""
    rewind_to: int | None = None
    guidance: tuple[str, ...] = ()
    """What the therapist is told before the rewound turns, screened for what the client has
    not disclosed."""
