"""Tries a run's judge and writes its certificate."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.pack import load_pack
from domain.base import seed_of
from domain.case import Case
from domain.verdict import Protocol
from engine.lock import RunLock
from evaluation.certificate import figures
from evaluation.certificate.agreement import SAMPLES
from evaluation.certificate.bases import bases_of
from evaluation.certificate.certificate import Certificate, Halo, identity, write_certificate
from evaluation.certificate.item import BLIND, Verdicts
from evaluation.certificate.people import beside_people, people_halo
from evaluation.certificate.selfish import self_preference
from evaluation.certificate.swaps import swaps
from evaluation.certificate.twins import trials_of
from evaluation.panel import panel_of
from evaluation.rounds import reply_of
from evaluation.summary import ANSWERS
from evaluation.trust import require_trust

if TYPE_CHECKING:
    from collections.abc import Mapping

    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from evaluation.certificate.item import JudgeItem
    from evaluation.certificate.labels import Labels
    from evaluation.panel import Panel

ROUNDS = 5
"""How often the same replies are judged, each time under another seed."""
REPLIES = 40


def certify(
    settings: Settings,
    folder: RunFolder,
    progress: Progress,
    *,
    labels: Labels | None = None,
    replies: int = REPLIES,
) -> Certificate:
    """Have the run's judge rate replies and their twins; write `evaluation/certificate.json`.

    Rounds are samples of one judge, and the first is the evaluation's: a reply that was judged
    there is not judged again.

    Raises:
        EvaluationError: The run holds too few replies.
        TrustError: Words of real people are among them and the judge is not trusted with them.
        EndpointError: The judge cannot be used.
        InterruptedRunError: Stopped; the same call goes on from there.
    """
    pack, seed = load_pack(settings.pack), settings.seed
    panel = panel_of(settings, pack, folder)
    trials = trials_of(bases_of(folder, replies, seed, labels), seed)
    once = trials.items()
    if labels is not None:
        once.update((one.answer.judged_id, one) for each in labels.rated for one in each.items)
    require_trust((item.context for item in once.values()), settings.roles.judge, "roles.judge")
    often = {base.item.answer.judged_id: base.item for base in trials.bases}
    with RunLock(folder.lock):
        rounds = [
            _round(panel, number, often if number else once, progress) for number in range(ROUNDS)
        ]
        verdicts, failures = figures.failures_of(rounds)
        scored = [figures.Scores(found) for found in rounds]
        first, criteria, bases = scored[0], settings.evaluation.criteria, trials.bases
        certificate = Certificate(
            judge=identity(settings, pack),
            seed=seed,
            samples=SAMPLES,
            replies=len(bases),
            groups=len({base.group for base in bases}),
            from_evaluation=(folder.evaluation / ANSWERS).is_file(),
            verdicts=verdicts,
            failures=failures,
            repeats={one: figures.repeats(bases, scored, one, seed) for one in criteria},
            length={one: figures.length(bases, scored, one, seed) for one in criteria},
            padding={
                one: figures.shift(trials.padded, first, (one,), seed_of(seed, "padding", one))
                for one in criteria
            },
            halo=tuple(
                _with_people(one, labels, seed)
                for one in figures.halo(bases, scored, criteria, seed)
            ),
            worse=figures.worse(trials, first, criteria, seed),
            injection={
                carrier: figures.injection(twins, first, criteria, seed_of(seed, carrier))
                for carrier, twins in trials.injected.items()
            },
            people=beside_people(labels, first, criteria, seed) if labels is not None else None,
            swaps=swaps(panel, trials, progress, seed),
            own=self_preference(panel, bases, progress, seed),
        )
        write_certificate(folder, certificate)
    return certificate


def _round(
    panel: Panel, number: int, items: Mapping[str, JudgeItem], progress: Progress
) -> dict[str, Verdicts]:
    """Have `roles.judge` rate `items`, as sample `number`; the evaluation's first is 0."""
    criteria = panel.settings.evaluation.criteria
    cases = [
        Case(subject=subject, criterion=criterion, sample=number)
        for subject in (reply_of(item.context, item.text) for item in items.values())
        for criterion in criteria
    ]
    ruled = iter(panel.rule(cases, progress, f"round {number + 1}"))
    each = iter(zip(cases, ruled, strict=True))
    return {
        name: Verdicts(
            verdicts=tuple(panel.verdict(*next(each), Protocol.REPLY, BLIND) for _ in criteria)
        )
        for name in items
    }


def _with_people(found: Halo, labels: Labels | None, seed: int) -> Halo:
    if labels is None:
        return found
    return found.model_copy(update={"people": people_halo(labels, *found.criteria, seed)})
