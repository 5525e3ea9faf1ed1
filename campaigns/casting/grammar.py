"""The pack's casting files, typed: who may come, with what, and what an hour is planned for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Self, TypeVar

from pydantic import BeforeValidator, Field, model_validator

from agents.packfile import parse, read_yaml, unique
from domain.base import Noun
from domain.casting import DEFAULT_BANDS
from domain.errors import PackError
from domain.persona import Readiness, Style

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.pack import Pack

N = TypeVar("N", bound=Noun)
Texts = tuple[str, ...]
Ages = tuple[int, int]
GENDERS = {"women": "woman", "men": "man", "nonbinary": "non-binary"}


class Background(Noun):
    """Where somebody comes from, with first names that are common there."""

    culture: str
    key: str = ""
    """Its name in the run file; the text of `culture` where there is none."""
    women: Texts = Field(min_length=1)
    men: Texts = Field(min_length=1)
    nonbinary: Texts = Field(min_length=1)

    @property
    def name(self) -> str:
        """What the run file calls it."""
        return self.key or self.culture


class Occupation(Noun):
    """Somebody's work; `tags` say which cases it fits."""

    title: str
    tags: Texts
    ages: Ages


class Household(Noun):
    """Whom somebody lives with; `tags` say which cases it fits."""

    text: str
    tags: Texts
    ages: Ages


class People(Noun):
    """people.yaml: lives before anything is wrong, and the slots every text may use."""

    source: str
    risk_share: float = Field(ge=0, le=1)
    """Share of the cast at risk where the run file sets none: two in three hint, one says it."""
    gender_weights: dict[str, int] = Field(
        default_factory=lambda: {"women": 11, "men": 8, "nonbinary": 1}
    )
    """Who comes to counselling, roughly, where the run file sets no shares."""
    age_weights: dict[str, int] = Field(
        default_factory=lambda: dict(zip(DEFAULT_BANDS, (3, 5, 5, 4, 2, 1), strict=True))
    )
    """The same by age band."""
    backgrounds: tuple[Background, ...] = Field(min_length=1)
    occupations: tuple[Occupation, ...] = Field(min_length=1)
    households: tuple[Household, ...] = Field(min_length=1)
    slots: dict[str, Texts]

    def background(self, name: str) -> Background:
        """Return the background that the run file calls `name`."""
        return next(one for one in self.backgrounds if one.name == name)

    @model_validator(mode="after")
    def _named(self) -> Self:
        if set(self.gender_weights) != set(GENDERS):
            raise ValueError(f"a weight for each of {', '.join(GENDERS)}")
        if set(self.age_weights) != set(DEFAULT_BANDS):
            raise ValueError(f"a weight for each of {', '.join(DEFAULT_BANDS)}")
        unique((one.name for one in self.backgrounds), "background")
        return self


class Phase(Noun):
    """A phase of treatment: its first and last session, and how often it is cast."""

    key: str
    sessions: tuple[int, int]
    weight: int = Field(ge=1)


class Scenarios(Noun):
    """scenarios.yaml: what the hour is planned for."""

    source: str
    phases: tuple[Phase, ...] = Field(min_length=1)
    agenda: dict[str, Texts]
    homework: dict[str, Texts]
    obstacles: dict[Style, Texts]
    readiness: dict[Readiness, str]
    readiness_weights: dict[Readiness, int]

    @model_validator(mode="after")
    def _complete(self) -> Self:
        phases = {phase.key for phase in self.phases}
        if not phases <= self.agenda.keys() or not phases <= self.homework.keys():
            raise ValueError("agenda and homework for every phase")
        if set(self.obstacles) != set(Style) or set(self.readiness_weights) != set(Readiness):
            raise ValueError("obstacles for every style, and a weight for every readiness")
        return self


class Aged(Noun):
    """A text that fits some ages only."""

    text: str
    ages: Ages = (18, 99)


def _for_all_ages(value: object) -> object:
    """A text that stands by itself fits all ages."""
    return {"text": value} if isinstance(value, str) else value


class Thought(Noun):
    """An automatic thought and the distortion it shows; `distortion` is a key of the taxonomy."""

    text: str
    distortion: str


class Beliefs(Noun):
    """Core beliefs and the rules that grow from them; they are cast together."""

    core: Texts = Field(min_length=1)
    rules: Texts = Field(min_length=1)


class Case(Noun):
    """One situation with the thoughts and behaviours that belong to it.

    `work` and `home` name tags of which a persona's life has at least one; empty fits all.
    """

    key: str
    work: Texts = ()
    home: Texts = ()
    ages: Ages = (18, 99)
    topic: str
    presenting: str
    situation: str
    thoughts: tuple[Thought, ...] = Field(min_length=3)
    behaviours: Texts = Field(min_length=2)


class Risk(Noun):
    """What is said when there is a risk of harm to self, in words that name no method."""

    hinted: Texts = Field(min_length=1)
    stated: Texts = Field(min_length=1)


class Problem(Noun):
    """One problem's casting file."""

    problem: str
    source: str
    ages: Ages = (18, 99)
    not_home: Texts = ()
    """Tags of households that contradict the problem's texts."""
    slots: dict[str, Texts] = Field(default_factory=dict)
    techniques: Texts = Field(min_length=1)
    history: tuple[Annotated[Aged, BeforeValidator(_for_all_ages)], ...] = Field(min_length=1)
    goals: Texts = Field(min_length=2)
    emotions: Texts = Field(min_length=3)
    coping: Texts = Field(min_length=2)
    beliefs: tuple[Beliefs, ...] = Field(min_length=1)
    risk: Risk | None = None
    cases: tuple[Case, ...] = Field(min_length=1)


class Grammar(Noun):
    """Everything a cast is drawn from; problems stand in the order of the taxonomy."""

    people: People
    scenarios: Scenarios
    problems: tuple[Problem, ...]
    fits: dict[str, frozenset[str]]
    """For every technique, the distortions it fits."""


_LOADED: dict[str, Grammar] = {}
"""By the hash of the pack's files: what they say does not change while they do not."""


def load_grammar(pack: Pack) -> Grammar:
    """Read and check the pack's casting files, once for each state of them.

    Raises:
        PackError: A file is missing, a key is unknown to the taxonomies, or a thought has no
            technique that fits it.
    """
    if pack.hash not in _LOADED:
        _LOADED.clear()
        _LOADED[pack.hash] = _load(pack)
    return _LOADED[pack.hash]


def _load(pack: Pack) -> Grammar:
    fits = {
        entry.key: frozenset(_names(entry.extra.get("distortions")))
        for entry in pack.taxonomies["techniques"].entries
    }
    problems = tuple(_problem(pack, key, fits) for key in pack.taxonomies["problems"].keys)
    return Grammar(
        people=_read(pack, "people.yaml", People),
        scenarios=_read(pack, "scenarios.yaml", Scenarios),
        problems=problems,
        fits=fits,
    )


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


def _read(pack: Pack, name: str, kind: type[N]) -> N:
    where = f"{pack.name}/casting/{name}"
    return parse(kind, read_yaml(pack.casting / name, where), where)


def _problem(pack: Pack, key: str, fits: dict[str, frozenset[str]]) -> Problem:
    problem = _read(pack, f"{key}.yaml", Problem)
    where = f"{pack.name}/casting/{key}.yaml"
    _known(where, "problem", [problem.problem], [key])
    _known(where, "techniques", problem.techniques, fits)
    distortions = pack.taxonomies["distortions"].keys
    for case in problem.cases:
        for thought in case.thoughts:
            _known(where, f"distortion of “{thought.text}”", [thought.distortion], distortions)
            if not any(thought.distortion in fits[name] for name in problem.techniques):
                raise PackError(
                    "no technique of the problem fits the thought",
                    where=where,
                    expected=f"a technique for {thought.distortion}",
                    got=thought.text,
                    mend="Add a technique to the problem, or the distortion to a technique.",
                )
    return problem


def _known(where: str, key: str, got: Iterable[str], known: Iterable[str]) -> None:
    allowed = set(known)
    for name in got:
        if name not in allowed:
            raise PackError(
                "the casting file names something the pack does not list",
                where=f"{where}: {key}",
                expected=f"one of: {', '.join(sorted(allowed))}",
                got=name,
                mend="Correct the name, or add it to the taxonomy.",
            )
