"""Finds the largest rows that memory holds: halves them when it runs out, and goes on.

A step's loss is a sum over tokens, so it does not matter how they are shared out over rows: the
gradient is the same but for rounding, and for the dropout drawn.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, TypeVar

import torch

from domain.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from domain.settings import TrainingSettings

T = TypeVar("T")

_SAID_BY_CPU = ("not enough memory", "can't allocate memory", "bad_alloc")
"""What torch's allocator for main memory says; it raises a plain RuntimeError."""


ROW_TOKENS = {"cpu": 1_024, "cuda": 8_192}
"""Where nothing else is asked for: rows whose activations a CPU's caches still help with, and rows
that keep a card's matrix units busy. docs/training.md has the measurements."""
SHARED_ROW_TOKENS = 2_048
"""With a shared-out base, whose rows are not halved when memory runs out."""


def row_tokens(settings: TrainingSettings, device: torch.device) -> int:
    """Tokens of one forward pass."""
    if settings.batch_tokens is not None:
        return settings.batch_tokens
    if settings.parallel == "fsdp":
        return SHARED_ROW_TOKENS
    return ROW_TOKENS.get(device.type, ROW_TOKENS["cpu"])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a GPU or on a CPU."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(part in str(error) for part in _SAID_BY_CPU)


def fitting(attempt: Callable[[int], T], tokens: int, longest: int) -> tuple[T, int]:
    """Call `attempt` with rows of `tokens` tokens, and with half as many while memory runs out.

    Args:
        attempt: What may run out of memory; it begins from scratch each time.
        tokens: Tokens of a row to begin with.
        longest: Tokens of the longest sequence. A row of less is one sequence all the same, so
            there is nothing to be had under it.

    Returns:
        What `attempt` returned, and the tokens it was given.

    Raises:
        torch.OutOfMemoryError: One sequence by itself does not fit. On a CPU, RuntimeError.
    """
    while True:
        try:
            return attempt(tokens), tokens
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or tokens <= longest:
                raise
        # Here and not above: while it is handled, the error keeps alive what filled the memory.
        tokens = max(tokens // 2, 1)
        _free()


def too_large(settings: TrainingSettings, where: str, error: BaseException) -> TrainingError:
    """Say what to lower when not even the smallest row fits."""
    lower = [f"Lower training.max_length (now {settings.max_length})"]
    if not settings.activation_checkpointing:
        lower.append("set training.activation_checkpointing: true")
    if settings.parallel == "fsdp":
        lower.append(
            f"lower training.batch_tokens (now {settings.batch_tokens or SHARED_ROW_TOKENS})"
        )
    lower.append("take a smaller base, or a device with more memory")
    return TrainingError(
        "memory ran out",
        where=where,
        expected="room for the base and one session at a time",
        got=str(error).splitlines()[0] if str(error) else type(error).__name__,
        mend=", ".join(lower) + ".",
    )


def _free() -> None:
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
