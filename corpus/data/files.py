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


@lru_cache(maxsize=4)
def word_list(name: str) -> tuple[str, ...]:
    """Return the words of `name`.txt of this folder; lines with # are remarks."""
    lines = load_text(f"{name}.txt").splitlines()
    return tuple(" ".join(line for line in lines if not line.startswith("#")).split())


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """Return the first names that are rarely anything else, in lower case."""
    return frozenset(word_list("first-names"))


@lru_cache(maxsize=1)
def family_names() -> frozenset[str]:
    """Return frequent family names that are no words, in lower case."""
    return frozenset(word_list("family-names"))
