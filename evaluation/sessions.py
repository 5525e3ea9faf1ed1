"""Whole sessions: each model under test is the therapist, the same clients for all; then judged."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from agents.llm import RoleModel, close_line
from agents.pack import same_pack
from corpus.chatform import system_prompt
from domain.base import Noun, canonical_json, content_id
from domain.call import Role
from domain.case import Kind, Subject
from domain.played import PlayedSession
from domain.record import Origin
from domain.scenario import PlanItem
from domain.settings import RoleSettings, Settings
from domain.turn import Speaker, Turn
from domain.verdict import Answer, Protocol, Verdict
from engine import pool
from engine.ledger.store import Store
from engine.spending.prices import price_of
from evaluation.rounds import near, unanswered
from evaluation.trust import require_trust
from graphs.context import PlayContext
from graphs.session import play_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.journal import Journal
    from domain.progress import Progress
    from evaluation.candidates.parts import Part
    from evaluation.lineage import Lineage
    from evaluation.panel import Panel

PLAN = "session-plan.jsonl"
NOTHING = Turn(index=0, speaker=Speaker.CLIENT, text="-")
"""Stands for a session that was not played; nobody is shown it."""


class PlayOrders(Noun):
    """What a worker is told."""

    settings: Settings
    pack_hash: str
    candidates: dict[str, RoleSettings]
    system_prompt: str


class PlayItem(Noun):
    """One held-out session for one variant."""

    variant: str
    item: PlanItem

    @property
    def id(self) -> str:
        """Name of the session and of its calls."""
        return f"{self.variant}-{self.item.session_id}"


class PlayJob:
    """Plays models under test against the client; see `engine.job.Job`."""

    def __init__(self, orders: PlayOrders, journal: Journal) -> None:
        settings = orders.settings
        pack = same_pack(settings.pack, orders.pack_hash)
        limits = {"exchanges": settings.evaluation.sessions.exchanges, "revisions": 0}
        client = RoleModel(Role.CLIENT, settings.roles.client, journal)
        shared = PlayContext(
            pack=pack,
            settings=settings.campaign.model_copy(update=limits),
            client=client,
            therapist=client,  # in whose place a model under test is put below
            supervisor=client,  # whom a single draft never asks
            tested_as=orders.system_prompt,
        )
        self._contexts = {
            variant: replace(shared, therapist=RoleModel(Role.CANDIDATE, role, journal))
            for variant, role in orders.candidates.items()
        }

    async def run(self, item: bytes) -> bytes:
        """Play one session; return `PlayedSession` as canonical JSON."""
        asked = PlayItem.model_validate_json(item)
        plan = asked.item
        done = await play_once(plan, asked.id, self._contexts[asked.variant])
        failure = done["failure"]
        return canonical_json(
            PlayedSession(
                scenario_id=plan.session_id,
                variant=asked.variant,
                persona_id=plan.persona.id,
                plan_scenario_id=plan.scenario.id,
                problem=plan.persona.problem,
                technique=plan.scenario.technique,
                style=plan.persona.style.value,
                turns=done["turns"],
                stop_reason=None if failure else done["stop_reason"],
                failure=failure,
            )
        )

    async def aclose(self) -> None:
        """Close the connections to the endpoints."""
        await close_line()


def open_playing(payload: bytes, journal: Journal) -> PlayJob:
    """Build the job from its orders; the factory that is given to the pool.

    Raises:
        PackError: The pack cannot be read here, or differs from the driver's.
    """
    return PlayJob(PlayOrders.model_validate_json(payload), journal)


def session_round(
    panel: Panel,
    plan: Sequence[PlanItem],
    part: Part,
    progress: Progress,
) -> list[PlayedSession]:
    """Let every variant of a part play every session of the plan; what was played is recalled.

    Client and therapist are asked under seeds that depend on the plan and the step only, so every
    variant meets the same client.

    Returns:
        Sessions by variant, in their order, and plan items in theirs.

    Raises:
        BudgetReachedError: `evaluation.budget` is spent on the client's calls.
        EndpointError, EvaluationError: The models cannot be served, or the judge is not there.
    """
    settings, folder = panel.settings, panel.folder
    run_hash = _hash(panel, part.run_hash)
    ledger = folder.evaluation / "ledger" / run_hash
    items = [PlayItem(variant=variant, item=item) for variant in part.variants for item in plan]
    if not Store(ledger).finished().issuperset(item.id for item in items):
        orders = PlayOrders(
            settings=settings,
            pack_hash=panel.pack.hash,
            candidates=part.roles(),
            system_prompt=system_prompt(),
        )
        price = price_of(settings.roles.client.model, settings.prices)
        pool.run_all(
            open_playing,
            canonical_json(orders),
            [(item.id, canonical_json(item)) for item in items],
            ledger,
            near(settings.engine) if part.local else settings.engine,
            settings.evaluation.budget,
            run_hash,
            progress,
            stage="sessions under test",
            variables=[*part.variables, settings.roles.client.api_key_env],
            prices={"client": price} if price else {},
        )
    found = Store(ledger).results()
    return [PlayedSession.model_validate_json(found[item.id]) for item in items]


def _hash(panel: Panel, models_hash: str) -> str:
    """Name what played sessions depend on besides the plan."""
    settings, sampling = panel.settings, {"model", "temperature", "top_p", "max_tokens"}
    return content_id(
        "played",
        {
            "models": models_hash,
            "client": settings.roles.client.model_dump(mode="json", include=sampling),
            "pack": panel.pack.hash,
            "exchanges": settings.evaluation.sessions.exchanges,
        },
    )


def require_client(settings: Settings, variants: Sequence[str], lineage: Lineage) -> None:
    """Refuse a client that is not trusted, where a model may repeat real people's words to it.

    Raises:
        TrustError: A variant learned from real sessions, or nobody knows from what.
    """
    told = [
        Subject(kind=Kind.SESSION, scenario=variant, origin=Origin.REAL, turns=(NOTHING,))
        for variant in variants
        if lineage.real(variant)
    ]
    require_trust(told, settings.roles.client, "roles.client")


def session_verdicts(
    panel: Panel, sessions: Sequence[PlayedSession], lineage: Lineage, progress: Progress
) -> list[Verdict]:
    """Have each whole session judged.

    One that could not be played to its end has verdicts that say why, and no score.
    """
    criteria = panel.settings.evaluation.sessions.criteria
    told = [
        (session, case)
        for session in sessions
        for case in panel.cases(_subject(session, lineage), criteria)
    ]
    cases = [case for session, case in told if session.failure is None]
    ruled = iter(panel.rule(cases, progress, "session verdicts"))
    return [
        panel.verdict(case, next(ruled), Protocol.SESSION, session.variant)
        if session.failure is None
        else unanswered(panel, case, _failed(session), Protocol.SESSION)
        for session, case in told
    ]


def _subject(session: PlayedSession, lineage: Lineage) -> Subject:
    return Subject(
        kind=Kind.SESSION,
        scenario=session.scenario_id,
        origin=Origin.REAL if lineage.real(session.variant) else Origin.SYNTHETIC,
        turns=session.turns or (NOTHING,),
    )


def _failed(session: PlayedSession) -> Answer:
    failure = session.failure
    why = f"{failure.role}: {failure.outcome}" if failure else ""
    return Answer(
        scenario_id=session.scenario_id,
        variant=session.variant,
        text="",
        call=failure.call if failure else "",
        failure=f"the session was not played to its end: {why}",
    )
