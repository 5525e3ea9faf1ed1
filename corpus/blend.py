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
from corpus.canaries import planted
from corpus.card import CardFacts, checks_of
from corpus.draw import Pool, draw, oversample, weighted
from corpus.expert import experts
from corpus.files import write_nouns, write_text
from corpus.guard import outside
from corpus.licences import check_licence_counts
from corpus.manifest import MANIFEST, file_hash
from corpus.signoff import check_signed, sign_offs, signed_ids
from corpus.split import contexts_of, is_usable, split
from corpus.strata import curriculum, in_order, weights_of
from domain.base import Noun, seed_of
from domain.errors import BlendError, ConfigError
from domain.record import Deidentification, Origin, Quality
from domain.runfolder import RunFolder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from corpus.bulk.index import Index
    from corpus.expert import Experts
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


_SHARED = {"sessions": "sessions", "tokens": "therapist words", "weight": "sessions"}


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
class _Material:
    """What there is to blend, whatever the seed: rows to learn from, and what is held out."""

    index: Index
    real: Rows
    made: Rows
    held_out: Rows
    low_quality: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class _Pools:
    """The sources in drawing order."""

    index: Index
    real: Pool
    synthetic: Pool

    @property
    def most(self) -> int:
        """Words of the larger source: what every blend has, so that none is cut short."""
        return max(self.real.total, self.synthetic.total)


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
    matter = _material(settings, folder, synthetic=needs_synthetic)
    some = matter.index.records(_some(matter.held_out, settings))
    contexts = contexts_of(list(some), settings.evaluation.contexts, settings.seed)
    if len(contexts) < MIN_CONTEXTS:
        raise _too_few(folder, len(contexts))
    pools, matter = _pools(matter, settings, folder, settings.seed)
    drawn = {variant: _drawn(variant, pools, settings) for variant in wanted}
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
        summaries[variant] = _write(variant, sessions, facts, folder, matter, len(contexts))
    return summaries


def blend_sweep(
    settings: Settings, folder: RunFolder, shares: Sequence[int], seeds: int
) -> dict[str, BlendSummary]:
    """Write a blend for each synthetic share in percent and each seed, in equally many words.

    They stand in a run folder of their own, `sweep_folder`, with the signatures. What is held out
    is that of the run itself, so that all are measured on the same sessions; the seeds, the run's
    own and those after it, draw which sessions come first.

    Raises:
        ConfigError: The shares are no percentages.
        SignOffNeededError: Real records are not signed off.
        BlendError: A licence forbids the use, or a share has nothing to draw from.
        StoreError: A file cannot be read or written.
    """
    check_shares(shares)
    into = sweep_folder(folder)
    matter = _material(settings, folder, synthetic=any(shares))
    write_nouns(into.held_out, matter.index.records(matter.held_out))
    write_text(into.sign_off, sign_offs(folder).model_dump_json(indent=2) + "\n")
    summaries: dict[str, BlendSummary] = {}
    for seed in range(settings.seed, settings.seed + seeds):
        pools, counted = _pools(matter, settings, folder, seed)
        for share in shares:
            name = series_name(share, seed)
            rows = _mixed(pools, share / 100, settings)
            facts = CardFacts(
                name=f"{settings.name}-{name}",
                seed=seed,
                making=f"{share}% of the {_SHARED[settings.corpus.blend.by]} are synthetic, the"
                " others real; one of a series.",
                checks=checks_of(folder),
            )
            sessions = Drawn(matter.index, curriculum(matter.index, rows, _order(settings)))
            made = _write(name, sessions, facts, into, counted, 0)
            summaries[name] = made.model_copy(update={"share": share, "seed": seed})
    return summaries


def sweep_folder(folder: RunFolder) -> RunFolder:
    """Return where a run's series of blends stand, and what is learned from them."""
    return RunFolder(folder.root / "sweep")


def series_name(share: int, seed: int) -> str:
    """Name the blend of a series by its synthetic share in percent and its seed."""
    return f"share-{share}-seed-{seed}"


def check_shares(shares: Sequence[int]) -> None:
    """Refuse what is no series of percentages.

    Raises:
        ConfigError: It is not.
    """
    if not shares or len(set(shares)) < len(shares) or not all(0 <= one <= 100 for one in shares):
        raise ConfigError(
            "the shares cannot be used",
            where="the series of synthetic shares",
            expected="different whole percentages, such as 0,25,50,100",
            got=",".join(map(str, shares)),
        )


def _material(settings: Settings, folder: RunFolder, *, synthetic: bool) -> _Material:
    """Index, sift, hold out and guard."""
    check_signed(folder)
    files = [folder.real, *([folder.synthetic] if synthetic else [])]
    sifted = sift(files, settings.corpus.blend.near_duplicate)
    index, kept = sifted.index, sifted.kept
    _refuse_unsigned(index, folder)
    counts = Counter(zip(index.column("source"), index.column("licence"), strict=True))
    check_licence_counts(counts, settings.corpus.use)
    is_real = index.where("origin", Origin.REAL)
    said = experts(folder)
    refused = np.isin(index.ids, np.array(sorted(said.rejected), str))[kept]
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
    return _Material(index, real, made, held_out, len(parts.kept) - len(targets), left_out)


def _pools(
    matter: _Material, settings: Settings, folder: RunFolder, seed: int
) -> tuple[_Pools, _Material]:
    """Put each source into drawing order, and count what its caps leave out."""
    asked, index = settings.corpus.blend, matter.index
    real = in_order(index, matter.real, "real", asked, seed, folder.plan)
    made = in_order(index, matter.made, "synthetic", asked, seed, folder.plan)
    capped = len(matter.real) + len(matter.made) - len(real) - len(made)
    pools = _Pools(index, _pool("real", index, real), _pool("synthetic", index, made))
    return pools, replace(matter, left_out={**matter.left_out, "over a cap": capped})


def _lots(index: Index, rows: Rows, said: Experts) -> list[_Lot]:
    groups, qualities = (index.column(name, rows) for name in ("group", "quality"))
    return [
        _Lot(row, group, said.quality(name, Quality(quality)))
        for row, name, group, quality in zip(
            rows.tolist(), index.ids[rows].tolist(), groups, qualities, strict=True
        )
    ]


def _some(held_out: Rows, settings: Settings) -> Rows:
    """Draw the sessions that scenarios are taken from: enough, since each gives one at least."""
    draw_from = np.random.default_rng(seed_of("contexts from", settings.seed))
    some = draw_from.permutation(len(held_out))[: ENOUGH * settings.evaluation.contexts]
    return held_out[np.sort(some)]


def _pool(name: str, index: Index, rows: Rows) -> Pool:
    return Pool(name, rows, index.words[rows])


def _refuse_unsigned(index: Index, folder: RunFolder) -> None:
    """Refuse real records that nobody signed for.

    Raises:
        SignOffNeededError: There are some.
    """
    real = index.where("origin", Origin.REAL)
    marked = index.where("deidentification", Deidentification.SIGNED_OFF)
    covered = np.isin(index.ids, sorted(signed_ids(folder)))
    check_signed(folder, unsigned=int((real & ~(marked & covered)).sum()))


def _drawn(variant: Variant, pools: _Pools, settings: Settings) -> Drawn:
    """Draw a variant to the words of the larger source."""
    if variant == "hybrid":
        rows = _hybrid(pools, settings)
    elif variant == "real-oversampled":
        rows = oversample(pools.real, len(_hybrid(pools, settings)))
    else:
        rows = _mixed(pools, float(variant == "synthetic"), settings)
    rows = curriculum(pools.index, rows, _order(settings))
    return Drawn(
        pools.index,
        rows,
        dealt=settings.seed if variant == "shuffled" else None,
        planted=planted(len(rows), settings.corpus.canaries, settings.seed),
    )


def _order(settings: Settings) -> str:
    return settings.corpus.blend.order


def _mixed(pools: _Pools, share: float, settings: Settings) -> Rows:
    by_words = settings.corpus.blend.by == "tokens"
    return draw(pools.real, pools.synthetic, share, pools.most, by_words=by_words)


def _hybrid(pools: _Pools, settings: Settings) -> Rows:
    asked = settings.corpus.blend
    if asked.by != "weight":
        return _mixed(pools, settings.corpus.synthetic_share, settings)
    rows = np.concatenate([pools.real.rows, pools.synthetic.rows])
    weights = weights_of(pools.index, rows, asked.weights)
    both = _pool("real or synthetic", pools.index, rows)
    return weighted(both, weights, pools.most)


def _write(
    name: str, drawn: Drawn, facts: CardFacts, into: RunFolder, matter: _Material, contexts: int
) -> BlendSummary:
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
