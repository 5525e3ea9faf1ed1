"""Preference tuning after fine-tuning: DPO on drafts and their revisions, by TRL's trainer.

DPO (Rafailov et al., 2023) raises the likelihood of the preferred answer against the other one,
measured from the adapter that it starts with; `beta` says how dear it is to move away from that.
"""

from __future__ import annotations

import importlib.util
import json
import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel

from corpus.chatform import fit_template
from corpus.files import write_text
from corpus.folders import at_once
from corpus.preference import preference_pairs
from domain.base import Noun
from domain.errors import TrainingError
from domain.progress import Progress, silent
from training.card import CARD_FILE
from training.method import generation_config
from training.models import base_name, check_causal, hush, load_base, load_tokenizer
from training.summary import LOG_FILE
from training.weights import check_adapter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    from corpus.preference import PreferencePair
    from domain.runfolder import RunFolder
    from domain.settings import PreferenceSettings, Settings

SUFFIX, SUMMARY_FILE, STAGE = "-dpo", "preference.json", "preference tuning"
HELD_OUT_EVERY = 5
"""Every fifth session's pairs are kept out, to see whether the preference carries over."""
_CARD = Path(__file__).parent / "data" / "preference-card.md"


class PreferenceSummary(Noun):
    """One tuned adapter, and how it does on pairs that it was not tuned on."""

    variant: str
    started_from: str
    base: str
    pairs: int
    steps: int
    held_out_pairs: int
    held_out_loss: float
    """DPO's loss; ln 2 = 0.693 is that of the adapter it started from."""
    held_out_accuracy: float
    """Share of held-out pairs whose chosen answer gained on the rejected one."""
    held_out_margin: float
    """By how much, in nats times beta."""


def check_trl() -> None:
    """See that TRL is installed.

    Raises:
        TrainingError: It is not.
    """
    if importlib.util.find_spec("trl") is None:
        raise TrainingError(
            "preference tuning needs TRL, which is not installed",
            where="rehearsal train preference",
            expected="the package trl, 1.0 or later",
            got="no such package",
            mend='pip install -e ".[preference]", or pip install "trl>=1.0"',
        )


def tune(
    settings: Settings,
    folder: RunFolder,
    base: Path | str,
    variant: str,
    progress: Progress = silent,
) -> PreferenceSummary:
    """Go on from the adapter `variant`; write the tuned one beside it, as `<variant>-dpo`.

    Raises:
        TrainingError: TRL is missing, the variant has no adapter, or the base cannot be used.
        BlendError: The campaign has too few pairs.
        StoreError: The sessions cannot be read or the adapter not written.
    """
    start = folder.adapters / variant
    if not (start / "adapter_config.json").is_file():
        raise TrainingError(
            "there is no adapter to go on from",
            where=str(start),
            expected=f"a LoRA adapter of this run: {_adapters(folder)}",
            got="a whole model" if (start / "config.json").is_file() else "none",
            mend="Train the variant first, with training.method: lora.",
        )
    check_trl()
    hush()
    check_adapter(start)
    check_causal(str(base))
    tokenizer, wanted = load_tokenizer(str(base)), settings.training.preference
    pairs, _ = preference_pairs(folder)
    learned, asked = divide(pairs)
    model = _trainable(str(base), start)
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _trainer(model, tokenizer, learned, asked, wanted, settings.seed, Path(scratch))
        steps = math.ceil(len(learned) * wanted.epochs / wanted.batch)
        progress(STAGE, 0, steps, f"{len(learned)} pairs")
        trainer.train()
        measured = trainer.evaluate()
        progress(STAGE, steps, steps)
    summary = PreferenceSummary(
        variant=f"{variant}{SUFFIX}",
        started_from=variant,
        base=base_name(str(base)),
        pairs=len(learned),
        steps=int(trainer.state.global_step),
        held_out_pairs=len(asked),
        held_out_loss=measured["eval_loss"],
        held_out_accuracy=measured["eval_rewards/accuracies"],
        held_out_margin=measured["eval_rewards/margins"],
    )
    log = [row for row in trainer.state.log_history if "loss" in row]
    _write(folder.adapters / summary.variant, model, tokenizer, summary, wanted, log)
    return summary


def _adapters(folder: RunFolder) -> str:
    found = sorted(path.parent.name for path in folder.adapters.glob("*/adapter_config.json"))
    return ", ".join(found) or "none yet"


def divide(
    pairs: Sequence[PreferencePair],
) -> tuple[list[PreferencePair], list[PreferencePair]]:
    """Return the pairs to learn and those to ask; a session's pairs are never on both sides.

    Raises:
        TrainingError: There are pairs of fewer than two sessions.
    """
    sessions = list(dict.fromkeys(pair.session for pair in pairs))
    kept_out = set(sessions[::HELD_OUT_EVERY])
    learned = [pair for pair in pairs if pair.session not in kept_out]
    if not learned:
        raise TrainingError(
            "there are too few preference pairs",
            expected="pairs of at least two sessions",
            got=f"{len(pairs)} pairs of {len(sessions)} sessions",
            mend="Run a larger campaign, with campaign.revisions of 1 or more.",
        )
    return learned, [pair for pair in pairs if pair.session in kept_out]


def rows_of(
    tokenizer: PreTrainedTokenizerBase, pairs: Sequence[PreferencePair], max_length: int
) -> list[dict[str, Any]]:
    """Return the pairs as TRL's conversational rows.

    A prompt that is too long loses its oldest exchanges, never the system message or the turn that
    is answered.
    """
    rows = []
    for pair in pairs:
        plain = {
            name: [message.model_dump() for message in getattr(pair, name)]
            for name in ("prompt", "chosen", "rejected")
        }
        prompt, answers = plain["prompt"], (plain["chosen"], plain["rejected"])
        head = [one for one in prompt[:1] if one["role"] == "system"]
        rest = prompt[len(head) :]
        while True:
            fitted = fit_template(tokenizer, [*head, *rest])
            lengths = [len(_ids(tokenizer, [*fitted, *answer])) for answer in answers]
            if max(lengths) <= max_length or len(rest) <= 2:
                break
            rest = rest[2:]
        rows.append({**plain, "prompt": fitted})
    return rows


def _ids(tokenizer: PreTrainedTokenizerBase, messages: list[dict[str, str]]) -> list[int]:
    ids: Any = tokenizer.apply_chat_template(messages, return_dict=False)
    return list(ids)


def _trainable(base: str, start: Path) -> Any:  # noqa: ANN401 - a PeftModel
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model: Any = load_base(base, device)
    return PeftModel.from_pretrained(model, str(start), is_trainable=True)


def _trainer(
    model: Any,  # noqa: ANN401 - a PeftModel
    tokenizer: PreTrainedTokenizerBase,
    learned: Sequence[PreferencePair],
    asked: Sequence[PreferencePair],
    wanted: PreferenceSettings,
    seed: int,
    scratch: Path,
) -> Any:  # noqa: ANN401 - TRL is optional
    from datasets import Dataset
    from transformers.trainer_callback import PrinterCallback
    from trl.trainer.dpo_config import DPOConfig
    from trl.trainer.dpo_trainer import DPOTrainer

    on_cpu = not torch.cuda.is_available()
    config = DPOConfig(
        output_dir=str(scratch),
        beta=wanted.beta,
        learning_rate=wanted.learning_rate,
        num_train_epochs=wanted.epochs,
        per_device_train_batch_size=wanted.batch,
        # TRL's accuracy and margin are means over batches of each batch's mean: in uneven batches
        # pairs would weigh differently.
        per_device_eval_batch_size=1,
        max_length=wanted.max_length,
        gradient_checkpointing=False,
        use_cpu=on_cpu,
        bf16=not on_cpu and torch.cuda.is_bf16_supported(),
        logging_steps=1,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
        seed=seed,
    )
    make: Any = DPOTrainer
    trainer = make(
        model=model,
        args=config,
        processing_class=tokenizer,
        train_dataset=Dataset.from_list(rows_of(tokenizer, learned, wanted.max_length)),
        eval_dataset=Dataset.from_list(rows_of(tokenizer, asked, wanted.max_length)),
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _write(
    target: Path,
    model: Any,  # noqa: ANN401 - a PeftModel
    tokenizer: PreTrainedTokenizerBase,
    summary: PreferenceSummary,
    wanted: PreferenceSettings,
    log: Sequence[dict[str, Any]],
) -> None:
    """Write the tuned adapter, without the copy that TRL measures against."""

    def fill(making: Path) -> None:
        model.peft_config["default"].base_model_name_or_path = summary.base
        model.save_pretrained(
            str(making), selected_adapters=["default"], save_embedding_layers=False
        )
        generation_config(model.get_base_model(), tokenizer).save_pretrained(str(making))
        lines = [json.dumps(row) + "\n" for row in log]
        (making / LOG_FILE).write_text("".join(lines), encoding="utf-8")
        write_text(making / SUMMARY_FILE, summary.model_dump_json(indent=2) + "\n")
        card = _CARD.read_text(encoding="utf-8")
        facts = {**summary.model_dump(), **wanted.model_dump()}
        write_text(making / CARD_FILE, card.format_map(facts))

    at_once(target, fill, "the adapter")
