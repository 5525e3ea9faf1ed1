"""How likely each adapter finds the canaries of its blend, beside numbers that nobody planted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from corpus.canaries import Exposure, canaries, exposure, strangers, write_exposures
from corpus.chatform import messages_of
from domain.progress import Progress, silent
from training.examples import Conversation, build_examples
from training.heldout import losses_under, plain
from training.models import hush, load_tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from domain.record import Record
    from domain.runfolder import RunFolder
    from domain.settings import Settings

STRANGERS = 99
"""Numbers that each canary is ranked among: 100 with its own, so at most 6.6 bits."""
STAGE = "canaries"


def measure_canaries(
    settings: Settings,
    folder: RunFolder,
    base: str,
    variants: Sequence[str],
    progress: Progress = silent,
) -> dict[str, tuple[Exposure, ...]]:
    """Rank every canary under the base and each variant; write training/canaries.json.

    The base saw none of them: its exposures are what chance gives.

    Raises:
        TrainingError: The base or an adapter cannot be used.
        StoreError: The result cannot be written.
    """
    hush()
    planted = canaries(settings.corpus.canaries, settings.seed)
    lists = [
        [record, *strangers(number, settings.seed, STRANGERS)]
        for number, (record, _) in enumerate(planted)
    ]
    tokenizer = load_tokenizer(base)
    examples = build_examples(
        tokenizer,
        [_conversation(record) for own in lists for record in own],
        settings.training.max_length,
    )
    found: dict[str, tuple[Exposure, ...]] = {}
    for done, name in enumerate(("base", *variants)):
        progress(STAGE, done, len(variants) + 1, name)
        losses = losses_under(base, None if name == "base" else folder.adapters / name, examples)
        rows = [losses[at : at + 1 + STRANGERS] for at in range(0, len(losses), 1 + STRANGERS)]
        found[name] = tuple(
            exposure(row[0], row[1:], often) for row, (_, often) in zip(rows, planted, strict=True)
        )
    progress(STAGE, len(variants) + 1, len(variants) + 1)
    write_exposures(folder, found)
    return found


def _conversation(record: Record) -> Conversation:
    return Conversation(record.id, plain(messages_of(record.turns)))
