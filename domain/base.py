"""What every noun shares: frozen, closed to unknown keys, and identified by its content."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

import orjson
from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALIKE = frozenset((str, int, bool, type(None)))
"""What orjson writes as the standard library does, or refuses."""
_NESTING = frozenset((dict, list, tuple))
_LEAST, _MOST = 1e-4, 1e16
"""A float between them has no exponent, whoever writes it."""


class Noun(BaseModel):
    """A frozen record that forbids unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return `value` as UTF-8 JSON with sorted keys and no spaces: equal values, equal bytes.

    The bytes are the standard library's. orjson gives the same ones sooner for all values but a
    few, which are left to the library.

    Raises:
        ValueError: A number is infinite or not a number, or a text holds half a surrogate pair.
        TypeError: Something in it is no JSON value.
    """
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    # The library says what is wrong with a value that is nested for ever.
    with suppress(RecursionError):
        if _written_alike(value):
            # orjson refuses numbers of over 64 bits, halves of surrogate pairs, keys that are no
            # text, and what is nested too deep.
            with suppress(orjson.JSONEncodeError):
                return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def _written_alike(value: object) -> bool:
    """Whether what orjson writes for `value`, if it writes it, are the standard library's bytes.

    A loop, and not a call for each leaf: a session has hundreds.
    """
    for part in _parts(value):
        kind = type(part)
        if kind in _ALIKE:
            continue
        if kind is float:
            if part and not _LEAST <= abs(cast("float", part)) < _MOST:
                return False
        elif kind not in _NESTING or not _written_alike(part):
            return False
    return True


def _parts(value: object) -> Iterable[object]:
    if type(value) is dict:
        return cast("dict[str, object]", value).values()
    return value if isinstance(value, list | tuple) else (value,)


def content_id(kind: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name `value` by what it holds, e.g. `persona-3f9a0c…` (16 hex digits of SHA-256)."""
    return f"{kind}-{hashlib.sha256(canonical_json(value)).hexdigest()[:16]}"


def seed_of(*parts: str | int) -> int:
    """Derive a 32-bit seed from `parts`: the same parts give the same seed on every machine."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
