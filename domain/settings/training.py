"""What is trained on what, and how: fine-tuning, LoRA, preference tuning."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from domain.base import Noun

Variant = Literal["real", "synthetic", "hybrid", "real-oversampled", "shuffled"]
TrackerName = Literal["tensorboard", "mlflow", "wandb"]


TINY = "tiny"
TINY_RATE, LARGE_RATE = 1e-2, 2e-4
"""Usual peak rates: of the tiny base, chosen on held-out AnnoMI sessions (docs/training.md), and of
LoRA on models of a billion parameters and more (Hu et al., 2021, table 12)."""


class LoraSettings(Noun):
    """LoRA as in Hu et al., 2021; names follow PEFT's LoraConfig."""

    r: int = Field(default=16, ge=1)
    """Rank of the update."""
    alpha: int = Field(default=32, ge=1)
    """The update is scaled by alpha / r."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Dropout before the update, while training."""
    target_modules: str | tuple[str, ...] = "all-linear"
    """Layers that get one, by name; `all-linear` takes every linear one."""
    rslora: bool = False
    """Scale by alpha / √r rather than alpha / r (Kalajdzievski, 2023): for high ranks."""
    dora: bool = False
    """Learn direction and magnitude apart (DoRA; Liu et al., 2024); slower per step."""
    qlora: bool = False
    """Keep the frozen base in 4 bits (NF4, twice quantised; Dettmers et al., 2023). Needs
    bitsandbytes."""


class PreferenceSettings(Noun):
    """Preference tuning (DPO; Rafailov et al., 2023) on drafts and what a rewind made of them."""

    beta: float = Field(default=0.1, gt=0)
    """How dear it is to move away from the adapter that is tuned."""
    learning_rate: float = Field(default=5e-6, gt=0)
    """Peak rate; a tenth or less of fine-tuning's."""
    epochs: float = Field(default=1.0, gt=0)
    """How often the pairs are gone through."""
    batch: int = Field(default=8, ge=1)
    """Pairs in one optimiser step."""
    max_length: int = Field(default=1024, ge=64)
    """Tokens of prompt and answer together; a longer prompt loses its oldest turns."""


class TrainingSettings(Noun):
    """What is trained on what. Every variant sees the same number of supervised tokens."""

    base: str = TINY
    """A causal LM by path or hub id; `tiny` trains a small Llama here."""
    variants: tuple[Variant, ...] = ("real", "synthetic", "hybrid")
    """Blends that an adapter is trained on."""
    method: Literal["lora", "full"] = "lora"
    """`full` trains every weight and writes a whole model in place of an adapter."""
    lora: LoraSettings = LoraSettings()
    preference: PreferenceSettings = PreferenceSettings()
    """For `rehearsal train preference`, after fine-tuning."""
    supervised_tokens: int = Field(default=60_000, ge=1)
    """Tokens with a loss that each variant is trained on."""
    tokens_per_step: int = Field(default=2_000, ge=1)
    """Supervised tokens that go into one optimiser step, over all workers."""
    max_length: int = Field(default=1024, ge=64)
    """Longest sequence, in tokens."""
    learning_rate: float | None = Field(default=None, gt=0)
    """Peak rate. Null is 1e-2 for the base `tiny`, which learned nothing at 2e-4, and 2e-4 for any
    other, which is usual for LoRA on models of 1B and more."""
    warmup_share: float = Field(default=0.1, ge=0, lt=1)
    """Share of the steps over which the rate rises to its peak."""
    workers: int | tuple[int, int] = 1
    """Workers of one variant; variants are trained side by side. `[fewest, most]` lets Ray begin
    with as many as there is room for, and go on with more or fewer as machines come and go."""
    use_gpu: bool = False
    """Whether each worker takes a GPU."""
    batch_tokens: int | None = Field(default=None, ge=64)
    """Tokens of one forward pass: sessions are packed into rows of at most so many. It changes
    memory and rounding, not what is learned; a session longer than this is a row of its own. Null
    is 1,024 on a CPU and 8,192 on a GPU, halved where memory runs out."""
    attention: Literal["auto", "varlen", "flash", "flex", "segments", "mask", "alone"] = "auto"
    """How packed sessions are kept apart; `auto` takes the first that proves right on the base."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the base's weights; `auto` is float32 on a CPU and as stored on a GPU. What is trained is
    float32 in any case."""
    parallel: Literal["ddp", "fsdp"] = "ddp"
    """With several workers: a whole base on each, or its weights shared out for large ones."""
    activation_checkpointing: bool = False
    """Compute each layer a second time in the backward pass rather than keep what it made."""
    compile: bool = False
    """Compile the decoder layers with torch.compile."""
    liger: bool = False
    """Use Liger's kernels, where that package is installed."""
    keep_order: bool = False
    """Learn a blend in the order it stands in, on every pass: a curriculum (`corpus.blend.order`).
    Otherwise each pass has an order of its own."""
    gradient_clip: float = Field(default=1.0, gt=0)
    """Largest norm of a step's gradient."""
    patience: int | None = Field(default=None, ge=1)
    """Measurements of the loss on held-out real turns, ten a run, without a new best after which a
    variant stops; the adapter is then the best one. Null trains to the end and keeps the last."""
    checkpoints: int = Field(default=4, ge=1)
    """Checkpoints of a run, evenly, the last one at its end: what a killed worker costs."""
    max_failures: int = Field(default=2, ge=0)
    """How often a variant whose worker died is taken up again from its last checkpoint."""
    storage: str | None = None
    """Where checkpoints are kept: a folder, or an object store such as `s3://bucket/folder`, which
    needs Ray. Null keeps them in the run's folder."""
    trackers: tuple[TrackerName, ...] = ()
    """Where the steps are shown besides the run's folder."""

    @property
    def peak_rate(self) -> float:
        """The peak learning rate: the one that is set, or the usual one of the base."""
        usual = TINY_RATE if self.base == TINY else LARGE_RATE
        return usual if self.learning_rate is None else self.learning_rate

    @field_validator("workers")
    @classmethod
    def _fewest_first(cls, value: int | tuple[int, int]) -> int | tuple[int, int]:
        fewest, most = value if isinstance(value, tuple) else (value, value)
        if not 1 <= fewest <= most:
            raise ValueError("a number of 1 or more, or [fewest, most] with fewest not above most")
        return value

    @field_validator("storage")
    @classmethod
    def _no_secrets(cls, value: str | None) -> str | None:
        if value is not None and "@" in urlsplit(value).netloc:
            raise ValueError("an address without user or password; keys go into the environment")
        return value

    @property
    def fewest_workers(self) -> int:
        """Workers that a variant cannot be trained with fewer than."""
        return self.workers if isinstance(self.workers, int) else self.workers[0]

    @property
    def most_workers(self) -> int:
        """Workers that a variant is trained with where there is room."""
        return self.workers if isinstance(self.workers, int) else self.workers[1]
