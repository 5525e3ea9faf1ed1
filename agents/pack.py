"""A domain pack: prompts, rubrics, gates, taxonomies and the layout of a session, as data.

`pack.yaml` in the pack's folder lists every file. All of it is read and validated at once, so
that a slip in a prompt is found before a token is spent.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pydantic import Field

from agents.criteria import Criterion
from agents.packfile import parse, read_text, read_yaml
from agents.phases import Phases
from agents.prompts import LENT, NOTES_HEADING, OPTIONAL, SLOTS, Prompt, parse_prompt
from agents.rubrics import FlawKind, Flaws, Gate, Gates, Limits, SessionRubric
from agents.taxonomy import Taxonomy
from domain.base import Noun
from domain.errors import PackError
from domain.persona import Style

if TYPE_CHECKING:
    from collections.abc import Iterable

N = TypeVar("N", bound=Noun)

INSTALLED = Path(__file__).resolve().parent.parent / "packs"
"""The packs that come with the project, beside this package."""

LENDER = INSTALLED / "cbt"
"""Whose adversarial set, and whose prompts of `LENT`, a pack uses that has none of its own."""

ADVERSARIAL = "adversarial.yaml"
LENT_CRITERIA = ("safety",)
"""Criteria that every pack has: its own, or those of `cbt`."""

RUBRICS = ("session", "gates", "flaws", "behaviours")
"""Rubrics every pack has; any other one is a criterion of the judge."""

TAXONOMIES = ("problems", "distortions", "techniques", "styles")
"""Taxonomies every pack has; it may have more."""


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
            raise _unlisted(f"{self.root.name}/pack.yaml: prompts", prompt, self.prompts)
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
            raise _unlisted(f"{self.root.name}/pack.yaml: rubrics", key, self.criteria)
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
    root = _find(name_or_path)
    listed = _parsed(PackFile, root, "pack.yaml")
    rubrics = listed.rubrics
    _require(_where(root, "pack.yaml: rubrics"), rubrics, RUBRICS)
    return Pack(
        root=root,
        name=listed.name,
        title=listed.title,
        language=listed.language,
        sources=listed.sources,
        prompts=_prompts(root, listed.prompts, listed.examples),
        session=_parsed(SessionRubric, root, rubrics["session"]),
        gates=_parsed(Gates, root, rubrics["gates"]).gates,
        flaws=_parsed(Flaws, root, rubrics["flaws"]).flaws,
        limits=_parsed(Limits, root, rubrics["behaviours"]),
        criteria=_criteria(root, rubrics),
        phases=_parsed(Phases, root, listed.phases),
        taxonomies=_taxonomies(root, listed.taxonomies),
        casting=_folder(root, listed.casting),
        crisis=_crisis(root, listed.crisis),
        adversarial=root / listed.adversarial if listed.adversarial else LENDER / ADVERSARIAL,
        hash=_hash(root),
    )


def _where(root: Path, file: str) -> str:
    return f"{root.name}/{file}"


def _find(name_or_path: str) -> Path:
    installed = INSTALLED / name_or_path
    if re.fullmatch(r"[A-Za-z0-9_-]+", name_or_path) and (installed / "pack.yaml").is_file():
        return installed
    root = Path(name_or_path)
    if (root / "pack.yaml").is_file():
        return root.resolve()
    known = sorted(path.parent.name for path in INSTALLED.glob("*/pack.yaml"))
    raise PackError(
        "there is no such pack",
        where=name_or_path,
        expected=f"an installed pack ({', '.join(known)}) or a folder with a pack.yaml",
        got="no pack.yaml" if root.is_dir() else "no such folder",
        mend="Correct `pack` in the run file.",
    )


def _unlisted(where: str, got: str, known: Iterable[str]) -> PackError:
    return PackError(
        "the pack does not list it",
        where=where,
        expected=f"one of: {', '.join(known)}",
        got=got,
        mend="Correct the name, or add it to the pack.",
    )


def _require(where: str, listed: Iterable[str], required: Iterable[str]) -> None:
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


def _parsed(kind: type[N], root: Path, file: str) -> N:
    where = _where(root, file)
    return parse(kind, read_yaml(root / file, where), where)


def _prompts(root: Path, listed: dict[str, str], shown: dict[str, str]) -> dict[str, Prompt]:
    _require(_where(root, "pack.yaml: prompts"), listed, SLOTS.keys() - LENT - OPTIONAL)
    if strays := sorted(listed.keys() - SLOTS.keys()):
        raise _unlisted(f"{_where(root, 'pack.yaml')}: prompts", strays[0], SLOTS)
    if strays := sorted(shown.keys() - listed.keys()):
        raise _unlisted(f"{_where(root, 'pack.yaml')}: examples", strays[0], listed)
    return {
        name: _prompt(root, name, listed[name], shown.get(name, ""))
        if name in listed
        else _lent(name)
        for name in SLOTS
        if name in listed or name in LENT
    }


def _prompt(root: Path, name: str, file: str, examples: str = "") -> Prompt:
    text = read_text(root / file, _where(root, file))
    if examples:
        shown = read_text(root / examples, _where(root, examples))
        text = f"{text.rstrip()}\n\n{shown}"
    return parse_prompt(name, text, _where(root, file))


@cache
def _lent(name: str) -> Prompt:
    return _prompt(LENDER, name, f"prompts/{name.replace('_', '-')}.md")


def _criteria(root: Path, rubrics: dict[str, str]) -> dict[str, Criterion]:
    criteria: dict[str, Criterion] = {}
    for name, file in rubrics.items():
        if name not in RUBRICS:
            criteria[name] = _parsed(Criterion, root, file)
            if criteria[name].key != name:
                raise _unlisted(f"{_where(root, file)}: key", criteria[name].key, [name])
    for name in LENT_CRITERIA:
        if name not in criteria:
            criteria[name] = _parsed(Criterion, LENDER, f"rubrics/{name}.yaml")
    return criteria


def _taxonomies(root: Path, listed: dict[str, str]) -> dict[str, Taxonomy]:
    _require(_where(root, "pack.yaml: taxonomies"), listed, TAXONOMIES)
    taxonomies = {name: _taxonomy(root, name, file) for name, file in listed.items()}
    styles = _where(root, f"{listed['styles']}: styles")
    _require(styles, taxonomies["styles"].keys, [style.value for style in Style])
    return taxonomies


def _taxonomy(root: Path, name: str, file: str) -> Taxonomy:
    where = _where(root, file)
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


def _crisis(root: Path, file: str) -> dict[str, str]:
    data = read_yaml(root / file, _where(root, file))
    _require(_where(root, file), data, ("source", "default"))
    return {str(key): str(text) for key, text in data.items() if key != "source"}


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    if not folder.is_dir():
        raise PackError(
            "the folder is missing",
            where=_where(root, name),
            expected="a folder of casting files",
            got="nothing",
            mend="Add the folder, or correct `casting` in pack.yaml.",
        )
    return folder


def _hash(root: Path) -> str:
    """Hash every file of the pack but hidden ones, by relative name and content."""
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*"), key=lambda path: path.relative_to(root).as_posix()):
        name = path.relative_to(root)
        if path.is_file() and not any(part.startswith((".", "__")) for part in name.parts):
            where = _where(root, name.as_posix())
            if not path.stat().st_size:
                read_text(path, where)
            digest.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
