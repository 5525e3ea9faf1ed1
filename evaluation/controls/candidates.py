"""The candidates of the controls: asked of the run's therapist, judged by the run's judge.

They answer scenarios of all signed-off real sessions, those that were learned from included: none
of them was trained here, and a control over three held-out sessions could not be told from chance.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from agents.endpoint import check_endpoint
from agents.line import close_line
from corpus.files import read_records
from corpus.split import contexts_of
from domain.base import canonical_json, content_id, seed_of
from domain.errors import EndpointError
from domain.record import Origin
from domain.settings import BudgetSettings
from domain.verdict import Answer
from engine import pool
from engine.ledger.store import Store
from evaluation.answers import AnswerItem, AnswerOrders, open_answers
from evaluation.controls.shuffle import shuffled
from evaluation.summary import AGAIN, CONTROL_CONTEXTS, EXPERT, NOVICE, PLAIN, SHUFFLED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.progress import Progress
    from domain.record import HeldOutContext
    from domain.runfolder import RunFolder
    from domain.settings import RoleSettings, Settings

HERE = Path(__file__).resolve().parent
DIALLED = "understudy-therapist"
"""A model whose skill is a part of its name, after a colon; any other is told in words."""
PROMPTS = {EXPERT: "expert", NOVICE: "novice", AGAIN: "expert"}
"""Who is told what: the file of the system prompt, which is the skill as well."""


@dataclass(frozen=True)
class ControlRound:
    """What the controls add to an evaluation: scenarios of their own, and answers to them."""

    contexts: tuple[HeldOutContext, ...] = ()
    answers: tuple[Answer, ...] = ()


def control_round(
    settings: Settings,
    folder: RunFolder,
    contexts: Sequence[HeldOutContext],
    progress: Progress,
) -> ControlRound:
    """Let an expert, a novice and the expert again answer, and shuffle what was answered.

    An endpoint that may not be sent real people's words, or does not answer, is not asked; then
    every answer says why it is missing, and what is shuffled are the real therapists' replies.

    Args:
        settings: The run file; the therapist's endpoint plays the candidates.
        folder: The run's folder.
        contexts: The held-out scenarios, used where no real session may be shown to the judge.
        progress: Told of each answer.
    """
    if not settings.evaluation.controls:
        return ControlRound()
    chosen = control_contexts(settings, folder, contexts)
    why = _unusable(settings.roles.therapist, chosen)
    answers = _unasked(chosen, why) if why else _asked(settings, folder, chosen, progress)
    plain = [one for one in answers if one.variant == EXPERT and not one.failure]
    if not plain:
        plain = [_reply(context) for context in chosen]
    mixed = shuffled(chosen, plain, settings.seed)
    named = [one.model_copy(update={"variant": PLAIN}) for one in plain]
    return ControlRound(
        tuple(chosen),
        (*answers, *named, *(one.model_copy(update={"variant": SHUFFLED}) for one in mixed)),
    )


def control_contexts(
    settings: Settings, folder: RunFolder, contexts: Sequence[HeldOutContext]
) -> list[HeldOutContext]:
    """Return the controls' scenarios, spread over all usable real sessions."""
    if not (settings.roles.judge.trusted_for_real and folder.real.is_file()):
        return list(contexts)
    records = list(read_records(folder.real))
    wanted = settings.evaluation.control_scenarios or len(contexts)
    drawn = contexts_of(records, wanted, seed_of(settings.seed, "controls"))
    return list(drawn) or list(contexts)


def control_path(folder: RunFolder) -> Path:
    """Return where the controls' scenarios are kept."""
    return folder.evaluation / CONTROL_CONTEXTS


def control_role(therapist: RoleSettings, variant: str) -> RoleSettings:
    """Return how a candidate is asked: the therapist, at the skill that the control needs."""
    if not therapist.model.startswith(DIALLED):
        return therapist
    return therapist.model_copy(update={"model": f"{DIALLED}:{PROMPTS[variant]}"})


def _asked(
    settings: Settings, folder: RunFolder, contexts: Sequence[HeldOutContext], progress: Progress
) -> list[Answer]:
    roles = {name: control_role(settings.roles.therapist, name) for name in PROMPTS}
    orders = AnswerOrders(
        roles=roles,
        seed=settings.seed,
        # the same endpoint once more: only its dice fall otherwise
        seeds={AGAIN: seed_of(settings.seed, AGAIN)},
        prompts={
            name: (HERE / f"{file}.md").read_text(encoding="utf-8").strip()
            for name, file in PROMPTS.items()
        },
    )
    sampling = {"model", "temperature", "top_p", "max_tokens"}
    run_hash = content_id(
        "controls",
        {
            "roles": {
                name: role.model_dump(mode="json", include=sampling) for name, role in roles.items()
            },
            "prompts": orders.prompts,
            "seed": settings.seed,
        },
    )
    ledger = folder.evaluation / "ledger" / run_hash
    items = [AnswerItem(variant=name, context=one) for name in PROMPTS for one in contexts]
    if not Store(ledger).finished().issuperset(item.id for item in items):
        pool.run_all(
            open_answers,
            canonical_json(orders),
            [(item.id, canonical_json(item)) for item in items],
            ledger,
            settings.engine,
            BudgetSettings(),
            run_hash,
            progress,
            stage="controls",
            variables=[settings.roles.therapist.api_key_env],
        )
    found = Store(ledger).results()
    return [Answer.model_validate_json(found[item.id]) for item in items]


def _unusable(therapist: RoleSettings, contexts: Sequence[HeldOutContext]) -> str:
    """Say why the endpoint cannot be asked; empty when it can."""
    real = any(context.origin is Origin.REAL for context in contexts)
    if real and not therapist.trusted_for_real:
        return "roles.therapist is not trusted_for_real, so it was not asked"
    try:
        asyncio.run(_check(therapist))
    except EndpointError as error:
        return f"roles.therapist cannot be used ({str(error).splitlines()[0]})"
    return ""


async def _check(therapist: RoleSettings) -> None:
    try:
        await check_endpoint(therapist, "roles.therapist")
    finally:
        await close_line()


def _unasked(contexts: Sequence[HeldOutContext], why: str) -> list[Answer]:
    return [
        Answer(scenario_id=one.id, variant=name, text="", call="", failure=why)
        for name in PROMPTS
        for one in contexts
    ]


def _reply(context: HeldOutContext) -> Answer:
    return Answer(
        scenario_id=context.id, variant=PLAIN, text=context.reference, call=context.record_id
    )
