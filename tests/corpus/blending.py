"""A run with records to blend, shared by the tests of blends, series, mixing and exports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.files import write_nouns
from corpus.signoff import sign_off
from domain.record import Origin, Quality
from domain.settings import CorpusSettings, Settings, TrainingSettings, Variant
from tests.corpus.builders import record

if TYPE_CHECKING:
    from domain.runfolder import RunFolder

VARIANTS: tuple[Variant, ...] = ("real", "synthetic", "hybrid", "shuffled")
SETTINGS = Settings(name="test", training=TrainingSettings(variants=VARIANTS))


def fill(run: RunFolder) -> RunFolder:
    """Give a run with 20 signed real records, two of them poor, and 6 synthetic ones."""
    real = [record(n, quality=Quality.LOW if n in {3, 9} else Quality.HIGH) for n in range(20)]
    write_nouns(run.quarantine, real)
    sign_off(run, "A Reader")
    write_nouns(
        run.synthetic,
        (record(n, origin=Origin.SYNTHETIC, licence="CC0-1.0") for n in range(100, 106)),
    )
    return run


def with_corpus(**changes: object) -> Settings:
    corpus = CorpusSettings.model_validate(changes)
    return SETTINGS.model_copy(update={"corpus": corpus})
