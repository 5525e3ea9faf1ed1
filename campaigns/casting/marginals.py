"""Shares of one dimension from a CSV file, such as a census or a service publishes.

The columns are `value` and `share`, or `value`, `least` and `most`. Under `share` stand shares,
per cent or counts: they are divided by their sum. Ranges are shares from 0 to 1 as they stand.
"""

from __future__ import annotations

import csv
import math
from typing import TYPE_CHECKING

from domain.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from domain.casting import Share

EXACT, RANGES = ("value", "share"), ("value", "least", "most")
MAX_BYTES = 1_000_000


def read_marginal(path: Path) -> dict[str, Share]:
    """Return the share of each value in the file.

    Raises:
        ConfigError: It cannot be read, or a line does not fit; the line is named.
    """
    lines = _lines(path)
    head = tuple(name.strip().lower() for name in lines[0])
    if head not in (EXACT, RANGES):
        raise _wrong(path, 1, "value,share or value,least,most as the first line", lines[0])
    found: dict[str, Share] = {}
    for number, line in enumerate(lines[1:], 2):
        if not "".join(line).strip():
            continue
        numbers = [_number(text) for text in line[1:]]
        key = line[0].strip() if line else ""
        if not key or len(numbers) != len(head) - 1 or any(one < 0 for one in numbers):
            raise _wrong(path, number, "a value and numbers from 0", line)
        if key in found:
            raise _wrong(path, number, "every value once", line)
        found[key] = numbers[0] if head == EXACT else (numbers[0], numbers[1])
    return _as_shares(path, found) if head == EXACT else found


def _as_shares(path: Path, found: dict[str, Share]) -> dict[str, Share]:
    numbers = {key: one for key, one in found.items() if not isinstance(one, tuple)}
    total = math.fsum(numbers.values())
    if total <= 0:
        raise _wrong(path, 2, "shares that add up to more than 0", [f"{total:g}"])
    return {key: one / total for key, one in numbers.items()}


def _lines(path: Path) -> list[list[str]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise OSError(f"more than {MAX_BYTES:,} bytes")
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(
            "the shares cannot be read",
            where=str(path),
            expected="a CSV file in UTF-8 with the columns value and share",
            got=str(error),
            mend="Check the path; it is taken from where you are, or from beside the run file.",
        ) from error
    if len(lines) < 2:
        raise _wrong(path, 1, "a line of names and a line for each value", [])
    return lines


def _number(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        return -1
    return found if math.isfinite(found) else -1


def _wrong(path: Path, number: int, expected: str, got: list[str]) -> ConfigError:
    return ConfigError(
        "a line of the shares does not fit",
        where=f"{path}:{number}",
        expected=expected,
        got=",".join(got) or "nothing",
        mend="Correct the line.",
    )
