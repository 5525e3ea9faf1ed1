"""Attention that keeps packed sequences apart, registered with transformers.

A row holds several sessions end to end. Each may look at itself only. The segments' borders reach
the attention function as `cu_seq_lens_q` and `max_length_q`, the keywords that transformers hands
through for flash attention; as keywords, not as a context, they are still there when activation
checkpointing computes a layer a second time. No mask is built: a dense one costs T x T.
"""

from __future__ import annotations

import importlib.util
from inspect import signature
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface

if TYPE_CHECKING:
    from training.batches import MicroBatch

SEGMENTS, VARLEN, MASK, ALONE = "segments", "varlen", "mask", "alone"
FLASH, FLEX = "flash", "flex"
_NAMES = {
    SEGMENTS: "rehearsal_segments",
    VARLEN: "rehearsal_varlen",
    FLASH: "flash_attention_2",
    FLEX: "flex_attention",
}
"""What transformers knows each kind by. `mask` and `alone` leave the model as it was loaded:
transformers builds a block mask from the positions, or each row holds one sequence."""


class SegmentsLostError(RuntimeError):
    """The model did not hand the segments' borders to its attention."""


def candidates(asked: str, device: torch.device) -> list[str]:
    """Kinds of attention to try on a model, best first; only the one asked for unless `auto`."""
    if asked != "auto":
        return [asked]
    if device.type != "cuda":
        return [SEGMENTS, MASK, ALONE]
    flash = [FLASH] if importlib.util.find_spec("flash_attn") else []
    # Segment by segment took 16% more tokens a second than flex at 1B on an H200: docs/training.md.
    return [VARLEN, *flash, SEGMENTS, FLEX, MASK, ALONE]


def use(model: Any, kind: str, loaded_with: str) -> None:  # noqa: ANN401 - any causal LM
    """Make `model` compute attention in this way.

    Raises:
        ValueError, ImportError, RuntimeError: transformers cannot do so.
    """
    name = _NAMES.get(kind, loaded_with)
    model.set_attn_implementation(name)
    if model.config._attn_implementation != name:
        raise ValueError(f"{type(model).__name__} keeps its own attention")


def borders(kind: str, batch: MicroBatch, device: torch.device) -> dict[str, Any]:
    """The keywords that tell the attention where each sequence of a row begins."""
    if kind in {MASK, ALONE, FLEX}:
        return {}
    starts = torch.from_numpy(batch.starts)
    if kind != SEGMENTS:  # kernels read them on the device; slicing reads them here
        starts = starts.to(device)
    longest = batch.longest
    return {
        "cu_seq_lens_q": starts,
        "cu_seq_lens_k": starts,
        "max_length_q": longest,
        "max_length_k": longest,
    }


def attend_by_segment(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **others: Any,  # noqa: ANN401 - transformers' signature
) -> tuple[torch.Tensor, None]:
    """Scaled dot-product attention over one segment after the other.

    Args:
        module: The attention layer, which is causal.
        query: [1, H, T, D]; `key` and `value` [1, H or fewer, T, D].
        key: See `query`.
        value: See `query`.
        attention_mask: None.
        dropout: Of the attention weights.
        scaling: Of the scores; 1 / sqrt(D) if None.
        cu_seq_lens_q: [S + 1] where segments begin, and T.
        sliding_window: How many tokens back a token sees, itself included; all if None.
        softcap: Scores become softcap * tanh(score / softcap), as in Gemma 2.
        **others: Whatever else the model hands on.

    Returns:
        [1, T, H, D] and None.

    Raises:
        SegmentsLostError: The model did not hand on the borders, or needs what is not done here.
    """
    starts = _checked(module, query, cu_seq_lens_q, others)
    if key.shape[1] != query.shape[1]:
        repeats = query.shape[1] // key.shape[1]
        key, value = (one.repeat_interleave(repeats, dim=1) for one in (key, value))
    # Splitting, unlike slicing, puts the gradients together in one piece.
    lengths = starts.diff().tolist()
    parts = zip(*(torch.split(one, lengths, dim=2) for one in (query, key, value)), strict=True)
    windows = (sliding_window if sliding_window and sliding_window < n else None for n in lengths)
    attended = [
        _attend(part, dropout, scaling, window, softcap).transpose(1, 2)
        for part, window in zip(parts, windows, strict=True)
    ]
    return (attended[0] if len(attended) == 1 else torch.cat(attended, dim=1)), None


def attend_varlen(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    cu_seq_lens_q: torch.Tensor | None = None,
    max_length_q: int = 0,
    sliding_window: int | None = None,
    softcap: float | None = None,
    **others: Any,  # noqa: ANN401 - transformers' signature
) -> tuple[torch.Tensor, None]:
    """The same through `torch.nn.attention.varlen`: one kernel for all segments, on CUDA."""
    from torch.nn.attention.varlen import varlen_attn

    starts = _checked(module, query, cu_seq_lens_q, others)
    if softcap is not None or dropout:
        raise SegmentsLostError("varlen attention has neither soft caps nor dropout")
    known = signature(varlen_attn).parameters
    asked: dict[str, Any] = {"scale": scaling, "window_size": (-1, 0)}
    if sliding_window:
        asked["window_size"] = (sliding_window - 1, 0)
    if key.shape[1] != query.shape[1]:
        if "enable_gqa" in known:
            asked["enable_gqa"] = True
        else:  # torch 2.11
            repeats = query.shape[1] // key.shape[1]
            key, value = (one.repeat_interleave(repeats, dim=1) for one in (key, value))
    if not asked.keys() <= known.keys():
        raise SegmentsLostError(
            f"torch {torch.__version__} has another varlen_attn than 2.11 and on"
        )
    rows = [one[0].transpose(0, 1) for one in (query, key, value)]
    compute: Any = varlen_attn  # its signature differs from version to version
    attended = compute(*rows, starts, starts, max_length_q, max_length_q, **asked)
    return attended.unsqueeze(0), None


def no_mask(*_: Any, **__: Any) -> None:  # noqa: ANN401 - transformers' signature
    """Build no mask: the segments say who sees whom."""


def _checked(
    module: torch.nn.Module,
    query: torch.Tensor,
    starts: torch.Tensor | None,
    others: dict[str, Any],
) -> torch.Tensor:
    """Refuse what would be computed wrongly in silence."""
    if starts is None:
        raise SegmentsLostError(f"{type(module).__name__} was not told where segments begin")
    causal = others.get("is_causal")
    if causal is None:
        causal = getattr(module, "is_causal", True)
    if not causal or others.get("s_aux") is not None or others.get("position_bias") is not None:
        raise SegmentsLostError(f"{type(module).__name__} is not plain causal attention")
    if query.shape[0] != 1:
        raise SegmentsLostError("a packed row is a batch of one")
    return starts


def _attend(
    part: tuple[torch.Tensor, torch.Tensor, torch.Tensor],
    dropout: float,
    scaling: float | None,
    window: int | None,
    softcap: float | None,
) -> torch.Tensor:
    query, key, value = part
    if window is None and softcap is None:
        return functional.scaled_dot_product_attention(
            query, key, value, dropout_p=dropout, is_causal=True, scale=scaling
        )
    length = query.shape[2]
    seen = torch.ones(length, length, dtype=torch.bool, device=query.device).tril()
    if window is not None:
        seen = seen.triu(1 - window)
    if softcap is None:
        return functional.scaled_dot_product_attention(
            query, key, value, attn_mask=seen, dropout_p=dropout, scale=scaling
        )
    scores = query @ key.transpose(2, 3) * (query.shape[-1] ** -0.5 if scaling is None else scaling)
    scores = (softcap * torch.tanh(scores / softcap)).masked_fill(~seen, float("-inf"))
    weights = functional.softmax(scores, dim=-1, dtype=torch.float32).to(query.dtype)
    return functional.dropout(weights, dropout) @ value


# Lengths differ from row to row: a compiled layer steps out here rather than be compiled anew.
_outside: Any = torch.compiler.disable
AttentionInterface.register(_NAMES[SEGMENTS], _outside(attend_by_segment))
AttentionInterface.register(_NAMES[VARLEN], _outside(attend_varlen))
for _name in (_NAMES[SEGMENTS], _NAMES[VARLEN]):
    AttentionMaskInterface.register(_name, no_mask)
