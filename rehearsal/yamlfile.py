"""A YAML file with the line of each key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from domain.errors import ConfigError
from rehearsal.yamlguard import refuse_bombs

if TYPE_CHECKING:
    from pathlib import Path

MAX_BYTES = 1_000_000
Lines = dict[tuple[str, ...], int]
"""The line of each key by its path, such as `("campaign", "sessions")`."""


def parse_yaml(path: Path) -> tuple[dict[str, Any], Lines]:
    """Return the keys of a YAML file and the line of each, by its path.

    Raises:
        ConfigError: The file cannot be read, is too large, holds no keys, or one of them twice.
    """
    where = str(path)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(
                "the run file is too large", where=where, expected=f"at most {MAX_BYTES:,} bytes"
            )
        text = path.read_text(encoding="utf-8")
        refuse_bombs(text, where)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError:
        raise ConfigError(
            "the run file is not there",
            where=where,
            expected="a YAML file such as those in configs/",
            mend='copy one: cp configs/demo.yaml my-run.yaml, then name it: "my-run.yaml"',
        ) from None
    except (IsADirectoryError, PermissionError) as error:
        raise ConfigError("the run file cannot be read", where=where, got=str(error)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(
            "the run file is not text in UTF-8", where=where, got=f"a byte at {error.start}"
        ) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        spot = f"{where}:{mark.line + 1}" if mark else where
        raise ConfigError(
            "the run file is not YAML", where=spot, got=str(getattr(error, "problem", error))
        ) from None
    if not isinstance(data, dict):
        raise ConfigError(
            "the run file does not hold keys",
            where=where,
            expected="name: my-run, and so on",
            got=type(data).__name__,
        )
    return data, lines_of(node, path)


def lines_of(node: yaml.Node | None, path: Path, at: tuple[str, ...] = ()) -> Lines:
    """Map each key's path to its line; refuse a key that stands twice."""
    lines: Lines = {}
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*at, str(key.value))
            line = key.start_mark.line + 1
            if here in lines:
                raise ConfigError(
                    f'the key "{".".join(here)}" stands twice',
                    where=f"{path}:{line}",
                    got=f"first on line {lines[here]}",
                    mend="keep one of the two",
                )
            lines[here] = line
            lines.update(lines_of(value, path, here))
    return lines


def place(path: Path, lines: Lines, keys: tuple[str, ...]) -> str:
    """Say where a key stands: file, line and path, or of the nearest above it that has a line."""
    for length in range(len(keys), 0, -1):
        line = lines.get(keys[:length])
        if line:
            return f"{path}:{line}: {'.'.join(keys)}"
    return f"{path}: {'.'.join(keys)}" if keys else str(path)
