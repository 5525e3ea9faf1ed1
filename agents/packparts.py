"""The parts of a pack, read from the files that pack.yaml lists, held to what every pack has."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

from agents.criteria import Criterion
from agents.packfile import parse, read_text, read_yaml
from agents.packfolder import LENDER, place_of
from agents.prompts import LENT, OPTIONAL, SLOTS, Prompt, parse_prompt
from agents.taxonomy import Taxonomy
from domain.base import Noun
from domain.errors import PackError
from domain.persona import Style

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

N = TypeVar("N", bound=Noun)
LENT_CRITERIA = ("safety",)
"""Criteria that every pack has: its own, or those of `cbt`."""

RUBRICS = ("session", "gates", "flaws", "behaviours")
"""Rubrics every pack has; any other one is a criterion of the judge."""

TAXONOMIES = ("problems", "distortions", "techniques", "styles")
"""Taxonomies every pack has; it may have more."""


def prompts_of(root: Path, listed: dict[str, str], shown: dict[str, str]) -> dict[str, Prompt]:
    """Read the prompts, with their examples; those of `LENT` that are not listed are lent.

    Raises:
        PackError: One is missing, unknown, or asks for a value that it does not get.
    """
    require(place_of(root, "pack.yaml: prompts"), listed, SLOTS.keys() - LENT - OPTIONAL)
    if strays := sorted(listed.keys() - SLOTS.keys()):
        raise unlisted(f"{place_of(root, 'pack.yaml')}: prompts", strays[0], SLOTS)
    if strays := sorted(shown.keys() - listed.keys()):
        raise unlisted(f"{place_of(root, 'pack.yaml')}: examples", strays[0], listed)
    return {
        name: _prompt(root, name, listed[name], shown.get(name, ""))
        if name in listed
        else _lent(name)
        for name in SLOTS
        if name in listed or name in LENT
    }


def _prompt(root: Path, name: str, file: str, examples: str = "") -> Prompt:
    text = read_text(root / file, place_of(root, file))
    if examples:
        shown = read_text(root / examples, place_of(root, examples))
        text = f"{text.rstrip()}\n\n{shown}"
    return parse_prompt(name, text, place_of(root, file))


@cache
def _lent(name: str) -> Prompt:
    return _prompt(LENDER, name, f"prompts/{name.replace('_', '-')}.md")


def criteria_of(root: Path, rubrics: dict[str, str]) -> dict[str, Criterion]:
    """Read the judge's criteria: every rubric that is not one of `RUBRICS`, and what is lent.

    Raises:
        PackError: One cannot be read, or its key is not its name.
    """
    criteria: dict[str, Criterion] = {}
    for name, file in rubrics.items():
        if name not in RUBRICS:
            criteria[name] = parsed(Criterion, root, file)
            if criteria[name].key != name:
                raise unlisted(f"{place_of(root, file)}: key", criteria[name].key, [name])
    for name in LENT_CRITERIA:
        if name not in criteria:
            criteria[name] = parsed(Criterion, LENDER, f"rubrics/{name}.yaml")
    return criteria


def taxonomies_of(root: Path, listed: dict[str, str]) -> dict[str, Taxonomy]:
    """Read the taxonomies.

    Raises:
        PackError: One is missing, or has no entry for a style that personas have.
    """
    require(place_of(root, "pack.yaml: taxonomies"), listed, TAXONOMIES)
    taxonomies = {name: _taxonomy(root, name, file) for name, file in listed.items()}
    styles = place_of(root, f"{listed['styles']}: styles")
    require(styles, taxonomies["styles"].keys, [style.value for style in Style])
    return taxonomies


def _taxonomy(root: Path, name: str, file: str) -> Taxonomy:
    where = place_of(root, file)
    data = read_yaml(root / file, where)
    stray = sorted(data.keys() - {"source", name})
    if stray or name not in data:
        raise PackError(
            "the taxonomy has other keys than it should",
            where=where,
            expected=f"`source` and the list `{name}`",
            got=", ".join(map(str, data)),
            mend=f"Keep the entries in a list under `{name}`.",
        )
    return parse(Taxonomy, {"source": data.get("source"), "entries": data[name]}, where)


def crisis_of(root: Path, file: str) -> dict[str, str]:
    """Read the human help by locale.

    Raises:
        PackError: It names no source or no default.
    """
    data = read_yaml(root / file, place_of(root, file))
    require(place_of(root, file), data, ("source", "default"))
    return {str(key): str(text) for key, text in data.items() if key != "source"}


def parsed(kind: type[N], root: Path, file: str) -> N:
    """Read a YAML file of a pack as a `kind`.

    Raises:
        PackError: It is missing, no YAML, or does not fit.
    """
    where = place_of(root, file)
    return parse(kind, read_yaml(root / file, where), where)


def require(where: str, listed: Iterable[str], required: Iterable[str]) -> None:
    """Refuse a pack that lacks what every pack has.

    Raises:
        PackError: Names the first that is missing.
    """
    have = set(listed)
    for name in required:
        if name not in have:
            raise PackError(
                "something every pack has is missing",
                where=where,
                expected=f"`{name}`",
                got=", ".join(sorted(have)) or "nothing",
                mend="Add it; packs/cbt shows a complete pack.",
            )


def unlisted(where: str, got: str, known: Iterable[str]) -> PackError:
    """Say that the pack does not list `got`, and what it lists."""
    return PackError(
        "the pack does not list it",
        where=where,
        expected=f"one of: {', '.join(known)}",
        got=got,
        mend="Correct the name, or add it to the pack.",
    )
