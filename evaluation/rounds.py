"""The rounds of an evaluation: every variant answers, then every answer is judged blind."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agents.endpoint import check_endpoint
from agents.line import close_line
from domain.base import canonical_json, content_id
from domain.case import Kind, Subject
from domain.settings import BudgetSettings, EngineSettings
from domain.verdict import Answer, Protocol, Verdict
from engine import pool
from engine.ledger.store import Store
from evaluation.answers import AnswerItem, AnswerOrders, open_answers
from evaluation.candidates.adapters import adapter_hash, fingerprint
from evaluation.candidates.builtin import KEY_ENV, candidate_role, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from domain.case import Case
    from domain.progress import Progress
    from domain.record import HeldOutContext
    from domain.runfolder import RunFolder
    from domain.settings import RoleSettings, Settings
    from evaluation.panel import Panel

    Candidates = Callable[[], dict[str, RoleSettings]]
    """Returns how each variant is asked; serves the models when it is called first."""

BASE = "base"


@contextmanager
def candidates(
    settings: Settings, folder: RunFolder, base: Path | str, adapters: Mapping[str, Path]
) -> Iterator[Candidates]:
    """Yield what serves the models under test; nothing is started before somebody asks for them.

    While they are loaded, the judges are asked whether they are there.

    Raises (when the models are asked for):
        EvaluationError: The models cannot be served.
        EndpointError: The judge cannot be used; no model was asked.
    """
    found: dict[str, RoleSettings] = {}
    with ExitStack() as open_:

        def roles() -> dict[str, RoleSettings]:
            if not found:
                log, hub = folder.evaluation / "serving.log", not Path(base).is_dir()
                server = open_.enter_context(serving(base, adapters, log, allow_hub=hub))
                asyncio.run(_check_judge(settings.roles.judge))
                url = server.base_url()
                for variant in (BASE, *adapters):
                    found[variant] = candidate_role(url, variant, settings.evaluation)
            return found

        yield roles


def answer_round(
    settings: Settings,
    folder: RunFolder,
    roles: Candidates,
    models_hash: str,
    variants: Sequence[str],
    contexts: Sequence[HeldOutContext],
    progress: Progress,
) -> list[Answer]:
    """Ask each model; the models are not even served when all was answered before.

    Returns:
        Answers by variant, in their order, and scenarios in theirs.
    """
    ledger = folder.evaluation / "ledger" / models_hash
    items = [
        AnswerItem(variant=variant, context=context) for variant in variants for context in contexts
    ]
    if not Store(ledger).finished().issuperset(item.id for item in items):
        pool.run_all(
            open_answers,
            canonical_json(AnswerOrders(roles=roles(), seed=settings.seed)),
            [(item.id, canonical_json(item)) for item in items],
            ledger,
            near(settings.engine),
            BudgetSettings(),
            models_hash,
            progress,
            stage="answers",
            variables=[KEY_ENV],
        )
    found = Store(ledger).results()
    return [Answer.model_validate_json(found[item.id]) for item in items]


def models_hash_of(settings: Settings, base: Path | str, adapters: Mapping[str, Path]) -> str:
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
