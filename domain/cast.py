"""A cast as it is kept: personas with their scenarios, to be read, edited, shared and played."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from domain.base import Noun, content_id
from domain.persona import CognitiveConceptualization, Persona, Readiness, RiskLevel, Style
from domain.scenario import Scenario


class MadeBy(StrEnum):
    """Who wrote a persona."""

    GRAMMAR = "grammar"
    """The pack's casting files."""
    MODEL = "model"
    """The model of `roles.caster`, checked against its cell of the plan."""
    FALLBACK = "fallback"
    """The casting files, as no answer of the model could be used; `why` says what was wrong."""
    BROUGHT = "brought"
    """Somebody who gave it to `campaign.cast`."""


class CastMember(Noun):
    """One line of cast.jsonl. `id` names the persona and its scenario by what they hold."""

    id: str
    persona: Persona
    scenario: Scenario
    made_by: MadeBy = MadeBy.GRAMMAR
    why: str = ""

    @property
    def own_id(self) -> str:
        """What `id` should be; it differs where the line was edited."""
        return cast_id(self.persona, self.scenario)


def cast_id(persona: Persona, scenario: Scenario) -> str:
    """Name a persona with its scenario by what they hold."""
    shown = {"persona": persona.model_dump(mode="json"), "scenario": scenario.model_dump()}
    return content_id("cast", shown)


class CastingCase(Noun):
    """What one persona is asked to show: a cell of the plan, in the words of a prompt."""

    problem: str
    technique: str
    youngest: int
    oldest: int
    gender: str
    culture: str
    style: Style
    risk: RiskLevel
    fitting: tuple[str, ...]
    """Distortions that the technique is for; the first thought shows one."""


class CastingOrder(Noun):
    """A persona to be written: its case, examples of the form, and what it must not be like."""

    index: int
    """Its place in the plan."""
    seed: int
    case: CastingCase
    examples: tuple[Persona, ...]
    avoid: tuple[Persona, ...] = ()
    """Cast already, and too like what was written for this place before."""

    @property
    def id(self) -> str:
        """Names the order by what it holds; the calls made for it are kept under this name."""
        return content_id("casting", self)


class PersonaAnswer(Noun):
    """What a model answers with: a persona, and what its session is about."""

    name: str = Field(min_length=1, max_length=40)
    age: int
    gender: str
    occupation: str = Field(min_length=1, max_length=120)
    household: str = Field(min_length=1, max_length=160)
    problem: str
    presenting_problem: str = Field(min_length=1, max_length=400)
    history: str = Field(min_length=1, max_length=800)
    diagram: CognitiveConceptualization
    distortions: tuple[str, ...] = Field(min_length=1)
    style: Style
    readiness: Readiness
    goals: tuple[str, ...] = Field(min_length=1, max_length=4)
    risk: RiskLevel
    risk_statement: str
    topic: str = Field(min_length=1, max_length=80)


class Making(Noun):
    """How a line of a cast came about."""

    made_by: MadeBy = MadeBy.GRAMMAR
    why: str = ""


class CastingResult(Noun):
    """What came of an order."""

    index: int
    answer: PersonaAnswer | None = None
    why: str = ""
    """Why there is none; empty where there is one."""
