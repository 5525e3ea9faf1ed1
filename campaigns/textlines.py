"""Files of lines that people write or edit: read as text, and refused by the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError


def text_lines(path: Path, what: str, expected: str) -> list[tuple[int, str]]:
    """Return the lines of a file that are not blank, each with its number, from 1.

    Args:
        path: The file.
        what: What it is, such as `the cast`.
        expected: What it should be.

    Raises:
        ConfigError: It cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{what} cannot be read",
            where=str(path),
            expected=expected,
            got=str(error),
            mend="Check the path.",
        ) from error
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def misfit(
    path: Path, number: int, error: ValidationError, what: str, expected: str
) -> ConfigError:
    """Say that a line does not fit: `what` it is not, and what was `expected`; name its key."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    return ConfigError(
        what,
        where=f"{path}:{number}" + (f": {key}" if key else ""),
        expected=expected,
        got=first["msg"],
        mend="Correct the line.",
    )
