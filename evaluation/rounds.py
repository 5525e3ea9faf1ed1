"""The two rounds of an evaluation: every variant answers, then every answer is judged blind."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

from agents.endpoint import check_endpoint
from agents.line import close_line
from domain.base import canonical_json, content_id
from domain.settings import BudgetSettings, EngineSettings
from domain.verdict import Answer, Verdict
from engine import pool
from engine.ledger.store import Store
from evaluation.answers import AnswerItem, AnswerOrders, open_answers
from evaluation.candidates.adapters import adapter_hash, fingerprint
from evaluation.candidates.builtin import KEY_ENV, candidate_role, serving
from evaluation.judging import JudgeItem, JudgeOrders, Verdicts, open_judging

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.pack import Pack
    from domain.progress import Progress
    from domain.record import HeldOutContext
    from domain.runfolder import RunFolder
    from domain.settings import RoleSettings, Settings

BASE = "base"


def answer_round(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    adapters: Mapping[str, Path],
    contexts: Sequence[HeldOutContext],
    progress: Progress,
) -> list[Answer]:
    """Serve the models and ask each of them; nothing is started when all was answered before.

    Returns:
        Answers by variant, the base first, and scenarios in their order.

    Raises:
        EvaluationError: The models cannot be served.
        EndpointError: The judge cannot be used; no model was asked.
    """
    run_hash = _answers_hash(settings, base, adapters)
    ledger = folder.evaluation / "ledger" / run_hash
    items = [
        AnswerItem(variant=variant, context=context)
        for variant in (BASE, *adapters)
        for context in contexts
    ]
    if not Store(ledger).finished().issuperset(item.id for item in items):
        log = folder.evaluation / "serving.log"
        hub = not Path(base).is_dir()
        with serving(base, adapters, log, allow_hub=hub) as server:
            # while the models are loaded, the judge is asked whether it is there
            asyncio.run(_check_judge(settings.roles.judge))
            url = server.base_url()
            roles = {
                variant: candidate_role(url, variant, settings.evaluation)
                for variant in (BASE, *adapters)
            }
            pool.run_all(
                open_answers,
                canonical_json(AnswerOrders(roles=roles, seed=settings.seed)),
                [(item.id, canonical_json(item)) for item in items],
                ledger,
                _near(settings.engine),
                BudgetSettings(),
                run_hash,
                progress,
                stage="answers",
                variables=[KEY_ENV],
            )
    found = Store(ledger).results()
    return [Answer.model_validate_json(found[item.id]) for item in items]


def _answers_hash(settings: Settings, base: Path | str, adapters: Mapping[str, Path]) -> str:
    """Name what answers depend on besides the scenario: other adapters, another ledger."""
    return content_id(
        "answers",
        {
            "base": fingerprint(base),
            "adapters": {name: adapter_hash(path) for name, path in adapters.items()},
            "temperature": settings.evaluation.temperature,
            "max_new_tokens": settings.evaluation.max_new_tokens,
            "seed": settings.seed,
        },
    )


def _near(engine: EngineSettings) -> EngineSettings:
    """Return the engine for calls to a loopback address: workers of a cluster may be elsewhere."""
    return EngineSettings(kind="inline") if engine.ray_address else engine


async def _check_judge(judge: RoleSettings) -> None:
    try:
        await check_endpoint(judge, "roles.judge")
    finally:
        await close_line()


def verdict_round(
    settings: Settings,
    folder: RunFolder,
    pack: Pack,
    contexts: Sequence[HeldOutContext],
    answers: Sequence[Answer],
    progress: Progress,
) -> list[Verdict]:
    """Have each distinct reply judged once, and give its verdicts to all who said it.

    Returns:
        A verdict for every answer and criterion, in their orders.

    Raises:
        EndpointError: Verdicts are missing and the judge cannot be used.
    """
    by_id = {context.id: context for context in contexts}
    items = {
        answer.judged_id: JudgeItem(context=by_id[answer.scenario_id], text=answer.text)
        for answer in answers
        if not answer.failure
    }
    orders = judge_orders(settings, pack)
    found = judge_all(settings, orders, items, folder, progress)
    return [
        verdict
        for answer in answers
        for verdict in (
            _unanswered(answer, orders.criteria)
            if answer.failure
            else _named(answer, found[answer.judged_id])
        )
    ]


def judge_orders(settings: Settings, pack: Pack) -> JudgeOrders:
    """Return what the run's judge is told."""
    return JudgeOrders(
        judge=settings.roles.judge,
        pack=settings.pack,
        pack_hash=pack.hash,
        criteria=settings.evaluation.criteria,
        seed=settings.seed,
    )


def judge_all(
    settings: Settings,
    orders: JudgeOrders,
    items: Mapping[str, JudgeItem],
    folder: RunFolder,
    progress: Progress,
    stage: str = "verdicts",
) -> dict[str, Verdicts]:
    """Have replies judged under their names; what the same judge was asked before is recalled.

    Raises:
        EndpointError: Verdicts are missing and the judge cannot be used.
    """
    run_hash = _verdicts_hash(orders)
    ledger = folder.evaluation / "ledger" / run_hash
    if not Store(ledger).finished().issuperset(items):
        asyncio.run(_check_judge(settings.roles.judge))
    found: dict[str, Verdicts] = {}
    pool.run_all(
        open_judging,
        canonical_json(orders),
        # sorted by a hash of the text: the judge does not meet one model's answers in a row
        [(name, canonical_json(items[name])) for name in sorted(items)],
        ledger,
        settings.engine,
        BudgetSettings(),
        run_hash,
        progress,
        lambda item, result: found.update({item: Verdicts.model_validate_json(result)}),
        stage=stage,
        variables=[settings.roles.judge.api_key_env],
    )
    return found


def _verdicts_hash(orders: JudgeOrders) -> str:
    """Name what verdicts depend on besides the reply; where the judge is reached is no part."""
    sampling = {"model", "temperature", "top_p", "max_tokens"}
    return content_id(
        "verdicts",
        {
            "judge": orders.judge.model_dump(mode="json", include=sampling),
            "pack": orders.pack_hash,
            "criteria": orders.criteria,
            "seed": orders.seed,
        },
    )


def _named(answer: Answer, judged: Verdicts) -> list[Verdict]:
    return [one.model_copy(update={"variant": answer.variant}) for one in judged.verdicts]


def _unanswered(answer: Answer, criteria: Sequence[str]) -> list[Verdict]:
    """What stands for the verdicts on an answer that could not be had."""
    return [
        Verdict(
            scenario_id=answer.scenario_id,
            variant=answer.variant,
            criterion=criterion,
            failure=f"no answer: {answer.failure}",
            call=answer.call,
        )
        for criterion in criteria
    ]
