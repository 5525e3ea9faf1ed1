"""The model card of what was trained: what of, how, how well, and what it is not for."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.files import write_text
from corpus.manifest import MANIFEST, Manifest
from domain.errors import StoreError
from training.summary import read_log, read_summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from domain.runfolder import RunFolder
    from domain.settings import TrainingSettings
    from training.summary import TrainSummary

CARD_FILE = "README.md"
CURVE_ROWS = 9
"""Steps that the card shows of the loss; train-log.jsonl has all of them."""
_TEMPLATES = Path(__file__).parent / "data"


@dataclass(frozen=True)
class CardFacts:
    """What a card tells; the blend and the held-out losses where they are known."""

    summary: TrainSummary
    settings: TrainingSettings
    log: Sequence[Mapping[str, float]]
    manifest: Manifest | None = None
    manifest_hash: str = ""
    held_out: Any = None
    """`HeldOutLosses`, which has measured this variant and its base."""

    @property
    def curve(self) -> list[Mapping[str, float]]:
        """Steps spread evenly over the log, the first and the last among them."""
        last = len(self.log) - 1
        shown = {round(last * part / (CURVE_ROWS - 1)) for part in range(CURVE_ROWS)}
        return [self.log[index] for index in sorted(shown)]


def card_of(facts: CardFacts, template: str = "adapter-card.md") -> str:
    """Return the card as Markdown."""
    from jinja2 import Environment, StrictUndefined

    # Markdown for people to read, not a page for a browser: nothing to escape.
    environment = Environment(  # noqa: S701
        undefined=StrictUndefined, keep_trailing_newline=True, trim_blocks=True
    )
    made = environment.from_string((_TEMPLATES / template).read_text(encoding="utf-8"))
    return made.render(
        summary=facts.summary,
        settings=facts.settings,
        curve=facts.curve,
        manifest=facts.manifest,
        manifest_hash=facts.manifest_hash,
        held_out=facts.held_out,
        kind=kind_of(facts.settings),
    )


def kind_of(settings: TrainingSettings) -> str:
    """Name the method in a few words."""
    if settings.method == "full":
        return "full fine-tuning"
    lora = settings.lora
    kinds = [("QLoRA", lora.qlora), ("DoRA", lora.dora), ("rsLoRA", lora.rslora)]
    return " with ".join(name for name, is_on in kinds if is_on) or "LoRA"


def write_card(settings: TrainingSettings, folder: RunFolder, variant: str) -> None:
    """Write a trained variant's card anew, with its blend and what was measured since.

    Raises:
        StoreError: It cannot be written, or the variant's files cannot be read.
    """
    from training.heldout import read_held_out

    trained, manifest = folder.adapters / variant, folder.blend(variant) / MANIFEST
    summary = read_summary(trained)
    if summary is None:
        raise StoreError("the variant has not been trained", where=str(trained))
    held_out = read_held_out(folder)
    measured = held_out is not None and {variant, "base"} <= {one.model for one in held_out.models}
    facts = CardFacts(
        summary,
        settings,
        read_log(trained),
        manifest_of(manifest),
        hashlib.sha256(manifest.read_bytes()).hexdigest() if manifest.is_file() else "",
        held_out if measured else None,
    )
    write_text(trained / CARD_FILE, card_of(facts))


def manifest_of(path: Path) -> Manifest | None:
    """Return a blend's manifest, None where there is none that can be read."""
    try:
        return Manifest.model_validate(json.loads(path.read_bytes()))
    except (OSError, ValueError):
        return None
