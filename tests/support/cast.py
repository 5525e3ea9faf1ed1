"""One invented persona and plan for tests of agents and graphs."""

from __future__ import annotations

from domain.persona import CognitiveConceptualization, Persona, Readiness, RiskLevel, Style
from domain.scenario import PlanItem, Scenario
from domain.turn import Speaker, Turn


def a_persona(**changes: object) -> Persona:
    persona = Persona(
        name="Mara",
        age=34,
        gender="woman",
        culture="grew up in a small harbour town",
        occupation="school secretary",
        household="lives with her sister",
        problem="social_anxiety",
        presenting_problem="dreads staff meetings and has begun to call in sick",
        history="two years of it, worse since a new head teacher came",
        diagram=CognitiveConceptualization(
            situation="The head teacher asked me a question in the Monday meeting.",
            automatic_thoughts=("They all see that I am blushing.", "I will say nonsense."),
            emotions=("shame", "fear"),
            behaviours=("I look at the table", "I leave early"),
            intermediate_beliefs=("If I stay silent, nobody can find fault with me.",),
            core_beliefs=("I am ridiculous.",),
            coping=("rehearsing every sentence beforehand",),
        ),
        distortions=("mind_reading",),
        style=Style.RESERVED,
        readiness=Readiness.CONTEMPLATION,
        goals=("sit through a meeting", "say one thing in it"),
        risk=RiskLevel.NONE,
    )
    return persona.model_copy(update=changes)


def an_item(index: int = 0, seed: int = 7) -> PlanItem:
    return PlanItem(
        index=index,
        campaign_seed=seed,
        persona=a_persona(),
        scenario=Scenario(
            session_number=3,
            phase="middle",
            technique="examining_evidence",
            agenda=("last week's meeting", "the thought about blushing"),
            homework_from_last_time="note one meeting",
        ),
    )


def turns_of(*texts: str) -> tuple[Turn, ...]:
    """Turns that alternate, the therapist first."""
    speakers = (Speaker.THERAPIST, Speaker.CLIENT)
    return tuple(Turn(index=i, speaker=speakers[i % 2], text=t) for i, t in enumerate(texts))
