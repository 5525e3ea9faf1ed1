"""The models under test: one base in memory, an adapter for each variant, a batch for all."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel

from agents.reply import GARBLED
from corpus.chatform import fit_template
from evaluation.serving.cache import roomy_cache
from evaluation.serving.lora import mix, mixes
from evaluation.serving.sampling import Row, draw
from evaluation.serving.structured import Grammars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from transformers import PreTrainedTokenizerBase

    from evaluation.serving.lora import Company
    from evaluation.serving.requests import Message

BASE = "base"
"""Name under which the base is served without any adapter."""
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
    """A base and its adapters; not safe for use by two threads.

    Adapters of plain LoRA or DoRA on linear layers share batches, each row with its own. Where one
    adapter reaches further (into embeddings, say), PEFT switches all of them, one to a batch.

    Args:
        model: The base, or PEFT's model with the adapters loaded. It is changed.
        tokenizer: The base's.
        adapters: Names of the adapters.
        base: Name under which the base is served.
        shape: How requests share a batch.
    """

    def __init__(
        self,
        model: Any,  # noqa: ANN401 - transformers' models share no type
        tokenizer: PreTrainedTokenizerBase,
        adapters: Sequence[str],
        shape: BatchShape,
        base: str = BASE,
    ) -> None:
        self._tokenizer = tokenizer
        self._base = base
        self._adapters = tuple(adapters)
        self._company: Company | None = None
        self._model = model
        if isinstance(model, PeftModel) and mixes(model):
            self._model, self._company = mix(model, self._adapters)
        self.names = (base, *adapters)
        self.shape = shape
        self._device = next(model.parameters()).device
        bare: Any = self._model
        if isinstance(bare, PeftModel):
            bare = bare.get_base_model()
        self._config = bare.config
        accepted = inspect.signature(bare.forward).parameters
        self._takes_positions = "position_ids" in accepted
        self._last_only = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        self.ends = _end_tokens(bare, tokenizer)
        self.context = int(getattr(bare.config, "max_position_embeddings", 0) or 2**31)
        width = bare.get_output_embeddings().weight.shape[0]
        self.grammars = Grammars(tokenizer, width, self.ends)

    @property
    def mixed(self) -> bool:
        """Whether requests for different adapters are answered in one batch."""
        return self._company is not None or not self._adapters

    def lane(self, name: str) -> str:
        """Return what requests must have in common to share a batch."""
        return "" if self.mixed else name

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
        text = self._tokenizer.decode(
            list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        return GARBLED.sub("", str(text))

    def answer(self, rows: list[Row]) -> None:
        """Fill `text`, `tokens` and `finish_reason` of rows that share a lane."""
        if self._company is not None:
            self._choose(rows)
        elif self._adapters:
            if rows[0].model == self._base:
                with self._model.disable_adapter():
                    self._generate(rows)
                return
            self._model.set_adapter(rows[0].model, inference_mode=True)
        self._generate(rows)

    @torch.inference_mode()
    def logits(self, rows: list[Row]) -> torch.Tensor:
        """Return [B, V]: what each row's next token would be drawn from."""
        self._choose(rows)
        ids, mask = self._left_padded(rows)
        output = self._forward(ids, mask, roomy_cache(self._config))
        found: torch.Tensor = output.logits[: len(rows), -1]
        return found

    def _choose(self, rows: list[Row]) -> None:
        """Tell the layers which adapter each row has; vacant rows have none."""
        if self._company is None:
            return
        none = len(self._adapters)
        chosen = [
            none if row.model == self._base else self._adapters.index(row.model) for row in rows
        ]
        chosen += [none] * (self._height(rows) - len(rows))
        # a fixed shape is kept to: rows of the base alone take the same way as in company
        self._company.plain = not self.shape.fixed and set(chosen) == {none}
        self._company.rows = torch.tensor(chosen, device=self._device)

    def _height(self, rows: list[Row]) -> int:
        return self.shape.rows if self.shape.fixed else len(rows)

    @torch.inference_mode()
    def _generate(self, rows: list[Row]) -> None:
        ids, mask = self._left_padded(rows)
        cache: Any = roomy_cache(self._config)
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
        height = self._height(rows)
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
        """Take in a row's token, tell what can be told, and see whether the row is at its end."""
        if row.done:
            return
        row.tokens.append(token)
        ended = token in self.ends
        if row.grammar is not None and not ended:
            row.grammar.accept(token)
        whole = ended or (row.grammar is not None and row.grammar.complete)
        last = len(row.tokens) >= row.limit
        if whole or last or row.sampling.stop or row.telling is not None:
            row.text = self.decode(row.tokens[:-1] if ended else row.tokens)
        reason = self._reason(row, whole=whole, last=last)
        if row.telling is not None:
            (row.telling.end if reason else row.telling.grow)(row.text)
        row.finish_reason = reason

    @staticmethod
    def _reason(row: Row, *, whole: bool, last: bool) -> str:
        """Return why a row ends here, empty where it does not; a stop string is cut off."""
        cuts = [row.text.find(stop) for stop in row.sampling.stop if stop in row.text]
        if cuts:
            row.text = row.text[: min(cuts)]
        if cuts or whole:
            return "stop"
        return "length" if last else ""


def _end_tokens(model: Any, tokenizer: PreTrainedTokenizerBase) -> frozenset[int]:  # noqa: ANN401 - transformers' models share no type
    configured = getattr(model.generation_config, "eos_token_id", None)
    ends = configured if isinstance(configured, list) else [configured, tokenizer.eos_token_id]
    return frozenset(int(end) for end in ends if end is not None)
