"""One line of `rehearsal doctor`."""

from __future__ import annotations

from typing import NamedTuple


class Check(NamedTuple):
    """What was looked at, and what was found."""

    name: str
    ok: bool
    found: str
    mend: str = ""
    warning: bool = False
    """Whether a run would go all the same, but not as well."""
