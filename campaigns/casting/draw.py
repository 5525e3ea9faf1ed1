"""Draws from short lists. A plan of 100,000 lines makes three million of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Sequence

T = TypeVar("T")


def one_of(draw: random.Random, choices: Sequence[T]) -> T:
    """Return one of the choices: `random.choice` in a sixth of its time."""
    return choices[int(draw.random() * len(choices))]


def in_turn(choices: Sequence[T], turn: int) -> T:
    """Return the one whose turn it is: who shows a case again shows it with something else."""
    return choices[turn % len(choices)]


def some_of(draw: random.Random, choices: Iterable[T], count: int) -> list[T]:
    """Return `count` different ones in drawn order, all where there are fewer."""
    left = list(choices)
    return [left.pop(int(draw.random() * len(left))) for _ in range(min(count, len(left)))]


def weighted(draw: random.Random, choices: Sequence[T], weights: Sequence[float]) -> T:
    """Return one of the choices, each as often as its weight says."""
    mark = draw.random() * sum(weights)
    for choice, weight in zip(choices, weights, strict=True):
        mark -= weight
        if mark < 0:
            return choice
    return choices[-1]
