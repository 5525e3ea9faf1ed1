"""What every noun shares: frozen, closed to unknown keys, and identified by its content."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from pydantic import BaseModel, ConfigDict


class Noun(BaseModel):
    """A frozen record that forbids unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def canonical_json(value: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return `value` as UTF-8 JSON with sorted keys and no spaces: equal values, equal bytes."""
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json")
    return json.dumps(
        value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
    ).encode()


def content_id(kind: str, value: Any) -> str:  # noqa: ANN401 - any JSON value
    """Name `value` by what it holds, e.g. `persona-3f9a0c…` (16 hex digits of SHA-256)."""
    return f"{kind}-{hashlib.sha256(canonical_json(value)).hexdigest()[:16]}"


def seed_of(*parts: str | int) -> int:
    """Derive a 32-bit seed from `parts`: the same parts give the same seed on every machine."""
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:4], "big")
