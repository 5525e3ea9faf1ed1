"""Everything the report says, gathered from the run's folder before a line of it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from agents.pack import load_pack
from corpus.files import read_noun, read_records
from corpus.manifest import MANIFEST, Manifest, read_manifest
from corpus.signoff import sign_offs
from corpus.stats import CorpusStats, describe
from domain.base import Noun
from domain.errors import EvaluationError
from evaluation.certificate.certificate import Certificate, identity, read_certificate
from evaluation.chartparts import ChartData
from evaluation.criterionnames import names_of, with_names
from evaluation.examples import (
    Example,
    Extremes,
    Trail,
    choose_example,
    choose_extremes,
    trails,
)
from evaluation.falsifying import falsifiers
from evaluation.found import Found, read_found
from evaluation.funnel import Funnel, read_funnel
from evaluation.losses import HeldOut, read_held_out
from evaluation.pairwise import Pairwise, summed
from evaluation.parts import Parts, read_parts
from evaluation.phrases import alarms, answer, not_significant, notices, title
from evaluation.scores import scores_of
from evaluation.summary import (
    SUMMARY,
    EvaluationSummary,
    Summary,
)
from evaluation.trainedon import blend_now, blend_trained_on
from evaluation.wholesessions import session_extremes, session_summary, session_trails

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from domain.runfolder import RunFolder
    from domain.settings import Settings


class Signature(Noun):
    """Who signed for how many records, and on which day."""

    name: str
    day: str
    records: int


class Blend(Noun):
    """What one variant was trained on."""

    variant: str
    sessions: int
    distinct: int
    real_sessions: int
    synthetic_sessions: int
    supervised_words: int
    licences: tuple[str, ...]
    lineage: tuple[str, ...]
    """A few synthetic sessions in it, to follow with `rehearsal trace show`."""


class ReportData(Noun):
    """The report as data; what `--json` gives."""

    name: str
    title: str
    alarms: tuple[str, ...]
    """What makes everything below doubtful; stands before the answer."""
    answer: tuple[str, ...]
    notices: tuple[str, ...]
    falsify: tuple[str, ...]
    """What would refute the answer."""
    not_significant: tuple[str, ...]
    summary: EvaluationSummary
    held_out: HeldOut
    funnel: Funnel | None
    corpus: dict[str, CorpusStats]
    signatures: tuple[Signature, ...]
    blends: tuple[Blend, ...]
    other_blends: tuple[str, ...] = ()
    """Variants whose blend in the run is not the one that the model under test was trained on."""
    example: Example | None
    extremes: tuple[Extremes, ...]
    trails: tuple[Trail, ...]
    parts: Parts
    """What other stages have written."""
    sessions: Summary | None = None
    """Statistics of whole sessions, by persona; None where none were played."""
    pairwise: Pairwise | None = None
    """The judge's own comparisons; None where there were none."""
    prompts: int = 0
    """Prompts of the adversarial set."""
    certificate: Certificate | None = None
    """Of this judge, pack and criteria; None where it was never tried."""
    criteria: dict[str, str] = Field(default_factory=dict)
    """Names of the pack's criteria by key."""


def gather(settings: Settings, folder: RunFolder) -> tuple[ReportData, ChartData]:
    """Read what a run has found.

    Raises:
        EvaluationError: Nothing was evaluated yet, or what was is not all there.
        StoreError: A file is damaged.
    """
    summary = read_summary(folder)
    found = read_found(folder, summary)
    data = _data(settings, folder, summary, found)
    pairwise = data.pairwise
    charts = ChartData(
        summary.statistics,
        scores_of(found.of_replies),
        data.held_out.losses,
        parts=data.parts,
        certificate=data.certificate,
        session_means=data.sessions.means if data.sessions else (),
        adversarial=summary.adversarial,
        names=data.criteria,
        strengths=(pairwise and pairwise.strengths) or summary.statistics.strengths,
    )
    return data, charts


def _data(
    settings: Settings, folder: RunFolder, summary: EvaluationSummary, found: Found
) -> ReportData:
    pack = load_pack(settings.pack)
    certificate = read_certificate(folder, identity(settings, pack))
    names = names_of(pack.criteria)
    told = summary.model_copy(update={"statistics": with_names(summary.statistics, names)})
    models = _models(summary)
    samples, seed = settings.evaluation.bootstrap_samples, settings.seed
    replies = (found.contexts, found.answers, found.of_replies)
    sessions = (found.played, found.of_sessions)
    groups = {context.id: context.group for context in found.contexts}
    blended = [
        one for one in settings.training.variants if (folder.blend(one) / MANIFEST).is_file()
    ]
    same = [name for name in blended if _saw(folder, summary, name)]
    return ReportData(
        name=summary.name,
        title=title(told),
        alarms=alarms(summary),
        answer=answer(told),
        falsify=falsifiers(told, certificate),
        notices=notices(settings, summary),
        not_significant=not_significant(told),
        summary=summary,
        held_out=read_held_out(folder, samples=samples, seed=seed),
        funnel=read_funnel(folder),
        corpus=_corpus(folder),
        signatures=_signatures(folder),
        blends=tuple(_blends(folder, same)),
        other_blends=tuple(name for name in blended if name not in same),
        example=choose_example(*replies),
        extremes=(*session_extremes(*sessions), *choose_extremes(*replies)),
        trails=(*trails(*replies, models), *session_trails(*sessions, models)),
        sessions=session_summary(*sessions, samples=samples, seed=seed),
        pairwise=summed(found.comparisons, groups),
        prompts=max((one.n + one.unknown for one in summary.adversarial), default=0),
        parts=read_parts(folder, tuple(summary.adapters)),
        certificate=certificate,
        criteria=names,
    )


def _models(summary: EvaluationSummary) -> dict[str, str]:
    """What each model is: the start of its hash, or where it is hosted."""
    hashes = {**summary.adapters, "base": summary.base}
    return {**summary.hosted, **{name: digest[:12] for name, digest in hashes.items()}}


def _signatures(folder: RunFolder) -> tuple[Signature, ...]:
    return tuple(
        Signature(name=one.name, day=one.at[:10], records=len(one.records))
        for one in sign_offs(folder).signed
    )


def read_summary(folder: RunFolder) -> EvaluationSummary:
    """Read what `evaluate` wrote.

    Raises:
        EvaluationError: There is nothing yet.
        StoreError: It is damaged.
    """
    path = folder.evaluation / SUMMARY
    if not path.is_file():
        raise EvaluationError(
            "there is nothing to report yet",
            where=str(path),
            expected="what an evaluation found",
            mend="Run `rehearsal evaluate` first.",
        )
    return read_noun(
        path,
        EvaluationSummary,
        "the evaluation's summary cannot be read",
        mend="Run `rehearsal evaluate` again; what was judged is not asked for twice.",
    )


def _corpus(folder: RunFolder) -> dict[str, CorpusStats]:
    places: dict[str, Path] = {
        "real": folder.real,
        "held out of it": folder.held_out,
        "synthetic": folder.synthetic,
    }
    return {name: describe(read_records(path)) for name, path in places.items() if path.is_file()}


def _saw(folder: RunFolder, summary: EvaluationSummary, variant: str) -> bool:
    """Whether the blend in the run is the one that a model under test was trained on."""
    known = summary.blends.get(variant) or blend_trained_on(folder.adapters / variant)
    if not known:
        return variant not in summary.lineage_unknown
    return known == blend_now(folder, variant)


def _blends(folder: RunFolder, variants: Sequence[str]) -> list[Blend]:
    sessions = {
        record.id: record.provenance.lineage[0]
        for record in (read_records(folder.synthetic) if folder.synthetic.is_file() else ())
        if record.provenance.lineage
    }
    found = []
    for variant in variants:
        manifest = read_manifest(folder.blend(variant) / MANIFEST)
        used = [sessions[one.id] for one in manifest.records if one.id in sessions]
        found.append(_blend(variant, manifest, used))
    return found


def _blend(variant: str, manifest: Manifest, used: list[str]) -> Blend:
    return Blend(
        variant=variant,
        sessions=manifest.sessions,
        distinct=manifest.distinct,
        real_sessions=manifest.real_sessions,
        synthetic_sessions=manifest.synthetic_sessions,
        supervised_words=manifest.supervised_words,
        licences=manifest.licences,
        lineage=tuple(used[:3]),
    )
