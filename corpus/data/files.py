"""Reading the data files of this folder."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

import yaml

from domain.errors import PackError


@lru_cache(maxsize=16)
def load_yaml(name: str) -> dict[str, Any]:
    """Return `name`.yaml of this folder; it must be a mapping that cites its source.

    Raises:
        PackError: It is not.
    """
    data = yaml.safe_load(load_text(f"{name}.yaml"))
    if not isinstance(data, dict) or not data.get("source"):
        raise PackError(
            "the file has no source",
            where=f"corpus/data/{name}.yaml",
            expected="a mapping with `source:`",
            got=type(data).__name__,
            mend="Say where its content is from.",
        )
    return data


@lru_cache(maxsize=16)
def load_text(name: str) -> str:
    """Return a file of this folder as text."""
    return files("corpus.data").joinpath(name).read_text(encoding="utf-8")


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """Return the first names that are rarely anything else, in lower case."""
    lines = load_text("first-names.txt").splitlines()
    return frozenset(" ".join(line for line in lines if not line.startswith("#")).split())
