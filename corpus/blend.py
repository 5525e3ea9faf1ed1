"""Mixes signed real records and accepted synthetic ones into what each variant is trained on."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from corpus.card import CardFacts
from corpus.draw import draw, oversample, shuffled, supervised_words
from corpus.export import MANIFEST, Manifest, write_export
from corpus.files import read_records, write_nouns
from corpus.licences import check_licences
from corpus.signoff import signed_records
from corpus.split import Split, contexts_of, is_usable, split
from domain.base import Noun
from domain.errors import BlendError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.record import Record
    from domain.runfolder import RunFolder
    from domain.settings import Settings, Variant

MIN_CONTEXTS = 2

_MAKING = {
    "real": "Real sessions only, repeated where they are fewer words than the other variants have.",
    "synthetic": "Synthetic sessions only, repeated where they are too few.",
    "hybrid": "Real and synthetic sessions, mixed by number of sessions.",
    "real-oversampled": "The control for the hybrid's size: real sessions only, repeated to as many"
    " sessions as the hybrid has.",
    "shuffled": "The control: real sessions whose therapist turns were dealt out anew among them."
    " Not fit for any other use.",
}


class BlendSummary(Noun):
    """One variant's blend, and what was kept out of all of them."""

    variant: str
    sessions: int
    distinct: int
    real_sessions: int
    synthetic_sessions: int
    supervised_words: int
    licences: tuple[str, ...]
    manifest_hash: str
    """SHA-256 of manifest.json, which holds the hashes of everything else."""
    held_out: int
    contexts: int
    low_quality_left_out: int


def blend(settings: Settings, folder: RunFolder) -> dict[str, BlendSummary]:
    """Write held-out records, scenarios, and a blend for each variant and the shuffled control.

    All blends have the same number of supervised words, as near as whole sessions allow.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or a variant has nothing to draw from.
        StoreError: A file cannot be read or written.
    """
    real = _real(folder)
    wanted: list[Variant] = [*dict.fromkeys((*settings.training.variants, "shuffled"))]
    needs_synthetic = {"synthetic", "hybrid", "real-oversampled"} & set(wanted)
    synthetic = tuple(read_records(folder.synthetic)) if needs_synthetic else ()
    check_licences((*real, *synthetic), settings.corpus.use)
    parts = split(real, settings.corpus.held_out_share, settings.seed)
    contexts = contexts_of(parts.held_out, settings.evaluation.contexts, settings.seed)
    if len(contexts) < MIN_CONTEXTS:
        raise _too_few(folder, len(contexts))
    targets = _targets(parts, settings)
    drawn = _drawn(wanted, targets, synthetic, settings)
    write_nouns(folder.held_out, parts.held_out)
    write_nouns(folder.contexts, contexts)
    summaries: dict[str, BlendSummary] = {}
    for variant, sessions in drawn.items():
        facts = CardFacts(
            name=f"{settings.name}-{variant}", seed=settings.seed, making=_MAKING[variant]
        )
        manifest = write_export(folder.blend(variant), sessions, facts)
        summaries[variant] = _summary(variant, manifest, folder).model_copy(
            update={
                "held_out": len(parts.held_out),
                "contexts": len(contexts),
                "low_quality_left_out": len(parts.kept) - len(targets),
            }
        )
    return summaries


def blend_series(
    settings: Settings, folder: RunFolder, shares: Sequence[int], seed: int, into: RunFolder
) -> dict[str, BlendSummary]:
    """Write a blend for each synthetic share in percent, in equally many words, to `into`.

    What is held out is that of the run itself: the same for every share and seed, so that all are
    measured on the same sessions. `seed` draws which sessions come first.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or a share has nothing to draw from.
        StoreError: A file cannot be read or written.
    """
    real = _real(folder)
    synthetic = tuple(read_records(folder.synthetic)) if any(shares) else ()
    check_licences((*real, *synthetic), settings.corpus.use)
    parts = split(real, settings.corpus.held_out_share, settings.seed)
    targets = _targets(parts, settings)
    most = max(sum(map(supervised_words, pool)) for pool in (targets, synthetic))
    write_nouns(into.held_out, parts.held_out)
    summaries = {}
    for share in shares:
        name = series_name(share, seed)
        drawn = draw(targets, synthetic, share / 100, most, seed)
        facts = CardFacts(
            name=f"{settings.name}-{name}",
            seed=seed,
            making=f"{share}% of the sessions are synthetic, the others real; one of a series.",
        )
        manifest = write_export(into.blend(name), drawn, facts)
        left_out = {"low_quality_left_out": len(parts.kept) - len(targets)}
        kept_out = {"held_out": len(parts.held_out), **left_out}
        summaries[name] = _summary(name, manifest, into).model_copy(update=kept_out)
    return summaries


def series_name(share: int, seed: int) -> str:
    """Name the blend of a series by its synthetic share in percent and its seed."""
    return f"share-{share}-seed-{seed}"


def _real(folder: RunFolder) -> tuple[Record, ...]:
    real = signed_records(folder)
    if not real:
        raise BlendError(
            "there are no real sessions to blend",
            where=str(folder.real),
            expected="signed real records",
            got="none",
            mend="Ingest transcripts and sign for them first.",
        )
    return real


def _targets(parts: Split, settings: Settings) -> list[Record]:
    """Return the real records that may be learned from."""
    low = settings.corpus.include_low_quality
    return [record for record in parts.kept if low or is_usable(record)]


def _drawn(
    wanted: Sequence[Variant],
    real: Sequence[Record],
    synthetic: Sequence[Record],
    settings: Settings,
) -> dict[Variant, list[Record]]:
    """Draw every variant to the words of the larger source, so that none is cut short."""
    seed, share = settings.seed, settings.corpus.synthetic_share
    pools = (real, synthetic)
    target = max(sum(map(supervised_words, pool)) for pool in pools)
    drawn: dict[Variant, list[Record]] = {}
    for variant in wanted:
        if variant == "hybrid":
            drawn[variant] = draw(real, synthetic, share, target, seed)
        elif variant == "synthetic":
            drawn[variant] = draw(real, synthetic, 1.0, target, seed)
        elif variant == "real-oversampled":
            hybrid = draw(real, synthetic, share, target, seed)
            drawn[variant] = oversample(real, len(hybrid), seed)
        else:
            drawn[variant] = draw(real, synthetic, 0.0, target, seed)
    if "shuffled" in drawn:
        drawn["shuffled"] = shuffled(drawn["shuffled"], seed)
    return drawn


def _summary(variant: str, manifest: Manifest, folder: RunFolder) -> BlendSummary:
    path = folder.blend(variant) / MANIFEST
    return BlendSummary(
        variant=variant,
        sessions=manifest.sessions,
        distinct=manifest.distinct,
        real_sessions=manifest.real_sessions,
        synthetic_sessions=manifest.synthetic_sessions,
        supervised_words=manifest.supervised_words,
        licences=manifest.licences,
        manifest_hash=hashlib.sha256(path.read_bytes()).hexdigest(),
        held_out=0,
        contexts=0,
        low_quality_left_out=0,
    )


def _too_few(folder: RunFolder, got: int) -> BlendError:
    return BlendError(
        "the held-out sessions give too few scenarios",
        where=str(folder.real),
        expected=f"at least {MIN_CONTEXTS} client turns of 4 words or more that are answered",
        got=str(got),
        mend="Add longer transcripts, or raise corpus.held_out_share.",
    )
