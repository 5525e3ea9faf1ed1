"""What is known of a variant after it was trained."""

from __future__ import annotations

from domain.base import Noun


class TrainSummary(Noun):
    """One trained variant."""

    variant: str
    base: str
    """Hub id or folder name of the base, never a path."""
    blend_hash: str
    """SHA-256 of the blend's messages.jsonl, in hex."""
    fingerprint: str
    """Hash of everything the adapter depends on: base, blend, settings and seed."""
    examples: int
    """Sequences, after long sessions were split."""
    steps: int
    supervised_tokens: int
    epochs: float
    """How often the blend was gone through."""
    first_loss: float
    """Mean loss of the first step's tokens, in nats per token."""
    last_loss: float
    seconds: float
    """Time spent in steps, without starting up."""
