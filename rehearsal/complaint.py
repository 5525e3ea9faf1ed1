"""What pydantic says of a run file, as one line a person can act on."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pydantic import BaseModel

from domain.errors import ConfigError
from domain.settings import Settings
from rehearsal.yamlfile import Lines, place

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

SECRETIVE = {("api_key_env",), ("base_url",), ("store",)}
"""Keys whose wrong value may be a secret that was put in the wrong place."""


def as_config_error(
    error: ValidationError, path: Path, lines: Lines, set_by: dict[tuple[str, ...], str]
) -> ConfigError:
    """Turn pydantic's first complaint into one line a person can act on."""
    first = error.errors(include_url=False)[0]
    keys = tuple(str(part) for part in first["loc"])
    where = set_by.get(keys) or place(path, lines, keys)
    more = error.error_count() - 1
    also = f" ({more} more after this one)" if more else ""
    if first["type"] == "extra_forbidden":
        known = _keys_under(keys[:-1])
        close = difflib.get_close_matches(keys[-1], known, n=1)
        return ConfigError(
            f'unknown key "{keys[-1]}"{also}',
            where=where,
            expected=f"one of: {', '.join(known)}",
            got=keys[-1],
            mend=f'did you mean "{close[0]}"?' if close else "remove it",
        )
    if first["type"] == "missing":
        return ConfigError(f'the key "{keys[-1]}" is missing{also}', where=where, mend="add it")
    return ConfigError(
        f"the value cannot be used{also}",
        where=where,
        expected=first["msg"],
        got="(not shown)" if keys[-1:] in SECRETIVE else repr(first.get("input")),
    )


def _keys_under(keys: tuple[str, ...]) -> list[str]:
    """The keys that may stand at `keys` in the tree."""
    model: type[BaseModel] = Settings
    for key in keys:
        field = model.model_fields.get(key)
        inner = field.annotation if field else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        model = inner
    return list(model.model_fields)
