"""What the judge rates by: a scale of five points, perhaps with sub-marks, or a tree."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from agents.packfile import parse, read_yaml, unique
from domain.base import Noun
from domain.errors import PackError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEY = r"^[a-z][a-z0-9_]*$"
HIGHEST_MARK = 2
POINTS = [1, 2, 3, 4, 5]


class Mark(Noun):
    """A part of a criterion that is marked on its own: 0 none, 1 weak, 2 strong."""

    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1)
    question: str = Field(min_length=1)
    scale: dict[int, str]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if list(self.scale) != list(range(HIGHEST_MARK + 1)):
            raise ValueError("a scale with the marks 0 to 2, in order")
        return self


class Question(Noun):
    """One yes/no question of a tree. What follows is a score from 1 to 5, or a later question."""

    key: str = Field(pattern=KEY)
    question: str = Field(min_length=1)
    if_yes: int | str
    if_no: int | str


class Criterion(Noun):
    """One criterion of the judge.

    It has either a `scale` that describes every point from 1 to 5, perhaps with `marks`, or a
    `tree` of questions that ends in one of those points. A tree may be read as safe or not:
    scores from `safe_from` on are safe.
    """

    key: str = Field(pattern=KEY)
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    definition: str = Field(min_length=1)
    scale: dict[int, str] = Field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    tree: tuple[Question, ...] = ()
    safe_from: int = Field(default=4, ge=2, le=5)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if bool(self.scale) == bool(self.tree):
            raise ValueError("either a `scale` or a `tree`")
        if self.scale and list(self.scale) != POINTS:
            raise ValueError("a scale with the points 1 to 5, in order")
        if self.tree and self.marks:
            raise ValueError("marks with a scale only")
        unique((mark.key for mark in self.marks), "mark")
        unique((one.key for one in self.tree), "question")
        self._check_tree()
        return self

    def _check_tree(self) -> None:
        """Refuse ways that lead nowhere, back, or past a question.

        Raises:
            ValueError: For pydantic to place.
        """
        places = {one.key: place for place, one in enumerate(self.tree)}
        reached = {self.tree[0].key} if self.tree else set()
        for place, one in enumerate(self.tree):
            for way in (one.if_yes, one.if_no):
                if isinstance(way, int):
                    if way not in POINTS:
                        raise ValueError(f"scores from 1 to 5; {one.key} leads to {way}")
                elif places.get(way, -1) <= place:
                    raise ValueError(f'later questions; {one.key} leads to "{way}"')
                else:
                    reached.add(way)
        if strays := [one.key for one in self.tree if one.key not in reached]:
            raise ValueError(f'a way to every question; none leads to "{strays[0]}"')

    def walk(self, answers: Mapping[str, bool]) -> int:
        """Return the score that the tree ends in; answers off the way do not count."""
        questions = {one.key: one for one in self.tree}
        at: int | str = self.tree[0].key
        while isinstance(at, str):
            at = questions[at].if_yes if answers[at] else questions[at].if_no
        return at


def read_criteria(paths: Sequence[str]) -> dict[str, Criterion]:
    """Read criteria of one's own: YAML files, or folders of them (`*.yaml`, by name).

    Raises:
        PackError: A path is missing, a folder is empty, a file does not fit, or two have one key.
    """
    found: dict[str, Criterion] = {}
    for path in (file for given in paths for file in _files(Path(given))):
        where = str(path)
        criterion = parse(Criterion, read_yaml(path, where), where)
        if criterion.key in found:
            raise _twice(criterion.key, where)
        found[criterion.key] = criterion
    return found


def together(packs: Mapping[str, Criterion], own: Mapping[str, Criterion]) -> dict[str, Criterion]:
    """Return the pack's criteria and one's own.

    Raises:
        PackError: One's own has a key of the pack's: a score must not change its meaning unseen.
    """
    for key in own:
        if key in packs:
            raise _twice(key, "evaluation.criteria_files")
    return {**packs, **own}


def chosen(known: Mapping[str, Criterion], keys: Iterable[str], where: str) -> list[Criterion]:
    """Return the criteria that a run file names.

    Raises:
        PackError: There is none of that name.
    """
    found = []
    for key in keys:
        if key not in known:
            raise PackError(
                "there is no such criterion",
                where=where,
                expected=f"one of: {', '.join(known)}",
                got=key,
                mend="Correct the name, or name its file in evaluation.criteria_files.",
            )
        found.append(known[key])
    return found


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    files = sorted(path.glob("*.yaml"))
    if not files:
        raise PackError(
            "the folder holds no criteria",
            where=str(path),
            expected="files *.yaml",
            got="none",
            mend="Correct evaluation.criteria_files.",
        )
    return files


def _twice(key: str, where: str) -> PackError:
    return PackError(
        "two criteria have one key",
        where=where,
        expected="every key once",
        got=key,
        mend="Give yours another key.",
    )
