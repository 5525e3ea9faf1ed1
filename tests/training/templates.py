"""Chat templates in the styles that models come with, each with a small tokenizer of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from tests.training.talk import ASKED, SAID

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Style:
    """A template, its control tokens, and what a model learns of a turn under it."""

    name: str
    template: str
    control: tuple[str, ...]
    end: str
    """The token that ends a turn."""
    lead: str = ""
    """White space before an answer that is the model's to say."""


_CHATML = (
    "{%% for message in messages %%}{{ '<|im_start|>' + message['role'] + '\n' }}%s"
    "{{ '\n' }}{%% endfor %%}"
    "{%% if add_generation_prompt %%}{{ '<|im_start|>assistant\n' }}{%% endif %%}"
)
CHATML = Style(
    "chatml",
    _CHATML % "{{ message['content'] + '<|im_end|>' }}",
    ("<|im_start|>", "<|im_end|>"),
    "<|im_end|>",
)
CHATML_MARKED = Style(
    "chatml-marked",
    _CHATML
    % (
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] +"
        " '<|im_end|>' }}{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}"
        "{% endif %}"
    ),
    CHATML.control,
    CHATML.end,
)
LLAMA3 = Style(
    "llama3",
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    ("<|begin_of_text|>", "<|eot_id|>", "<|start_header_id|>", "<|end_header_id|>"),
    "<|eot_id|>",
)
GEMMA = Style(
    "gemma",
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}{% for message in messages %}"
    "{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Conversation roles must alternate user/assistant/user') }}{% endif %}"
    "{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}",
    ("<bos>", "<end_of_turn>", "<start_of_turn>"),
    "<end_of_turn>",
)
MISTRAL = Style(
    "mistral",
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system = messages[0]['content']"
    " | trim + '\n\n' %}{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('roles must alternate') }}{% endif %}{% if message['role'] == 'user' %}"
    "{{ '[INST] ' + (system if loop.index0 == 0 else '') + message['content'] | trim + ' [/INST]'"
    " }}{% else %}{{ ' ' + message['content'] | trim + eos_token }}{% endif %}{% endfor %}",
    ("<s>", "</s>", "[INST]", "[/INST]"),
    "</s>",
    lead=" ",
)
THINKING = Style(
    "thinking",
    "{% set ns = namespace(last=0) %}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}"
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' }}"
    "{% if message['role'] == 'assistant' and loop.index0 > ns.last %}"
    "{{ '<think>\n\n</think>\n\n' }}{% endif %}{{ message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}",
    ("<|im_start|>", "<|im_end|>", "<think>", "</think>"),
    "<|im_end|>",
)
"""Writes an empty block for reasoning before the last answer only."""
DROPS_SYSTEM = Style(
    "drops-system",
    "{% for message in messages %}{% if message['role'] != 'system' %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}",
    ("<|end|>", "<|user|>", "<|assistant|>"),
    "<|end|>",
)
STYLES = (CHATML, CHATML_MARKED, LLAMA3, GEMMA, MISTRAL, THINKING, DROPS_SYSTEM)

SYSTEM_IN_LAST = Style(
    "system-in-last",
    MISTRAL.template.replace(
        "system if loop.index0 == 0", "system if loop.index0 >= loop.length-2"
    ),
    MISTRAL.control,
    MISTRAL.end,
)
"""Moves the system message to the latest user message: every answer would have another past."""


def tokenizer_of(style: Style) -> PreTrainedTokenizerFast:
    """Learn a byte-level BPE tokenizer with the style's control tokens and template."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", *style.control],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([*ASKED, *SAID], trainer)
    fast: Callable[..., Any] = PreTrainedTokenizerFast
    tokenizer: PreTrainedTokenizerFast = fast(
        tokenizer_object=made,
        pad_token="<pad>",
        bos_token=style.control[0],
        eos_token=style.end,
        additional_special_tokens=list(style.control),
        chat_template=style.template,
    )
    return tokenizer
