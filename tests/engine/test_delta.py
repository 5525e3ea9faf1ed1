from __future__ import annotations

import random

import pytest

from engine.ledger.delta import common_prefix, common_suffix, restore, shrink


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [
        (b"", b"", 0),
        (b"abc", b"abc", 3),
        (b"abc", b"abd", 2),
        (b"abc", b"ab", 2),
        (b"x", b"y", 0),
        (b"a" * 5000 + b"b", b"a" * 5000 + b"c" * 9, 5000),
        (b"a" * 100 + b"b" * 5000, b"a" * 100 + b"c" * 5000, 100),
    ],
)
def test_common_prefix(one: bytes, two: bytes, shared: int) -> None:
    assert common_prefix(one, two) == shared


@pytest.mark.parametrize(
    ("one", "two", "most", "shared"),
    [
        (b"1" + b"x" * 40, b"2" + b"x" * 40, 41, 40),
        (b"1" + b"x" * 40, b"2" + b"x" * 40, 30, 30),
        (b"1" + b"x" * 5, b"2" + b"x" * 5, 6, 0),
        (b"x" * 40, b"x" * 40, 0, 0),
    ],
)
def test_common_suffix(one: bytes, two: bytes, most: int, shared: int) -> None:
    assert common_suffix(one, two, most) == shared


def test_any_request_is_restored_from_any_base_and_any_answers() -> None:
    dice = random.Random(3)
    for _ in range(300):
        base = dice.randbytes(dice.randrange(6000))
        said = {number: dice.randbytes(dice.randrange(200)) for number in range(5, 9)}
        quoted = b"".join(dice.choice([*said.values(), dice.randbytes(50)]) for _ in range(6))
        end = base[len(base) - dice.randrange(len(base) + 1) :]
        request = base[: dice.randrange(len(base) + 1)] + quoted + end
        like = dice.choice([(), [dice.randrange(len(base) + 2) for _ in range(5)]])
        delta = shrink(request, base, said.items(), like)
        assert restore(base, *delta, said=said.__getitem__) == request


def test_pieces_of_the_base_change_nothing_but_the_time() -> None:
    answers = {number: bytes([64 + number]) * 40 for number in range(1, 7)}
    note, tail = b"\\n\\nNotes: exchange %d", b'"}]}'
    talk = b'{"messages":[{"content":"'
    base, like = talk + note % 1 + tail, [len(talk + note % 1 + tail)]
    for turn in range(1, 4):
        said = [(2 * turn - 1, answers[2 * turn - 1]), (2 * turn, answers[2 * turn])]
        talk += said[0][1] + b'"},{"content":"' + said[1][1]
        request = talk + note % (turn + 1) + tail
        delta = shrink(request, base, said, like)
        assert delta == shrink(request, base, said)
        assert delta.pieces[1::2] == [2 * turn - 1, 2 * turn]
        base, like = request, delta.pieces


def test_what_was_said_is_not_kept_again() -> None:
    base = b'{"messages":["' + b"You are a therapist. " * 40 + b'"],"temperature":0.7}'
    answers = {3: b"I feel tired in the mornings.", 4: b"What goes through your mind then?"}
    request = base.replace(b'"]', b'","%b","%b"]' % tuple(answers.values()))
    delta = shrink(request, base, answers.items())
    assert len(delta.literal) < 10
    assert delta.pieces[1::2] == [3, 4]
