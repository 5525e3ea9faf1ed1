"""Criteria by the names that their pack gives them, for a reader who knows no keys."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.criteria import Criterion
    from evaluation.summary import Summary

MARKUP = re.compile(r"[\s|<>`*_$\\\[\]]+")


def names_of(criteria: Mapping[str, Criterion]) -> dict[str, str]:
    """Return each criterion's name by its key, small as within a sentence.

    A name that begins with an abbreviation keeps its capitals. What Markdown tables and figures
    would read as markup is left out of it.
    """
    return {key: _small(MARKUP.sub(" ", one.name).strip()) for key, one in criteria.items()}


def name_of(key: str, names: Mapping[str, str]) -> str:
    """Return a criterion's name; its key as words where the pack no longer has it."""
    return names.get(key) or key.replace("_", " ")


def with_names(found: Summary, names: Mapping[str, str]) -> Summary:
    """Return the differences with names for keys, for sentences about them."""
    return found.model_copy(
        update={
            "differences": tuple(
                one.model_copy(update={"criterion": name_of(one.criterion, names)})
                for one in found.differences
            )
        }
    )


def _small(name: str) -> str:
    return name if name[1:2].isupper() else f"{name[:1].lower()}{name[1:]}"
