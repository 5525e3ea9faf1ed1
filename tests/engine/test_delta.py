from __future__ import annotations

import random

import pytest

from engine.delta import common_prefix, restore, shrink


@pytest.mark.parametrize(
    ("one", "two", "shared"),
    [(b"", b"", 0), (b"abc", b"abc", 3), (b"abc", b"abd", 2), (b"abc", b"ab", 2), (b"x", b"y", 0)],
)
def test_common_prefix(one: bytes, two: bytes, shared: int) -> None:
    assert common_prefix(one, two) == shared


def test_any_request_is_restored_from_any_base() -> None:
    noise = random.Random(3)
    for _ in range(200):
        base = noise.randbytes(noise.randrange(20_000))
        request = base[: noise.randrange(len(base) + 1)] + noise.randbytes(noise.randrange(3000))
        assert restore(base, *shrink(request, base)) == request
