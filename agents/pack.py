"""A domain pack: prompts, rubrics, gates, taxonomies and the layout of a session, as data.

`pack.yaml` in the pack's folder lists every file. All of it is read and validated at once, so
that a slip in a prompt is found before a token is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pydantic import Field

from agents.packfolder import LENDER, find_pack, folder_of, hash_of, place_of
from agents.packparts import (
    RUBRICS,
    crisis_of,
    criteria_of,
    parsed,
    prompts_of,
    require,
    taxonomies_of,
    unlisted,
)
from agents.phases import Phases
from agents.prompts import NOTES_HEADING, Prompt
from agents.rubrics import FlawKind, Flaws, Gate, Gates, Limits, SessionRubric
from domain.base import Noun
from domain.errors import PackError

if TYPE_CHECKING:
    from pathlib import Path

    from agents.criteria import Criterion
    from agents.taxonomy import Taxonomy

ADVERSARIAL = "adversarial.yaml"


class PackFile(Noun):
    """What stands in pack.yaml; the values under the four mappings are paths in the pack."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    title: str = Field(min_length=1)
    language: str = Field(min_length=2)
    sources: tuple[str, ...] = Field(min_length=1)
    prompts: dict[str, str]
    examples: dict[str, str] = Field(default_factory=dict)
    """By prompt, a file with examples of what is wanted; they stand after the prompt's own text."""
    rubrics: dict[str, str]
    phases: str
    taxonomies: dict[str, str]
    casting: str
    crisis: str
    adversarial: str | None = None
    """Prompts on which an answer can do harm; a pack may leave them to `cbt`."""


@dataclass(frozen=True)
class Pack:
    """A validated pack. `hash` is the SHA-256 over the names and bytes of all its files."""

    root: Path
    name: str
    title: str
    language: str
    sources: tuple[str, ...]
    prompts: dict[str, Prompt]
    session: SessionRubric
    gates: tuple[Gate, ...]
    flaws: tuple[FlawKind, ...]
    limits: Limits
    """On what is computed from a session's text."""
    criteria: dict[str, Criterion]
    phases: Phases
    taxonomies: dict[str, Taxonomy]
    casting: Path
    """Folder of the casting files, which the campaign reads."""
    crisis: dict[str, str]
    """Human help by locale, with the key `default`."""
    adversarial: Path
    """File of the adversarial set, which the evaluation reads."""
    hash: str

    @cached_property
    def note_labels(self) -> tuple[str, ...]:
        """The labels of the private notes' lines, e.g. `supervisor's guidance:`, in lower case."""
        lines = [
            line.strip().casefold()
            for name in ("client_notes", "therapist_notes")
            for part in self.prompts[name].parts[0::2]
            for line in part.splitlines()
        ]
        labels = {line for line in lines if line.endswith(":") and " " in line}
        return (NOTES_HEADING.casefold(), *sorted(labels))

    def fill(self, prompt: str, **values: str) -> str:
        """Fill the prompt named `prompt` in one pass; see `Prompt.fill`.

        Raises:
            PackError: The pack has no such prompt, or it asks for a value that is not given.
        """
        if prompt not in self.prompts:
            raise unlisted(f"{self.root.name}/pack.yaml: prompts", prompt, self.prompts)
        return self.prompts[prompt].fill(values)

    def named(self, taxonomy: str, key: str) -> str:
        """Return the name of `key`; where the pack does not list it, the key in plain words."""
        known = self.taxonomies.get(taxonomy)
        entry = known.find(key) if known else None
        return entry.name if entry else key.replace("_", " ")

    def described(self, taxonomy: str, key: str) -> str:
        """Return the description of `key`, or nothing where the pack does not list it."""
        known = self.taxonomies.get(taxonomy)
        entry = known.find(key) if known else None
        return entry.description if entry else ""

    def criterion(self, key: str) -> Criterion:
        """Return the judge's criterion `key`.

        Raises:
            PackError: The pack has no such rubric.
        """
        if key not in self.criteria:
            raise unlisted(f"{self.root.name}/pack.yaml: rubrics", key, self.criteria)
        return self.criteria[key]

    def crisis_help(self) -> str:
        """Return the human help to offer, for the pack's language or in general."""
        return self.crisis.get(self.language, self.crisis["default"])


def load_pack(name_or_path: str) -> Pack:
    """Load and validate a pack.

    Args:
        name_or_path: The name of an installed pack, e.g. `cbt`, or a folder with a pack.yaml.

    Raises:
        PackError: It is missing, incomplete or contradicts itself; names file and key.
    """
    root = find_pack(name_or_path)
    listed = parsed(PackFile, root, "pack.yaml")
    rubrics = listed.rubrics
    require(place_of(root, "pack.yaml: rubrics"), rubrics, RUBRICS)
    return Pack(
        root=root,
        name=listed.name,
        title=listed.title,
        language=listed.language,
        sources=listed.sources,
        prompts=prompts_of(root, listed.prompts, listed.examples),
        session=parsed(SessionRubric, root, rubrics["session"]),
        gates=parsed(Gates, root, rubrics["gates"]).gates,
        flaws=parsed(Flaws, root, rubrics["flaws"]).flaws,
        limits=parsed(Limits, root, rubrics["behaviours"]),
        criteria=criteria_of(root, rubrics),
        phases=parsed(Phases, root, listed.phases),
        taxonomies=taxonomies_of(root, listed.taxonomies),
        casting=folder_of(root, listed.casting),
        crisis=crisis_of(root, listed.crisis),
        adversarial=root / listed.adversarial if listed.adversarial else LENDER / ADVERSARIAL,
        hash=hash_of(root),
    )


def same_pack(name_or_path: str, expected: str) -> Pack:
    """Load a pack on a worker; refuse another than the driver's.

    Args:
        name_or_path: As `load_pack` takes it.
        expected: The hash of the driver's pack.

    Raises:
        PackError: The pack cannot be read here, or differs from the driver's.
    """
    pack = load_pack(name_or_path)
    if pack.hash != expected:
        raise PackError(
            "the worker sees another pack than the driver",
            where=str(pack.root),
            expected=f"the pack with hash {expected[:16]}…",
            got=f"one with hash {pack.hash[:16]}…",
            mend="Install the same version everywhere, and leave the pack alone during a run.",
        )
    return pack
