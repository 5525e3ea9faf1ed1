"""A run's own comparison: made from its signed and its synthetic records, kept beside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from corpus.canaries import canaries
from corpus.compare.compare import compare
from corpus.compare.figures import draw_figures
from corpus.compare.result import Comparison
from corpus.compare.side import side_of
from corpus.files import read_noun, read_records, write_text
from corpus.signoff import signed_records
from domain.errors import CompareError

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder
    from domain.settings import Settings


def compare_run(settings: Settings, folder: RunFolder) -> Comparison | None:
    """Compare a run's real and synthetic records; write `corpus/compare.json` and its figures.

    None, and nothing is written, where one of them is missing or too small to compare: a run may
    well have no synthetic side.

    Raises:
        SignOffNeededError: Real records are not signed off.
        ConfigError, CompareError: `corpus.compare` cannot be used.
        StoreError: A file cannot be read or written.
    """
    asked, seed = settings.corpus.compare, settings.seed
    real = side_of("real", signed_records(folder), asked.sessions, seed)
    made = side_of("synthetic", read_records(folder.synthetic), asked.sessions, seed)
    try:
        found = compare(real, made, asked, seed, canaries=planted(settings))
    except CompareError:
        if asked.encoder is not None:
            raise
        return None
    write_text(folder.comparison, found.model_dump_json(indent=2) + "\n")
    draw_figures(found, folder.comparison_figures)
    return found


def read_comparison(folder: RunFolder) -> Comparison | None:
    """Return what `compare_run` wrote; None where the run has not been compared.

    Raises:
        StoreError: The file is damaged.
    """
    if not folder.comparison.is_file():
        return None
    return read_noun(
        folder.comparison,
        Comparison,
        "the comparison cannot be read",
        mend="Make it again with `rehearsal corpus compare`.",
    )


def planted(settings: Settings) -> tuple[str, ...]:
    """Return what the canaries say that a run plants in its blends (`corpus.canaries`)."""
    every = canaries(settings.corpus.canaries, settings.seed)
    return tuple(turn.text for record, _ in every for turn in record.therapist_turns)


def read_canaries(path: Path) -> tuple[str, ...]:
    """Return canaries: a JSON list of sentences, or one to a line.

    Raises:
        CompareError: The file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CompareError(
            "the canaries cannot be read", where=str(path), expected="text, a sentence to a line",
            got=str(error), mend="Check the path.",
        ) from error  # fmt: skip
    try:
        values = json.loads(text)
    except ValueError:
        values = text.splitlines()
    if isinstance(values, dict):
        values = values.get("canaries", [])
    return tuple(
        str(one["text"]) if isinstance(one, dict) and "text" in one else str(one)
        for one in values if str(one).strip()
    )  # fmt: skip
