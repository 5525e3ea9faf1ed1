"""The models under test: one base in memory, and an adapter for each variant."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

from agents.reply import GARBLED
from corpus.chatform import fit_template
from domain.errors import EvaluationError
from evaluation.candidates.adapters import check_adapter
from evaluation.serving.sampling import Row, draw

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from transformers import PreTrainedTokenizerBase

    from evaluation.serving.requests import Message

BASE = "base"
"""Name under which the base is served without any adapter."""
EXACT_PARAMETERS = 200_000_000
"""Up to this size a model on a CPU runs in float64: its rounding, some 1e-15, does not reach a
drawn token, so requests can share a batch."""
BUCKETS = (64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)


@dataclass(frozen=True)
class BatchShape:
    """How requests share a batch without touching each other's answers.

    `rows` requests at most stand in one batch. When `fixed`, every batch has exactly that many
    rows (vacant ones are padding) and a prompt is padded to its own bucket, so a row meets the
    same kernels in any company.
    """

    rows: int
    fixed: bool

    def bucket(self, length: int) -> int:
        """Return the padded length [tokens] for a prompt, 0 where it does not matter."""
        if not self.fixed:
            return 0
        return next((size for size in BUCKETS if size >= length), length)


class ServedModels:
    """A base and its adapters, one at a time in use; not safe for use by two threads."""

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - transformers' models share no type
        tokenizer: PreTrainedTokenizerBase,
        names: Sequence[str],
    ) -> None:
        self._model = model
        self._tokenizer = tokenizer
        self.names = (BASE, *names)
        self._device = next(model.parameters()).device
        accepted = inspect.signature(_bare(model).forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        self.ends = _end_tokens(model, tokenizer)
        self.context = int(getattr(_bare(model).config, "max_position_embeddings", 0) or 2**31)
        self.shape = _shape(model, self._device)

    def encode(self, messages: Sequence[Message]) -> list[int]:
        """Return the token ids of a conversation, up to where the assistant begins to speak.

        Control tokens that stand inside a message are encoded as plain text: what a client
        types must not open or close a turn. A template that takes no system message gets it in
        front of the first user message, as in training.

        Raises:
            jinja2.TemplateError: The model's template refuses this order of roles.
        """
        ids: Any = self._tokenizer.apply_chat_template(
            fit_template(self._tokenizer, [message.model_dump() for message in messages]),
            add_generation_prompt=True,
            sanitize_control_tokens=True,
            return_dict=False,
        )
        return [int(token) for token in ids]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of generated tokens, without control tokens.

        What is no text is left out: a small byte-level model ends within a character, or writes
        bytes that are none, and whoever reads an answer with such signs refuses it whole.
        """
        return GARBLED.sub("", str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)))

    def answer(self, name: str, rows: list[Row]) -> None:
        """Fill `text`, `tokens` and `finish_reason` of rows that all go to model `name`."""
        if isinstance(self._model, PeftModel):
            if name == BASE:
                with self._model.disable_adapter():
                    self._generate(rows)
                return
            self._model.set_adapter(name, inference_mode=True)
        self._generate(rows)

    @torch.inference_mode()
    def _generate(self, rows: list[Row]) -> None:
        ids, mask = self._left_padded(rows)
        cache: Any = None
        for _ in range(max(row.limit for row in rows)):
            output = self._forward(ids, mask, cache)
            cache = output.past_key_values
            tokens = draw(output.logits[: len(rows), -1], rows)
            for row, token in zip(rows, tokens, strict=True):
                self._append(row, token)
            if all(row.done for row in rows):
                return
            vacant = [0] * (ids.shape[0] - len(rows))
            ids = torch.tensor([*tokens, *vacant], device=self._device)[:, None]
            mask = torch.cat([mask, torch.ones_like(mask[:, :1])], dim=1)

    def _left_padded(self, rows: list[Row]) -> tuple[torch.Tensor, torch.Tensor]:
        """Return token ids and mask, both [B, L]; padding stands on the left, mask 0."""
        longest = max(len(row.prompt) for row in rows)
        height = self.shape.rows if self.shape.fixed else len(rows)
        length = self.shape.bucket(longest) or longest
        ids = torch.zeros((height, length), dtype=torch.long)
        mask = torch.zeros((height, length), dtype=torch.long)
        mask[:, -1] = 1  # a vacant row still attends to something: no NaN
        for index, row in enumerate(rows):
            ids[index, length - len(row.prompt) :] = torch.tensor(row.prompt)
            mask[index, length - len(row.prompt) :] = 1
        return ids.to(self._device), mask.to(self._device)

    def _forward(self, ids: torch.Tensor, mask: torch.Tensor, cache: Any) -> Any:  # noqa: ANN401 - transformers' output
        places: dict[str, Any] = {}
        if self._takes_positions:
            positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
            places["position_ids"] = positions[:, -ids.shape[1] :]
        return self._model(
            input_ids=ids,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
            **places,
            **self._last_only,
        )

    def _append(self, row: Row, token: int) -> None:
        if row.done:
            return
        row.tokens.append(token)
        if token in self.ends:
            row.text = self.decode(row.tokens[:-1])
            row.finish_reason = "stop"
            return
        last = len(row.tokens) >= row.limit
        if last or row.sampling.stop:
            row.text = self.decode(row.tokens)
        cuts = [row.text.find(stop) for stop in row.sampling.stop if stop in row.text]
        if cuts:
            row.text = row.text[: min(cuts)]
            row.finish_reason = "stop"
        elif last:
            row.finish_reason = "length"


def load_models(
    base: str | Path,
    adapters: Mapping[str, Path],
    *,
    device: str = "auto",
    local_only: bool = True,
) -> ServedModels:
    """Load a causal LM with a chat template, and LoRA adapters for it, from safetensors only.

    Args:
        base: A folder, or a hub id when `local_only` is off.
        adapters: PEFT folders by the model name they are served under.
        device: `cpu`, `cuda`, or `auto` for a GPU where there is one.
        local_only: Whether nothing is fetched from a hub.

    Raises:
        EvaluationError: A file is missing, is not safetensors, or does not fit the base.
    """
    for name, path in adapters.items():
        check_adapter(name, path)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(base), local_files_only=local_only)
        model: Any = AutoModelForCausalLM.from_pretrained(
            str(base), use_safetensors=True, local_files_only=local_only, dtype="auto"
        )
        for name, path in adapters.items():
            if isinstance(model, PeftModel):
                model.load_adapter(str(path), adapter_name=name)
            else:
                model = PeftModel.from_pretrained(model, str(path), adapter_name=name)
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise EvaluationError(
            "the base or an adapter cannot be loaded",
            where=str(base),
            expected="a causal LM with safetensors weights, and LoRA adapters trained on it",
            got=str(error).splitlines()[0] if str(error) else type(error).__name__,
            mend="train the adapters on this base again, or name the base they were trained on",
        ) from error
    if not tokenizer.chat_template:
        raise EvaluationError(
            "the base has no chat template",
            where=str(base),
            expected="a tokenizer with a chat template",
            mend="use an instruction-tuned base, or add a chat_template to its tokenizer",
        )
    model = model.to(device=device, dtype=_dtype(model, device)).eval()
    return ServedModels(model, tokenizer, list(adapters))


def _bare(model: Any) -> Any:  # noqa: ANN401 - transformers' models share no type
    return model.get_base_model() if isinstance(model, PeftModel) else model


def _dtype(model: Any, device: str) -> torch.dtype:  # noqa: ANN401 - transformers' models share no type
    if device != "cpu":
        return torch.bfloat16
    size = sum(weight.numel() for weight in model.parameters())
    return torch.float64 if size <= EXACT_PARAMETERS else torch.float32


def _shape(model: Any, device: torch.device) -> BatchShape:  # noqa: ANN401 - transformers' models share no type
    if device.type != "cpu":
        return BatchShape(rows=16, fixed=True)
    exact = next(model.parameters()).dtype is torch.float64
    return BatchShape(rows=16 if exact else 1, fixed=False)


def _end_tokens(model: Any, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:  # noqa: ANN401 - transformers' models share no type
    configured = getattr(_bare(model).generation_config, "eos_token_id", None)
    ends = configured if isinstance(configured, list) else [configured, tokenizer.eos_token_id]
    return frozenset(int(end) for end in ends if end is not None)
