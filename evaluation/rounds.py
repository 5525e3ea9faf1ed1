"""The rounds of an evaluation: every variant answers, then every answer is judged blind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.endpoint import check_endpoint
from agents.line import close_line
from domain.base import canonical_json
from domain.call import Role
from domain.case import Kind, Subject
from domain.settings import BudgetSettings, EngineSettings
from domain.verdict import Answer, Protocol, Verdict
from engine import pool
from engine.ledger.store import Store
from engine.spending.prices import price_of
from evaluation.answers import AnswerItem, AnswerOrders, open_answers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.case import Case
    from domain.progress import Progress
    from domain.record import HeldOutContext
    from domain.runfolder import RunFolder
    from domain.settings import RoleSettings, Settings
    from evaluation.candidates.parts import Part
    from evaluation.panel import Panel


def answer_round(
    settings: Settings,
    folder: RunFolder,
    part: Part,
    contexts: Sequence[HeldOutContext],
    progress: Progress,
) -> list[Answer]:
    """Ask each model of a part; they are not even served when all was answered before.

    Returns:
        Answers by variant, in their order, and scenarios in theirs.

    Raises:
        BudgetReachedError: `evaluation.budget` is spent on models elsewhere.
        EndpointError, EvaluationError: The models cannot be asked.
    """
    ledger = folder.evaluation / "ledger" / part.run_hash
    items = [
        AnswerItem(variant=variant, context=context)
        for variant in part.variants
        for context in contexts
    ]
    if not Store(ledger).finished().issuperset(item.id for item in items):
        roles = part.roles()
        price = None if part.local else price_of(roles[part.variants[0]].model, settings.prices)
        pool.run_all(
            open_answers,
            canonical_json(AnswerOrders(roles=roles, seed=settings.seed)),
            [(item.id, canonical_json(item)) for item in items],
            ledger,
            near(settings.engine) if part.local else settings.engine,
            BudgetSettings() if part.local else settings.evaluation.budget,
            part.run_hash,
            progress,
            stage="answers" if part.local else f"answers of {part.variants[0]}",
            variables=part.variables,
            prices={Role.CANDIDATE.value: price} if price else {},
        )
    found = Store(ledger).results()
    return [Answer.model_validate_json(found[item.id]) for item in items]


def near(engine: EngineSettings) -> EngineSettings:
    """Return the engine for calls to a loopback address: workers of a cluster may be elsewhere."""
    return EngineSettings(kind="inline") if engine.ray_address else engine


async def _check_judge(judge: RoleSettings) -> None:
    try:
        await check_endpoint(judge, "roles.judge")
    finally:
        await close_line()


def reply_of(context: HeldOutContext, text: str) -> Subject:
    """Return a reply in its place, without its author."""
    return Subject(
        kind=Kind.REPLY,
        scenario=context.id,
        origin=context.origin,
        turns=context.turns,
        reply=text,
    )


def verdict_round(
    panel: Panel,
    contexts: Sequence[HeldOutContext],
    answers: Sequence[Answer],
    progress: Progress,
) -> list[Verdict]:
    """Have each distinct reply judged once, and give its verdicts to all who said it.

    Returns:
        For every answer, in their order, the verdicts of all judges on all criteria.

    Raises:
        EndpointError: Verdicts are missing and a judge cannot be used.
    """
    by_id = {context.id: context for context in contexts}
    subjects: dict[tuple[str, str], Subject] = {}
    told, cases = [], []
    for answer in answers:
        place = (answer.scenario_id, answer.text)
        if place not in subjects:
            subjects[place] = reply_of(by_id[answer.scenario_id], answer.text)
        for case in panel.cases(subjects[place], panel.settings.evaluation.criteria):
            told.append((answer, case))
            if not missing(answer):
                cases.append(case)
    ruled = iter(panel.rule(cases, progress, "verdicts"))
    return [
        unanswered(panel, case, answer, Protocol.REPLY)
        if missing(answer)
        else panel.verdict(case, next(ruled), Protocol.REPLY, answer.variant)
        for answer, case in told
    ]


def missing(answer: Answer) -> str:
    """Say why there is no answer to judge; nothing where there is one."""
    return answer.failure or ("" if answer.text.strip() else "empty")


def unanswered(panel: Panel, case: Case, answer: Answer, protocol: Protocol) -> Verdict:
    """Return what stands for a verdict on an answer that could not be had."""
    return Verdict(
        protocol=protocol,
        scenario_id=case.subject.scenario,
        variant=answer.variant,
        criterion=case.criterion,
        judge=panel.names[case.judge],
        sample=case.sample,
        failure=f"no answer: {missing(answer)}",
        call=answer.call,
    )
