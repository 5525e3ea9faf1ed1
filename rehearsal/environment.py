"""Variables of the environment that lie over a run file."""

from __future__ import annotations

import os
from typing import Any

import yaml

from domain.errors import ConfigError

PREFIX = "REHEARSAL_"
OWN_VARIABLES = frozenset(
    {
        "REHEARSAL_CACHE",
        "REHEARSAL_RUNS",
        "REHEARSAL_TOKEN",
        "REHEARSAL_UNDERSTUDY_KEY",
        "REHEARSAL_CANDIDATE_KEY",
    }
)
"""Variables that are not keys of the run file."""


def lay_environment_over(data: dict[str, Any]) -> dict[tuple[str, ...], str]:
    """Set keys from `REHEARSAL_…` variables; return which variable set which key."""
    set_by: dict[tuple[str, ...], str] = {}
    for variable in sorted(os.environ):
        if not variable.startswith(PREFIX) or variable in OWN_VARIABLES:
            continue
        keys = tuple(variable[len(PREFIX) :].lower().split("__"))
        spot: Any = data
        for key in keys[:-1]:
            spot = spot.setdefault(key, {}) if isinstance(spot, dict) else None
        if isinstance(spot, dict):
            spot[keys[-1]] = _value_of(variable)
        set_by[keys] = variable
    return set_by


def _value_of(variable: str) -> Any:  # noqa: ANN401 - any YAML value
    try:
        return yaml.safe_load(os.environ[variable])
    except yaml.YAMLError as error:
        raise ConfigError(
            "the variable's value is not YAML",
            where=variable,
            expected="a value as in the run file, such as 50 or [1, 2]",
            got=str(getattr(error, "problem", error)),
            mend="quote it as in a YAML file",
        ) from None
