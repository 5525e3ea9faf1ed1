"""Mixes signed real records and accepted synthetic ones into what each variant is trained on.

Records are indexed once, duplicates are left out, whole groups are held out, and each variant is a
list of rows in the order of learning; only then are the sessions read, one after the other.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.bulk.dedupe import sift
from corpus.bulk.write import Drawn, write_blend
from corpus.card import CardFacts, checks_of
from corpus.expert import experts
from corpus.files import write_nouns
from corpus.guard import outside
from corpus.licences import check_licence_counts
from corpus.manifest import MANIFEST, file_hash
from corpus.mixing import Pools, drawn_for, pool_of
from corpus.signoff import check_signed, signed_ids
from corpus.split import contexts_of, is_usable, split
from corpus.strata import in_order
from domain.base import Noun, seed_of
from domain.errors import BlendError
from domain.record import Deidentification, Origin, Quality

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from corpus.bulk.index import Index
    from corpus.expert import Experts
    from domain.runfolder import RunFolder
    from domain.settings import Settings, Variant

    Rows = NDArray[np.int64]

MIN_CONTEXTS = 2
ENOUGH = 5
"""Held-out sessions that are looked at for each scenario that is wanted."""

_MAKING = {
    "real": "Real sessions only, repeated where they are fewer words than the other variants have.",
    "synthetic": "Synthetic sessions only, repeated where they are too few.",
    "hybrid": "Real and synthetic sessions, {mix}.",
    "real-oversampled": "The control for the hybrid's size: real sessions only, repeated to as many"
    " sessions as the hybrid has.",
    "shuffled": "The control: real sessions whose therapist turns were dealt out anew among them."
    " Not fit for any other use.",
}
_MIX = {
    "sessions": "mixed by number of sessions",
    "tokens": "mixed by number of therapist words",
    "weight": "each collection as often as its weight says",
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
    left_out: dict[str, int]
    """Sessions that no blend holds, by reason: duplicates, and what would leak from the held-out
    ones."""
    share: int | None = None
    """Of a series: its synthetic share in percent, and the seed that it was drawn by."""
    seed: int | None = None


class _Lot(NamedTuple):
    """A real record as the split sees it."""

    row: int
    group: str
    quality: Quality


@dataclass(frozen=True)
class Material:
    """What there is to blend, whatever the seed: rows to learn from, and what is held out."""

    index: Index
    real: Rows
    made: Rows
    held_out: Rows
    low_quality: int
    left_out: dict[str, int]


def blend(settings: Settings, folder: RunFolder) -> dict[str, BlendSummary]:
    """Write held-out records, scenarios, and a blend for each variant and the shuffled control.

    All blends have the same number of supervised words, as near as whole sessions allow.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or a variant has nothing to draw from.
        StoreError: A file cannot be read or written.
    """
    wanted: list[Variant] = [*dict.fromkeys((*settings.training.variants, "shuffled"))]
    needs_synthetic = bool({"synthetic", "hybrid", "real-oversampled"} & set(wanted))
    matter = material_of(settings, folder, synthetic=needs_synthetic)
    some = matter.index.records(_some(matter.held_out, settings))
    contexts = contexts_of(list(some), settings.evaluation.contexts, settings.seed)
    if len(contexts) < MIN_CONTEXTS:
        raise _too_few(folder, len(contexts))
    pools, matter = pools_of(matter, settings, folder, settings.seed)
    drawn = {variant: drawn_for(variant, pools, settings) for variant in wanted}
    write_nouns(folder.held_out, matter.index.records(matter.held_out))
    write_nouns(folder.contexts, contexts)
    summaries: dict[str, BlendSummary] = {}
    for variant, sessions in drawn.items():
        making = _MAKING[variant].format(mix=_MIX[settings.corpus.blend.by])
        facts = CardFacts(
            name=f"{settings.name}-{variant}",
            seed=settings.seed,
            making=making,
            checks=checks_of(folder),
        )
        summaries[variant] = write_variant(variant, sessions, facts, folder, matter, len(contexts))
    return summaries


def material_of(settings: Settings, folder: RunFolder, *, synthetic: bool) -> Material:
    """Index, sift, hold out and guard.

    Raises:
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or there is no real session.
        StoreError: A file cannot be read.
    """
    check_signed(folder)
    files = [folder.real, *([folder.synthetic] if synthetic else [])]
    sifted = sift(files, settings.corpus.blend.near_duplicate)
    index, kept = sifted.index, sifted.kept
    _refuse_unsigned(index, folder)
    counts = Counter(zip(index.column("source"), index.column("licence"), strict=True))
    check_licence_counts(counts, settings.corpus.use)
    is_real = index.where("origin", Origin.REAL)
    said = experts(folder)
    refused = index.among(said.rejected)[kept]
    kept = kept[~refused]
    if not is_real.any():
        raise _no_real(folder)
    parts = split(
        _lots(index, kept[is_real[kept]], said), settings.corpus.held_out_share, settings.seed
    )
    held_out = np.array([lot.row for lot in parts.held_out], np.int64)
    low = settings.corpus.include_low_quality
    targets = [lot.row for lot in parts.kept if low or is_usable(lot)]
    real, leaks = outside(index, np.array(targets, np.int64), held_out)
    made, more = outside(index, kept[~is_real[kept]], held_out)
    left_out = {
        "exact duplicates": int(sifted.exact.sum()),
        "near-duplicates": int(sifted.near.sum()),
        "rejected by an expert": int(refused.sum()),
        **{reason: leaks[reason] + more[reason] for reason in leaks},
    }
    return Material(index, real, made, held_out, len(parts.kept) - len(targets), left_out)


def pools_of(
    matter: Material, settings: Settings, folder: RunFolder, seed: int
) -> tuple[Pools, Material]:
    """Put each source into drawing order, and count what its caps leave out."""
    asked, index = settings.corpus.blend, matter.index
    real = in_order(index, matter.real, "real", asked, seed, folder.plan)
    made = in_order(index, matter.made, "synthetic", asked, seed, folder.plan)
    capped = len(matter.real) + len(matter.made) - len(real) - len(made)
    pools = Pools(index, pool_of("real", index, real), pool_of("synthetic", index, made))
    return pools, replace(matter, left_out={**matter.left_out, "over a cap": capped})


def _lots(index: Index, rows: Rows, said: Experts) -> list[_Lot]:
    groups, qualities = index.groups_of(rows), index.column("quality", rows)
    return [
        _Lot(row, group, said.quality(name, Quality(quality)))
        for row, name, group, quality in zip(
            rows.tolist(), index.ids_of(rows), groups, qualities, strict=True
        )
    ]


def _some(held_out: Rows, settings: Settings) -> Rows:
    """Draw the sessions that scenarios are taken from: enough, since each gives one at least."""
    draw_from = np.random.default_rng(seed_of("contexts from", settings.seed))
    some = draw_from.permutation(len(held_out))[: ENOUGH * settings.evaluation.contexts]
    return held_out[np.sort(some)]


def _refuse_unsigned(index: Index, folder: RunFolder) -> None:
    """Refuse real records that nobody signed for.

    Raises:
        SignOffNeededError: There are some.
    """
    real = index.where("origin", Origin.REAL)
    marked = index.where("deidentification", Deidentification.SIGNED_OFF)
    covered = index.among(signed_ids(folder))
    check_signed(folder, unsigned=int((real & ~(marked & covered)).sum()))


def write_variant(
    name: str, drawn: Drawn, facts: CardFacts, into: RunFolder, matter: Material, contexts: int
) -> BlendSummary:
    """Write one blend into a run's folder; say what it holds and what all blends left out.

    Raises:
        StoreError: It cannot be written.
    """
    manifest = write_blend(into.blend(name), drawn, facts)
    return BlendSummary(
        variant=name,
        sessions=manifest.sessions,
        distinct=manifest.distinct,
        real_sessions=manifest.real_sessions,
        synthetic_sessions=manifest.synthetic_sessions,
        supervised_words=manifest.supervised_words,
        licences=manifest.licences,
        manifest_hash=file_hash(into.blend(name) / MANIFEST),
        held_out=len(matter.held_out),
        contexts=contexts,
        low_quality_left_out=matter.low_quality,
        left_out=matter.left_out,
    )


def _no_real(folder: RunFolder) -> BlendError:
    return BlendError(
        "there are no real sessions to blend",
        where=str(folder.real),
        expected="signed real records",
        got="none",
        mend="Ingest transcripts and sign for them first.",
    )


def _too_few(folder: RunFolder, got: int) -> BlendError:
    return BlendError(
        "the held-out sessions give too few scenarios",
        where=str(folder.real),
        expected=f"at least {MIN_CONTEXTS} client turns of 4 words or more that are answered",
        got=str(got),
        mend="Add longer transcripts, or raise corpus.held_out_share.",
    )
