from __future__ import annotations

import numpy as np
import pytest

from domain.errors import TrainingError
from tests.training.talk import messages
from tests.training.templates import (
    CHATML_MARKED,
    DROPS_SYSTEM,
    GEMMA,
    MISTRAL,
    STYLES,
    SYSTEM_IN_LAST,
    THINKING,
    Style,
    tokenizer_of,
)
from training.chat import render
from training.examples import Conversation, build_examples

EVERY = pytest.mark.parametrize("style", STYLES, ids=[style.name for style in STYLES])
TALK = [
    {"role": "system", "content": "You listen."},
    {"role": "user", "content": " I sat in the car for an hour. "},
    {"role": "assistant", "content": " So the evenings are long.\n"},
    {"role": "user", "content": "Yes."},
    {"role": "assistant", "content": "Mm-hmm."},
    {"role": "user", "content": "Mm-hmm."},
    {"role": "assistant", "content": "Mm-hmm."},
]


def learned(style: Style, talk: list[dict[str, str]]) -> list[str]:
    tokenizer = tokenizer_of(style)
    done = render(tokenizer, talk)
    return [str(tokenizer.decode(done.input_ids[first:last])) for first, last in done.runs]


@EVERY
def test_what_is_said_and_its_end_are_learned_and_nothing_else(style: Style) -> None:
    said = [one["content"].strip() for one in TALK if one["role"] == "assistant"]
    got = learned(style, [{**one, "content": one["content"].strip()} for one in TALK])
    assert got == [f"{style.lead}{words}{style.end}" for words in said]


@EVERY
def test_spaces_around_a_message_are_no_hindrance(style: Style) -> None:
    got = learned(style, TALK)
    assert [run.removesuffix(style.end).strip() for run in got] == [
        "So the evenings are long.",
        "Mm-hmm.",
        "Mm-hmm.",
    ]


@EVERY
def test_tokens_are_those_that_the_template_gives(style: Style) -> None:
    """Some templates take the system message only inside the first user message."""
    tokenizer = tokenizer_of(style)
    talk = [{**one, "content": one["content"].strip()} for one in TALK]
    if style in (GEMMA, DROPS_SYSTEM):
        talk = [{"role": "user", "content": f"You listen.\n\n{talk[1]['content']}"}, *talk[2:]]
    own = tokenizer.apply_chat_template(talk, return_dict=False)
    assert render(tokenizer, talk).input_ids.tolist() == own


@EVERY
def test_a_model_learns_what_it_will_be_asked_to_say(style: Style) -> None:
    """What stands before each learned turn is the prompt that the template gives for it."""
    tokenizer = tokenizer_of(style)
    talk = [{"role": "user", "content": "Hello."}, *messages(0, 3)[2:]]
    done = render(tokenizer, talk)
    answers = [index for index, one in enumerate(talk) if one["role"] == "assistant"]
    for (first, _), index in zip(done.runs, answers, strict=True):
        asked = tokenizer.apply_chat_template(
            talk[:index], add_generation_prompt=True, return_dict=False
        )
        extra = done.input_ids[len(asked) : first]
        assert done.input_ids[: len(asked)].tolist() == asked
        if style is THINKING and index == answers[-1]:
            assert tokenizer.decode(extra) == "<think>\n\n</think>\n\n"
        else:
            assert extra.size == 0


@EVERY
@pytest.mark.parametrize("length", [100, 220])
def test_long_sessions_are_split_under_every_template(style: Style, length: int) -> None:
    tokenizer = tokenizer_of(style)
    talk = messages(1, 30)
    whole = render(tokenizer, talk)
    made = build_examples(tokenizer, [Conversation("long", tuple(talk))], length)
    parts = [one.input_ids[one.loss_mask] for one in made]
    assert max(len(one) for one in made) <= length
    assert len(made) > 1
    assert np.concatenate(parts).tolist() == whole.input_ids[whole.loss_mask].tolist()


@pytest.mark.parametrize("style", [GEMMA, DROPS_SYSTEM], ids=lambda style: style.name)
def test_a_system_message_that_is_not_taken_goes_into_the_first_user_message(style: Style) -> None:
    tokenizer = tokenizer_of(style)
    text = str(tokenizer.decode(render(tokenizer, TALK).input_ids))
    assert text.count("You listen.") == 1
    assert "You listen.\n\n" in text
    assert text.index("You listen.") < text.index("I sat")


def test_a_template_that_moves_the_system_message_along_is_refused() -> None:
    with pytest.raises(TrainingError, match="cannot tell") as raised:
        render(tokenizer_of(SYSTEM_IN_LAST), TALK)
    assert "changed by what follows" in raised.value.got


def test_roles_that_do_not_alternate_are_reported() -> None:
    twice = [TALK[1], TALK[1], TALK[2]]
    for style in (GEMMA, MISTRAL):
        with pytest.raises(TrainingError, match="refuses") as raised:
            render(tokenizer_of(style), twice, "record-9")
        assert raised.value.where == "record-9"
        assert "alternate" in raised.value.got


def test_marks_in_the_wrong_place_are_refused() -> None:
    tokenizer = tokenizer_of(CHATML_MARKED)
    assert isinstance(tokenizer.chat_template, str)
    tokenizer.chat_template = tokenizer.chat_template.replace("== 'assistant'", "== 'user'", 1)
    with pytest.raises(TrainingError, match="marks something else"):
        render(tokenizer, TALK)


@EVERY
def test_a_control_token_that_somebody_says_neither_opens_nor_closes_a_turn(style: Style) -> None:
    tokenizer = tokenizer_of(style)
    end = int(str(tokenizer.convert_tokens_to_ids(style.end)))
    talk = [
        {"role": "user", "content": f"I said {style.end} and left."},
        {"role": "assistant", "content": f"You said {style.end}, and then?"},
    ]
    done = render(tokenizer, talk)
    assert (done.input_ids[done.loss_mask] == end).sum() == 1
    plain = [{**one, "content": one["content"].replace(style.end, "so")} for one in talk]
    same = render(tokenizer, plain)
    assert (done.input_ids == end).sum() == (same.input_ids == end).sum()
