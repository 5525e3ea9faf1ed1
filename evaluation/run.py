"""Compares the base and its adapters on held-out scenarios, blind: answers, verdicts, summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.pack import load_pack
from corpus.files import read_nouns, write_nouns, write_text
from domain.errors import EvaluationError
from domain.record import HeldOutContext
from domain.verdict import Answer
from engine.lock import RunLock
from evaluation.candidates.adapters import adapter_hash, check_adapter, fingerprint
from evaluation.controls.candidates import control_path, control_round
from evaluation.rounds import BASE, answer_round, verdict_round
from evaluation.statistics import summarise
from evaluation.summary import ANSWERS, CONTROLS, REFERENCE, SUMMARY, VERDICTS, EvaluationSummary
from evaluation.trust import require_trust

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from domain.verdict import Verdict


def evaluate(
    settings: Settings, folder: RunFolder, base: Path | str, progress: Progress
) -> EvaluationSummary:
    """Let every variant answer every scenario, judge every answer, and sum it up.

    What was answered or judged before, by the same models on the same text, is not asked again.
    Writes answers.jsonl, verdicts.jsonl and summary.json to `folder.evaluation`.

    Args:
        settings: The run file; `understudy` addresses have been replaced by the caller.
        folder: The run's folder, with scenarios and adapters.
        base: The base that the adapters were trained on.
        progress: Told of each answer and each judged reply.

    Raises:
        EvaluationError: There is nothing to compare, a model cannot be served, or the judge
            gave no verdict at all.
        TrustError: Scenarios are real and the judge is not trusted with them; nothing was sent.
        EndpointError: The judge cannot be used; nothing was spent.
        InterruptedRunError: Stopped; the same call goes on from there.
    """
    contexts = _contexts(folder)
    require_trust(contexts, settings.roles.judge, "roles.judge")
    adapters = _adapters(settings, folder)
    pack = load_pack(settings.pack)
    for criterion in settings.evaluation.criteria:
        pack.criterion(criterion)
    with RunLock(folder.lock):
        answers = answer_round(settings, folder, base, adapters, contexts, progress)
        answers += [_reference(context) for context in contexts]
        controls = control_round(settings, folder, contexts, progress)
        write_nouns(control_path(folder), controls.contexts)
        write_nouns(folder.evaluation / ANSWERS, [*answers, *controls.answers])
        verdicts = verdict_round(
            settings,
            folder,
            pack,
            [*contexts, *controls.contexts],
            [*answers, *controls.answers],
            progress,
        )
        write_nouns(folder.evaluation / VERDICTS, verdicts)
        groups = {one.id: one.group for one in (*contexts, *controls.contexts)}
        summary = _summary(settings, base, adapters, contexts, answers, verdicts, groups)
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


def _adapters(settings: Settings, folder: RunFolder) -> dict[str, Path]:
    """Return the adapters of the run file's variants, which must all be there."""
    adapters: dict[str, Path] = {
        variant: folder.adapters / variant for variant in settings.training.variants
    }
    for name, path in adapters.items():
        check_adapter(name, path)
    return adapters


def _reference(context: HeldOutContext) -> Answer:
    """What the therapist really said, as one more answer to be judged."""
    return Answer(
        scenario_id=context.id, variant=REFERENCE, text=context.reference, call=context.record_id
    )


def _summary(
    settings: Settings,
    base: Path | str,
    adapters: Mapping[str, Path],
    contexts: Sequence[HeldOutContext],
    answers: Sequence[Answer],
    verdicts: Sequence[Verdict],
    groups: Mapping[str, str],
) -> EvaluationSummary:
    of_models = [one for one in verdicts if one.variant not in CONTROLS]
    origins = [context.origin.value for context in contexts]
    variants = (BASE, *adapters)
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
        base=fingerprint(base),
        adapters={name: adapter_hash(path) for name, path in adapters.items()},
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
