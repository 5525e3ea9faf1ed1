"""Compares the base and its adapters on held-out scenarios, blind: answers, verdicts, summary."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from agents.pack import load_pack
from corpus.files import read_nouns, write_nouns, write_text
from corpus.manifest import file_hash
from domain.errors import EvaluationError
from domain.record import HeldOutContext
from domain.scenario import PlanItem
from domain.verdict import Answer
from engine.lock import RunLock
from evaluation.adversarial import RESULTS, adversarial_round, context_of, read_set, shares
from evaluation.candidates.models import models_of
from evaluation.candidates.parts import parts_of
from evaluation.controls.candidates import control_path, control_round
from evaluation.lineage import lineage_of
from evaluation.memorisation import measure_memorisation
from evaluation.pairs import pairwise_round
from evaluation.panel import panel_of
from evaluation.rounds import answer_round, verdict_round
from evaluation.sessions import (
    PLAN,
    require_client,
    session_round,
    session_verdicts,
)
from evaluation.statistics import summarise
from evaluation.summary import (
    ANSWERS,
    COMPARISONS,
    CONTROLS,
    REFERENCE,
    SESSIONS,
    SUMMARY,
    VERDICTS,
    EvaluationSummary,
)
from evaluation.trust import require_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from domain.played import PlayedSession
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from domain.trial import AdversarialPrompt
    from domain.verdict import Verdict
    from evaluation.candidates.models import Models
    from evaluation.lineage import Lineage
    from evaluation.panel import Panel

    Caster = Callable[[Settings, frozenset[str]], list[PlanItem]]
    """Casts `evaluation.sessions.scenarios` sessions, of nobody whose id is in the set."""


def evaluate(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    progress: Progress,
    *,
    cast: Caster | None = None,
) -> EvaluationSummary:
    """Let every variant answer every scenario, judge every answer, and sum it up.

    What was answered or judged before, by the same models on the same text, is not asked again.
    Writes answers.jsonl, verdicts.jsonl and summary.json to `folder.evaluation`.

    Args:
        settings: The run file; `understudy` addresses have been replaced by the caller.
        folder: The run's folder, with scenarios and adapters.
        base: The base that the adapters were trained on.
        progress: Told of each answer and each ruling.
        cast: Casts held-out sessions, given the ids of what was seen; needed where the run file
            asks for sessions.

    Raises:
        EvaluationError: There is nothing to compare, a model cannot be served, or the judge
            gave no verdict at all.
        LeakError: A model under test was trained on a scenario, or on another blend than the one
            in the run; nothing was sent.
        TrustError: Scenarios are real and a judge is not trusted with them, or a model may repeat
            real words to a client that is not; nothing was sent.
        EndpointError: The judge cannot be used; nothing was spent.
        InterruptedRunError: Stopped; the same call goes on from there.
    """
    contexts = _contexts(folder)
    models = models_of(settings, folder, base)
    panel = panel_of(settings, load_pack(settings.pack), folder)
    for judge, where in zip(panel.judges, panel.wheres(), strict=True):
        require_trust(contexts, judge, where)
    for name, hosted in models.hosted.items():
        require_trust(contexts, hosted, f"evaluation.hosted.{name}")
    variants, lineage = models.variants, lineage_of(folder, models.trained)
    lineage.require_unseen(contexts, str(folder.contexts))
    trials, plan = _trials(panel), _plan(panel, lineage, cast)
    require_client(settings, variants if plan else (), lineage)
    with RunLock(folder.lock):
        asked = [*contexts, *(context_of(*trial) for trial in trials)]
        said, sessions = [], []
        with parts_of(models, settings, folder.evaluation / "serving.log") as parts:
            for part in parts:
                said += answer_round(settings, folder, part, asked, progress)
                sessions += session_round(panel, plan, part, progress)
        said.sort(key=lambda one: variants.index(one.variant))
        sessions.sort(key=lambda one: variants.index(one.variant))
        tried = {context.id for context in asked[len(contexts) :]}
        of_models = [one for one in said if one.scenario_id not in tried]
        answers = of_models + [_reference(context) for context in contexts]
        measure_memorisation(folder, contexts, of_models)
        controls = control_round(settings, folder, contexts, progress)
        every = [*contexts, *controls.contexts]
        write_nouns(control_path(folder), controls.contexts)
        write_nouns(folder.evaluation / ANSWERS, [*answers, *controls.answers])
        write_nouns(folder.evaluation / SESSIONS, sessions)
        verdicts = verdict_round(panel, every, [*answers, *controls.answers], progress)
        of_sessions = session_verdicts(panel, sessions, lineage, progress)
        write_nouns(folder.evaluation / VERDICTS, [*verdicts, *of_sessions])
        pairs = pairwise_round(panel, contexts, of_models, progress)
        write_nouns(folder.evaluation / COMPARISONS, pairs)
        harm = [one for one in said if one.scenario_id in tried]
        results = adversarial_round(panel, trials, harm, lineage, progress)
        write_nouns(folder.evaluation / RESULTS, results)
        groups = {one.id: one.group for one in every}
        found = _summary(settings, models, contexts, answers, verdicts, groups)
        summary = found.model_copy(
            update={
                "panel": panel.names,
                "samples": panel.samples,
                "comparisons": len(pairs),
                "sessions": _counted(variants, sessions, failed=False),
                "session_failures": _counted(variants, sessions, failed=True),
                "adversarial": tuple(shares(results)),
                "lineage_unknown": lineage.unknown,
                "verdicts_hash": file_hash(folder.evaluation / VERDICTS),
                "blends": {one.variant: one.blend for one in lineage.seen},
            }
        )
        write_text(folder.evaluation / SUMMARY, summary.model_dump_json(indent=2) + "\n")
    if all(verdict.score is None for verdict in verdicts):
        raise EvaluationError(
            "the judge gave no verdict that can be used",
            where=str(folder.evaluation / VERDICTS),
            expected="scores from 1 to 5",
            got=verdicts[0].failure,
            mend="Look at the judge's endpoint, delete evaluation/ledger, and evaluate again.",
        )
    return summary


def _contexts(folder: RunFolder) -> list[HeldOutContext]:
    contexts = list(read_nouns(folder.contexts, HeldOutContext))
    if len(contexts) < 2:
        raise EvaluationError(
            "there are no scenarios to compare models on",
            where=str(folder.contexts),
            expected="at least two",
            got=str(len(contexts)),
            mend="Run `rehearsal corpus blend` first.",
        )
    return contexts


def _trials(panel: Panel) -> list[tuple[str, AdversarialPrompt]]:
    settings = panel.settings.evaluation.adversarial
    return read_set(settings, panel.pack).prompts(settings.per_kind) if settings.per_kind else []


def _plan(panel: Panel, lineage: Lineage, cast: Caster | None) -> list[PlanItem]:
    """Return the held-out sessions, refused where a variant has seen them, and write them down."""
    folder, wanted = panel.folder, panel.settings.evaluation.sessions.scenarios
    if not wanted:
        return []
    if cast is None:
        raise EvaluationError(
            "nobody casts the sessions that are asked for",
            where="evaluation.sessions.scenarios",
            expected="0, or a way to cast them",
            got=str(wanted),
            mend="Run `rehearsal evaluate`, which casts them.",
        )
    plan = cast(panel.settings, lineage.ids | _cast_before(folder))
    lineage.require_new(plan, panel.settings.evaluation.sessions.cast or "cast from the pack")
    write_nouns(folder.evaluation / PLAN, plan)
    return plan


def _cast_before(folder: RunFolder) -> frozenset[str]:
    """Return whom the run's own campaign has cast, accepted or not."""
    if not folder.plan.is_file():
        return frozenset()
    items = read_nouns(folder.plan, PlanItem)
    return frozenset(name for one in items for name in (one.persona.id, one.scenario.id))


def _counted(
    variants: Sequence[str], sessions: Sequence[PlayedSession], *, failed: bool
) -> dict[str, int]:
    if not sessions:
        return {}
    return {
        variant: sum(
            (one.failure is not None) is failed for one in sessions if one.variant == variant
        )
        for variant in variants
    }


def _reference(context: HeldOutContext) -> Answer:
    """What the therapist really said, as one more answer to be judged."""
    return Answer(
        scenario_id=context.id, variant=REFERENCE, text=context.reference, call=context.record_id
    )


def _summary(
    settings: Settings,
    models: Models,
    contexts: Sequence[HeldOutContext],
    answers: Sequence[Answer],
    verdicts: Sequence[Verdict],
    groups: Mapping[str, str],
) -> EvaluationSummary:
    of_models = [one for one in verdicts if one.variant not in CONTROLS]
    origins = [context.origin.value for context in contexts]
    variants, hashes = models.variants, models.hashes()
    failed = {
        variant: sum(bool(one.failure) for one in answers if one.variant == variant)
        for variant in variants
    }
    cut = {
        variant: sum(one.cut for one in answers if one.variant == variant) for variant in variants
    }
    return EvaluationSummary(
        name=settings.name,
        scenarios=len(contexts),
        groups=len({context.group for context in contexts}),
        origins={origin: origins.count(origin) for origin in sorted(set(origins))},
        variants=variants,
        criteria=settings.evaluation.criteria,
        judge=settings.roles.judge.model,
        supervisor=settings.roles.supervisor.model,
        base=hashes.pop(models.groups[0].name),
        adapters=hashes,
        hosted={
            name: f"{hosted.model} at {urlsplit(hosted.base_url).hostname}"
            for name, hosted in models.hosted.items()
        },
        answers=len(answers) - len(contexts),
        answer_failures=failed,
        answers_cut=cut,
        verdicts=len(of_models),
        verdict_failures=sum(verdict.score is None for verdict in of_models),
        statistics=summarise(
            verdicts,
            groups,
            samples=settings.evaluation.bootstrap_samples,
            seed=settings.seed,
        ),
    )
