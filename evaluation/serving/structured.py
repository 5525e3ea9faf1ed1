"""Answers that are JSON of a schema, whatever the model would rather say.

llguidance (MIT) says which tokens may come next; all others are put out of the draw. It brings no
other package, where xgrammar wants triton, a compiler for GPUs; and a keyword that it cannot hold
an answer to is an error, which becomes a 400. No white space is allowed between JSON's tokens: a
small model would fill its answer with it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer

from evaluation.serving.refused import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from llguidance import LLTokenizer
    from llguidance._lib import JsonCompileOptions
    from transformers import PreTrainedTokenizerBase

_COMPACT: JsonCompileOptions = {"whitespace_flexible": False, "lenient": False}
_KEPT = 256
"""Schemas whose grammar is kept; a caller asks for the same few again and again."""


class Grammar:
    """One answer on its way through its schema."""

    def __init__(self, matcher: LLMatcher, width: int) -> None:
        self._matcher = matcher
        self._width = width

    @property
    def complete(self) -> bool:
        """Whether the answer is whole and nothing can follow."""
        return bool(self._matcher.is_stopped())

    def allowed(self) -> torch.Tensor:
        """Return [V] true at the tokens that may come next; a whole answer may only end."""
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        flags = np.unpackbits(bits, count=self._width, bitorder="little")
        return torch.from_numpy(flags.astype(np.bool_))

    def accept(self, token: int) -> None:
        """Take in the token that was drawn.

        Raises:
            ValueError: The grammar does not allow it, which `allowed` rules out.
        """
        if not self._matcher.consume_token(token):
            raise ValueError(f"token {token} does not fit the schema: {self._matcher.get_error()}")


class Grammars:
    """Makes grammars for one tokenizer.

    Args:
        tokenizer: transformers', a fast one.
        width: Logits of the model, V; it may exceed the tokens that the tokenizer knows.
        ends: Tokens that end an answer.
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerBase,
        width: int,
        ends: Collection[int],
    ) -> None:
        self._tokenizer = tokenizer
        self._width = width
        self._ends = sorted(ends)
        self._known: LLTokenizer | None = None
        self._compiled: Callable[[str], str] = lru_cache(maxsize=_KEPT)(self._compile)

    def start(self, schema: str) -> Grammar:
        """Begin an answer of `schema` (JSON Schema, as JSON).

        Raises:
            RequestRefused: 400: it is no schema, or has a keyword that cannot be enforced.
        """
        grammar = self._compiled(schema)
        return Grammar(LLMatcher(self._vocabulary(), grammar, log_level=0), self._width)

    def _compile(self, schema: str) -> str:
        grammar: str = LLMatcher.grammar_from_json_schema(schema, overrides=_COMPACT)
        if wrong := LLMatcher.validate_grammar(grammar, self._vocabulary()):
            raise RequestRefused(
                400,
                f"`response_format` cannot be enforced: {wrong}",
                param="response_format",
                code="unsupported_parameter",
            )
        return grammar

    def _vocabulary(self) -> LLTokenizer:
        """Return the tokenizer as llguidance reads it; made once, when it is first asked for."""
        if self._known is None:
            try:
                read: Any = from_tokenizer  # its published types want a fast tokenizer's class
                self._known = read(self._tokenizer, n_vocab=self._width, eos_token=self._ends)
            except ValueError as error:
                raise RequestRefused(
                    400,
                    f"`response_format` needs a fast tokenizer with an end token: {error}",
                    param="response_format",
                    code="unsupported_parameter",
                ) from error
        known: LLTokenizer = self._known
        return known
