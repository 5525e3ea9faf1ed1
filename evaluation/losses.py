"""Held-out losses as training measured them, with intervals over sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from corpus.files import read_noun
from domain.base import Noun, seed_of
from evaluation.resampling import Clusters, interval, sign_test

if TYPE_CHECKING:
    from domain.runfolder import RunFolder

FILE = "held-out.json"
ORDER = ("unigram", "base", "shuffled", "real", "real-oversampled", "synthetic", "hybrid")
PAIRS = (
    ("real", "base"),
    ("real", "unigram"),
    ("real", "shuffled"),
    ("synthetic", "base"),
    ("hybrid", "base"),
    ("hybrid", "real"),
    ("hybrid", "real-oversampled"),
)


class _Record(Noun):
    record_id: str
    tokens: int
    loss_sum: float


class _Model(Noun):
    model: str
    mean: float
    records: tuple[_Record, ...]


class _File(Noun):
    sessions: int
    tokens: int
    models: tuple[_Model, ...]


class HeldOutLoss(Noun):
    """One model's loss on real held-out therapist turns, in nats per token."""

    model: str
    loss: float
    low: float
    high: float
    sessions: int
    tokens: int
    note: str = ""


class LossDifference(Noun):
    """Loss of `model` minus that of `against`, nats per token; below 0 is better.

    `p` is two-sided, from flipping the sign of whole sessions; not corrected, None where no test
    can be made.
    """

    model: str
    against: str
    difference: float
    low: float
    high: float
    p: float | None
    note: str = ""


class HeldOut(Noun):
    """All losses, in the order in which they are shown."""

    losses: tuple[HeldOutLoss, ...] = ()
    differences: tuple[LossDifference, ...] = ()


def read_held_out(folder: RunFolder, *, samples: int, seed: int) -> HeldOut:
    """Read `training/held-out.json`; empty where nothing was measured.

    Raises:
        StoreError: The file is not what training writes.
    """
    path = folder.training / FILE
    if not path.is_file():
        return HeldOut()
    found = read_noun(
        path,
        _File,
        "the held-out losses cannot be read",
        mend="Train again with this version.",
    )
    models = {one.model: one for one in found.models if one.records}
    names = [name for name in ORDER if name in models] + [
        name for name in sorted(models) if name not in ORDER
    ]
    return HeldOut(
        losses=tuple(_loss(models[name], samples, seed) for name in names),
        differences=tuple(
            _difference(models[one], models[other], samples, seed)
            for one, other in PAIRS
            if one in models and other in models
        ),
    )


def _loss(model: _Model, samples: int, seed: int) -> HeldOutLoss:
    clusters = _clusters([(record.loss_sum, record.tokens) for record in model.records])
    bounds = interval(clusters, samples=samples, seed=seed_of(seed, "loss", model.model))
    return HeldOutLoss(
        model=model.model,
        loss=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        sessions=len(model.records),
        tokens=sum(record.tokens for record in model.records),
        note=bounds.note,
    )


def _difference(model: _Model, against: _Model, samples: int, seed: int) -> LossDifference:
    others = {record.record_id: record for record in against.records}
    clusters = _clusters(
        [
            (record.loss_sum - others[record.record_id].loss_sum, record.tokens)
            for record in model.records
            if record.record_id in others
        ]
    )
    name = (model.model, against.model)
    bounds = interval(clusters, samples=samples, seed=seed_of(seed, "loss", *name))
    return LossDifference(
        model=model.model,
        against=against.model,
        difference=clusters.mean,
        low=bounds.low,
        high=bounds.high,
        p=sign_test(clusters, seed=seed_of(seed, "loss-test", *name)),
        note=bounds.note,
    )


def _clusters(pairs: list[tuple[float, int]]) -> Clusters:
    sums = np.asarray([total for total, _ in pairs], dtype=np.float64)
    counts = np.asarray([count for _, count in pairs], dtype=np.float64)
    return Clusters(sums, counts, constant=bool(np.ptp(sums / counts) == 0))
