"""What is wrong in a run file: every fault with its line, for a person to mend in one go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from domain.errors import ConfigError
from domain.faults import SHOWN, Fault, faults_of
from domain.settings import Settings
from rehearsal.yamlfile import Lines, place

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import ValidationError

HIDDEN = "(not shown)"
_ADDRESS = re.compile(
    r"""'
    (?: [A-Za-z][A-Za-z0-9+.-]*:/{1,2} [A-Za-z0-9.-]+ (?: :\d{1,5} )?   # htp://host:8000
      | (?: localhost | [0-9.]+ | [A-Za-z0-9-]+ (?: \.[A-Za-z0-9-]+ )+ ) :\d{1,5}  # localhost:8000
      | [A-Za-z0-9-]+ (?: \.[A-Za-z0-9-]+ )+ (?= / )                    # api.example.org/v1
    )
    (?: / (?: v\d{1,3} | api | openai | chat | completions )? )*
    '""",
    re.VERBOSE,
)
"""An address as `domain.faults.shown` quotes it: host, port, and a path of words that are no
secret; gateways have tokens in theirs."""
SECRETIVE = ("api_key_env", "base_url", "store")
"""Keys whose wrong value may be a secret that was put in the wrong place."""


def as_config_error(
    error: ValidationError, path: Path, lines: Lines, set_by: dict[tuple[str, ...], str]
) -> ConfigError:
    """Turn what pydantic found into one error; its `also` are the further faults."""
    found = faults_of(error, Settings)
    faults = [fault for fault in found if not _handed_down(fault, found, lines)]
    first, *others = [
        ConfigError(
            fault.what,
            where=set_by.get(fault.keys) or place(path, lines, fault.keys),
            expected=fault.expected,
            got=_got(fault),
            mend=fault.mend,
        )
        for fault in sorted(faults, key=lambda fault: _line(fault, lines))
    ]
    first.also = tuple(others)
    return first


def _got(fault: Fault) -> str:
    """Repeat a value, unless it may be or hold a secret."""
    key = fault.keys[-1] if fault.keys else ""
    if key not in SECRETIVE or (key == "base_url" and _is_plain(fault.got)):
        return fault.got
    return HIDDEN


def _is_plain(got: str) -> bool:
    """Whether what stands for an address looks like one and has no place for a secret.

    A user, a password, a query or a fragment is such a place, and so is a word that a key could
    be: without a scheme, a port or a path after a dotted name nothing says that it is none. A value
    that was cut may have lost its sign of them.
    """
    return got in {"nothing", "''"} or (len(got) < SHOWN and _ADDRESS.fullmatch(got) is not None)


def _handed_down(fault: Fault, found: list[Fault], lines: Lines) -> bool:
    """Whether a role or a judge has the fault only because `endpoint` handed it down."""
    above = ("endpoint", fault.keys[-1]) if fault.keys else ()
    return (
        fault.keys != above
        and fault.keys not in lines
        and any(other.keys == above for other in found)
    )


def _line(fault: Fault, lines: Lines) -> int:
    """The line of a fault or of the nearest key above it, so that the file is mended downwards."""
    nearest = (lines.get(fault.keys[:length]) for length in range(len(fault.keys), 0, -1))
    return next((line for line in nearest if line), 0)
