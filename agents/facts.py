"""The plan and the person, in the words of the prompts' placeholders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.messages import listed

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.persona import CognitiveConceptualization, IntakeForm, Persona
    from domain.scenario import Scenario


def intake_facts(intake: IntakeForm) -> dict[str, str]:
    """Return what is on the intake form: all that a therapist knows of the client."""
    return {
        "name": intake.name,
        "age": str(intake.age),
        "gender": intake.gender,
        "occupation": intake.occupation,
        "presenting_problem": intake.presenting_problem,
        "goals": listed(intake.goals),
    }


def plan_facts(scenario: Scenario, pack: Pack) -> dict[str, str]:
    """Return the session's plan."""
    return {
        "session_number": str(scenario.session_number),
        "phase": pack.named("phases", scenario.phase),
        "technique": pack.named("techniques", scenario.technique),
        "technique_description": pack.described("techniques", scenario.technique),
        "agenda": listed(scenario.agenda),
        "homework_from_last_time": scenario.homework_from_last_time or "none",
        "obstacle": scenario.obstacle or "none known",
    }


def diagram_facts(diagram: CognitiveConceptualization) -> dict[str, str]:
    """Return the cognitive conceptualization diagram."""
    return {
        "situation": diagram.situation,
        "automatic_thoughts": listed(diagram.automatic_thoughts),
        "emotions": listed(diagram.emotions),
        "behaviours": listed(diagram.behaviours),
        "intermediate_beliefs": listed(diagram.intermediate_beliefs),
        "core_beliefs": listed(diagram.core_beliefs),
        "coping": listed(diagram.coping),
    }


def person_facts(persona: Persona, pack: Pack) -> dict[str, str]:
    """Return everything about the persona, the diagram and the risk included."""
    style = pack.described("styles", persona.style.value)
    return {
        **intake_facts(persona.intake()),
        **diagram_facts(persona.diagram),
        "culture": persona.culture,
        "household": persona.household,
        "history": persona.history,
        "readiness": persona.readiness.value,
        "style": pack.named("styles", persona.style.value),
        "style_description": style,
        "risk": persona.risk.value,
        "risk_statement": persona.risk_statement,
    }
