"""Who sits in the client's chair: a persona and the diagram that explains it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun, content_id


class Style(StrEnum):
    """How a client talks (the six styles of PATIENT-Ψ, Wang et al., EMNLP 2024)."""

    PLAIN = "plain"
    UPSET = "upset"
    VERBOSE = "verbose"
    RESERVED = "reserved"
    TANGENTIAL = "tangential"
    PLEASING = "pleasing"


class Readiness(StrEnum):
    """Stage of change (Prochaska & DiClemente, 1983)."""

    PRECONTEMPLATION = "precontemplation"
    CONTEMPLATION = "contemplation"
    PREPARATION = "preparation"
    ACTION = "action"


class RiskLevel(StrEnum):
    """How the persona brings up harm to self, if at all."""

    NONE = "none"
    HINTED = "hinted"
    """Says something that a careful listener would ask about."""
    STATED = "stated"
    """Says it in so many words."""


class CognitiveConceptualization(Noun):
    """The cognitive conceptualization diagram of Beck (2020, Cognitive Behavior Therapy, 3rd ed.).

    Each list is written in the persona's own first-person words, most telling first.
    """

    situation: str = Field(min_length=1)
    automatic_thoughts: tuple[str, ...] = Field(min_length=1)
    emotions: tuple[str, ...] = Field(min_length=1)
    behaviours: tuple[str, ...] = Field(min_length=1)
    intermediate_beliefs: tuple[str, ...] = Field(min_length=1)
    core_beliefs: tuple[str, ...] = Field(min_length=1)
    coping: tuple[str, ...] = Field(min_length=1)


class IntakeForm(Noun):
    """What the therapist knows before the first word; the diagram is not on it."""

    name: str
    age: int
    gender: str
    occupation: str
    presenting_problem: str
    goals: tuple[str, ...]


class Persona(Noun):
    """One client persona.

    `problem` and `distortions` are keys of the pack's taxonomies. `risk_statement` is what the
    persona says when the risk level is not `none`, and empty otherwise.
    """

    name: str = Field(min_length=1)
    age: int = Field(ge=18, le=99)
    gender: str
    culture: str
    occupation: str
    household: str
    problem: str
    presenting_problem: str
    history: str
    diagram: CognitiveConceptualization
    distortions: tuple[str, ...] = Field(min_length=1)
    style: Style
    readiness: Readiness
    goals: tuple[str, ...] = Field(min_length=1)
    risk: RiskLevel = RiskLevel.NONE
    risk_statement: str = ""

    @property
    def id(self) -> str:
        """Content id: equal personas have equal ids."""
        return content_id("persona", self)

    def intake(self) -> IntakeForm:
        """Return what the therapist is told."""
        return IntakeForm(
            name=self.name,
            age=self.age,
            gender=self.gender,
            occupation=self.occupation,
            presenting_problem=self.presenting_problem,
            goals=self.goals,
        )
