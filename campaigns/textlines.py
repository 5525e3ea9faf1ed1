"""Files of lines that people write or edit: read as text, and refused by the line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.errors import ConfigError
from domain.faults import faults_of

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel, ValidationError


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
    path: Path, number: int, error: ValidationError, kind: type[BaseModel], what: str, line: str
) -> ConfigError:
    """Say that a line does not fit, and name its key where one is wrong.

    Args:
        path: The file.
        number: The line's, from 1.
        error: What was found in it.
        kind: What it was read as.
        what: What it is not.
        line: What the line should be as a whole.
    """
    fault = faults_of(error, kind)[0]
    if not fault.keys:
        broken = error.errors()[0].get("ctx", {}).get("error")
        return ConfigError(
            what,
            where=f"{path}:{number}",
            expected=line,
            got=f"no JSON: {broken}" if broken else fault.got,
            mend="Correct the line.",
        )
    return ConfigError(
        what,
        where=f"{path}:{number}: {'.'.join(fault.keys)}",
        expected=fault.expected,
        got=fault.got,
        mend=fault.mend,
    )
