"""The legs of TRL's SFTTrainer and transformers' Trainer, by their public settings only."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import datasets
import torch
from safetensors.torch import save_file
from transformers import DataCollatorForSeq2Seq, PrinterCallback, Trainer, TrainingArguments

from benchmarks.tuning.bout import SEED, Bout, Sequences, accumulation
from benchmarks.tuning.lap import TuningLap, clock, memory, resident_mb
from training.method import add_lora
from training.models import hush, load_base, load_tokenizer
from training.schedule import rate_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.tuning.dressing import Dressing

IGNORED = -100
"""The label that takes no loss."""


class UnfitError(ValueError):
    """These settings cannot take the same number of steps on the same sequences."""


class StockLeg:
    """Trains on the same sequences, from the same first adapter, at the same rates."""

    def __init__(self, bout: Bout, dressing: Dressing, name: str, exact: bool = True) -> None:
        """Be ready; without `exact`, a step may be a little more or less than ours (for trying)."""
        hush()
        datasets.disable_progress_bars()
        torch.set_num_threads(dressing.threads)
        self._bout, self._dressing, self._name, self._exact = bout, dressing, name, exact
        self._tokenizer = load_tokenizer(bout.base)
        self._sequences = Sequences.read(bout.sequences)
        if dressing.trainer == "trl":
            import trl.trainer.sft_trainer  # noqa: F401 - imported before memory is first looked at
        self._data = dataset_of(self._sequences)
        self._start_mb = resident_mb()

    def lap(self, steps: int) -> TuningLap:
        """Take the first `steps` steps from the beginning."""
        lap, bout = TuningLap(), self._bout
        seen = Seen()
        with memory(lap, bout.device, self._start_mb), tempfile.TemporaryDirectory() as folder:
            model = self._model()
            model.register_forward_pre_hook(seen.note, with_kwargs=True)
            trainer = self._trainer(model, folder, steps)
            trainer.remove_callback(PrinterCallback)  # stdout carries our results only
            with clock(lap, bout.device):
                trainer.train()
        lap.steps = trainer.state.global_step
        lap.supervised, lap.tokens, lap.computed = seen.supervised, seen.tokens, seen.computed
        lap.adapter = str(Path(bout.scratch) / f"{self._name}.safetensors")
        learned = {n: w.detach().cpu() for n, w in model.named_parameters() if w.requires_grad}
        save_file(learned, lap.adapter)
        return lap

    def _model(self) -> Any:  # noqa: ANN401 - a PEFT model
        torch.manual_seed(SEED)  # the same adapter as ours
        device = torch.device(self._bout.device)
        base = load_base(self._bout.base, device, self._bout.settings.precision)
        base.set_attn_implementation(self._dressing.attention)
        return add_lora(base, self._bout.settings.lora, "base")

    def _trainer(self, model: Any, folder: str, steps: int) -> Trainer:  # noqa: ANN401 - see above
        """Build the trainer; the optimiser and the rates are ours, handed in as it allows."""
        settings, dressing = self._bout.settings, self._dressing
        weights = [weight for weight in model.parameters() if weight.requires_grad]
        fused = dressing.optimizer == "fused"
        optimizer = torch.optim.AdamW(
            weights, settings.peak_rate, weight_decay=0.0, fused=fused, foreach=not fused
        )
        rate: Callable[[int], float] = lambda step: rate_at(  # noqa: E731 - a schedule in a line
            step / self._bout.steps, settings.warmup_share
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
        asked: dict[str, Any] = {
            "model": model,
            "train_dataset": self._data,
            "processing_class": self._tokenizer,
            "optimizers": (optimizer, schedule),
        }
        if dressing.trainer == "trl":
            from trl.trainer.sft_trainer import SFTTrainer

            return SFTTrainer(args=self._sft(folder, steps), **asked)
        collator = DataCollatorForSeq2Seq(self._tokenizer, label_pad_token_id=IGNORED)
        arguments = TrainingArguments(**self._common(folder, steps, len(self._data)))
        return Trainer(args=arguments, data_collator=collator, **asked)

    def _sft(self, folder: str, steps: int) -> Any:  # noqa: ANN401 - an SFTConfig
        from trl.data_utils import pack_dataset
        from trl.trainer.sft_config import SFTConfig

        dressing, longest = self._dressing, int(self._sequences.lengths.max())
        rows = len(self._data)
        room = dressing.packed * longest
        if room:
            rows = len(pack_dataset(self._data, room, "bfd"))
        cut = None if dressing.padding_free else room or longest
        return SFTConfig(
            **self._common(folder, steps, rows),
            packing=bool(dressing.packed),
            packing_strategy="bfd",
            padding_free=dressing.padding_free,
            max_length=cut,
        )

    def _common(self, folder: str, steps: int, rows: int) -> dict[str, Any]:
        bout, dressing = self._bout, self._dressing
        batches = -(-rows // dressing.rows)
        gathered = accumulation(batches, bout.steps)
        if not self._exact:
            gathered = max(1, round(batches / bout.steps))
        if gathered is None:
            raise UnfitError(f"{batches} batches cannot be shared out over {bout.steps} steps")
        return {
            "output_dir": folder,
            "per_device_train_batch_size": dressing.rows,
            "gradient_accumulation_steps": gathered,
            "num_train_epochs": 1,
            "max_steps": steps if steps < bout.steps else -1,
            "train_sampling_strategy": dressing.sampling,
            "max_grad_norm": bout.settings.gradient_clip,
            "gradient_checkpointing": False,
            "bf16": bout.device != "cpu",
            "use_cpu": bout.device == "cpu",
            "dataloader_num_workers": dressing.workers,
            "dataloader_pin_memory": bout.device != "cpu",
            "logging_strategy": "no",
            "save_strategy": "no",
            "report_to": "none",
            "use_liger_kernel": dressing.liger,
            "disable_tqdm": True,
            "seed": SEED,
        }


class TryingLeg:
    """Takes one step with one set-up after the other, in one process; the first is for warming."""

    def __init__(self, bout: Bout) -> None:
        self._bout = bout

    def lap(self, dressing: Dressing) -> TuningLap | str:
        """Take one step; return what it cost, or why the set-up does not work."""
        try:
            # Packed rows are dealt from the fullest on; a random one may be nearly empty.
            sampling = "sequential" if dressing.sampling == "random" else dressing.sampling
            tried = replace(dressing, sampling=sampling)
            return StockLeg(self._bout, tried, "tried", exact=False).lap(1)
        except Exception as error:  # noqa: BLE001 - libraries refuse in their own ways; it is reported
            return f"{type(error).__name__}: {error}"


class Seen:
    """Counts what goes through the model, from outside."""

    def __init__(self) -> None:
        self.supervised = self.tokens = self.computed = 0

    def note(self, _: torch.nn.Module, inputs: tuple[Any, ...], named: dict[str, Any]) -> None:
        """Look at one forward pass."""
        ids, labels = named["input_ids"], named["labels"]
        mask = named.get("attention_mask")
        self.computed += ids.numel()
        self.tokens += ids.numel() if mask is None else int(mask.sum())
        self.supervised += int((labels[..., 1:] != IGNORED).sum())


def dataset_of(sequences: Sequences) -> datasets.Dataset:
    """The sequences with the labels that TRL would make of an assistant mask."""
    rows = sequences.rows()
    return datasets.Dataset.from_dict(
        {
            "input_ids": [tokens.tolist() for tokens, _ in rows],
            "labels": [
                [token if learned else IGNORED for token, learned in zip(*pair, strict=True)]
                for pair in ((tokens.tolist(), learned.tolist()) for tokens, learned in rows)
            ],
        }
    )
