"""Whole sessions between the two speaking roles, and bodies to ask a server with."""

from __future__ import annotations

from functools import partial
from typing import Any

from agents.client import client_messages
from agents.pack import load_pack
from agents.scene import Scene
from agents.therapist import therapist_messages
from domain.persona import CognitiveConceptualization, Persona, Readiness, RiskLevel, Style
from domain.scenario import PlanItem, Scenario
from domain.turn import Speaker, Turn
from understudy.models import answer
from understudy.request import ChatRequest, Message


def ines(**changes: object) -> PlanItem:
    """A panic client, plain, with a plan to look at the worst, the best and the likely."""
    persona = Persona(
        name="Ines",
        age=41,
        gender="woman",
        culture="grew up by the river",
        occupation="tram driver",
        household="lives alone",
        problem="panic",
        presenting_problem="sudden attacks of fear on the tram",
        history="it began two winters ago",
        diagram=CognitiveConceptualization(
            situation="on Monday my heart raced at the last stop and I had to get out",
            automatic_thoughts=("my heart will stop", "everybody sees me shake"),
            emotions=("terrified", "ashamed"),
            behaviours=("I sit by the door", "I count my pulse"),
            intermediate_beliefs=("if I watch my heart, I can prevent it",),
            core_beliefs=("I am fragile",),
            coping=("I carry water everywhere",),
        ),
        distortions=("catastrophising",),
        style=Style.PLAIN,
        readiness=Readiness.PREPARATION,
        goals=("to drive the whole line again",),
    )
    return PlanItem(
        index=0,
        campaign_seed=3,
        persona=persona.model_copy(update=changes),
        scenario=Scenario(
            session_number=3,
            phase="early",
            technique="decatastrophising",
            agenda=("the last stop",),
            homework_from_last_time="noting one attack",
        ),
    )


def bo(**changes: object) -> PlanItem:
    """A client who puts things off, talks much, and is asked for the evidence."""
    persona = Persona(
        name="Bo",
        age=24,
        gender="man",
        culture="first in the family to study",
        occupation="student of history",
        household="shares a flat",
        problem="procrastination",
        presenting_problem="the thesis does not get finished",
        history="since the second year",
        diagram=CognitiveConceptualization(
            situation="on Friday I opened the draft of the thesis and closed it again",
            automatic_thoughts=("they will see that I know nothing", "it has to be perfect"),
            emotions=("guilty", "tense"),
            behaviours=("I clean the kitchen",),
            intermediate_beliefs=("if it is not perfect, it is worth nothing",),
            core_beliefs=("I am a fraud",),
            coping=("I tell everyone it goes well",),
        ),
        distortions=("all_or_nothing",),
        style=Style.VERBOSE,
        readiness=Readiness.CONTEMPLATION,
        goals=("to hand it in",),
    )
    return PlanItem(
        index=1,
        campaign_seed=3,
        persona=persona.model_copy(update=changes),
        scenario=Scenario(
            session_number=6,
            phase="middle",
            technique="examining_evidence",
            agenda=("the draft",),
            homework_from_last_time="one page a day",
        ),
    )


AT_RISK = {
    "risk": RiskLevel.STATED,
    "risk_statement": "sometimes I think about ending my life, and it frightens me",
}


def play(
    item: PlanItem,
    skill: str = "competent",
    *,
    exchanges: int = 10,
    guidance: tuple[str, ...] = (),
    seed: int = 1,
) -> tuple[Turn, ...]:
    """Play a session the way the graph does: the filled prompts, one request a turn."""
    pack = load_pack("cbt")
    turns: list[Turn] = []
    for exchange in range(1, exchanges + 1):
        for speaker in (Speaker.THERAPIST, Speaker.CLIENT):
            scene = Scene(item, tuple(turns), exchange, exchanges, guidance)
            therapist = speaker is Speaker.THERAPIST
            write = therapist_messages if therapist else client_messages
            request = ChatRequest(
                messages=tuple(Message(m["role"], m["content"]) for m in write(pack, scene)),
                model=f"understudy-therapist:{skill}" if therapist else "understudy-client",
                seed=item.seed(seed, len(turns)),
            )
            turns.append(Turn(index=len(turns), speaker=speaker, text=answer(request)))
    return tuple(turns)


def spoken_by(turns: tuple[Turn, ...], speaker: Speaker) -> tuple[str, ...]:
    return tuple(turn.text for turn in turns if turn.speaker is speaker)


therapist_of = partial(spoken_by, speaker=Speaker.THERAPIST)
client_of = partial(spoken_by, speaker=Speaker.CLIENT)


def a_body(**changes: object) -> dict[str, Any]:
    """A body that the client role answers."""
    return {
        "model": "understudy-client",
        "messages": [{"role": "user", "content": "How have you been?"}],
        "seed": 5,
        **changes,
    }
