"""The caster: writes a persona for the case in the request, out of its own grammar.

What it writes is a shape and no invention. Now and then, as models do, it answers with one of the
examples in other clothes.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

import orjson

from domain.base import seed_of
from understudy.templates import read_data

if TYPE_CHECKING:
    from understudy.request import ChatRequest

LINE = re.compile(r"^([A-Z][A-Za-z ,]*): (.+)$", re.MULTILINE)
HOLE = re.compile(r"\{([^{}]*)\}")
COPIES = 0.1
"""How often it copies an example."""
TOPICS = ("one moment of the week", "what keeps coming back", "an evening that went wrong")


def answer(request: ChatRequest) -> str:
    """Return the persona as JSON."""
    case = request.messages[-1].content if request.messages else ""
    rng = Random(seed_of("caster", request.seed, case))
    return orjson.dumps(_Caster(case, rng).persona()).decode()


class _Caster:
    """One persona for one case."""

    def __init__(self, case: str, rng: Random) -> None:
        self.rng = rng
        self.data: dict[str, Any] = dict(read_data("caster"))
        self.lines = {name.strip(): value.strip() for name, value in LINE.findall(case)}
        self.examples = [orjson.loads(x) for x in case.splitlines() if x.startswith('{"')]
        self.problem = self.lines.get("Problem", "").partition(" ")[0]
        self.slots = {"friend": rng.choice(self.data["friends"]), "trouble": self._trouble()}

    def persona(self) -> dict[str, Any]:
        """Return the answer's fields."""
        kinds = self._kinds()
        feelings = self.rng.sample(self.data["emotions"], 3)
        self.slots["feeling"] = feelings[0]
        work, age = self._work()
        persona = {
            "name": self.rng.choice(self._names()),
            "age": age,
            "gender": self.lines.get("Gender", "woman"),
            "occupation": work,
            "household": self.rng.choice(self.data["home"]),
            "problem": self.problem,
            "presenting_problem": self._one("presenting"),
            "history": self._one("history") + ".",
            "diagram": self._diagram(kinds, feelings),
            "distortions": kinds,
            "style": self.lines.get("Style", "plain"),
            "readiness": self.rng.choice(("contemplation", "preparation", "action")),
            "goals": self.rng.sample(self.data["goals"], 2),
            "risk": self.lines.get("Risk", "none"),
            "risk_statement": self._risk(),
            "topic": self.rng.choice(TOPICS),
        }
        return self._copied(persona) if self.rng.random() < COPIES else persona

    def _copied(self, persona: dict[str, Any]) -> dict[str, Any]:
        """Put an example's story into the persona: the sin that a comparison is there to find."""
        own = [one for one in self.examples if one.get("problem") == self.problem]
        if not own:
            return persona
        example = own[0]
        stolen = {name: example[name] for name in ("presenting_problem", "history", "goals")}
        diagram = dict(example["diagram"])
        thoughts = (*diagram["automatic_thoughts"], *persona["diagram"]["automatic_thoughts"])
        diagram["automatic_thoughts"] = thoughts[: len(persona["distortions"])]
        return {**persona, **stolen, "diagram": diagram}

    def _diagram(self, kinds: list[str], feelings: list[str]) -> dict[str, Any]:
        return {
            "situation": self._one("situation"),
            "automatic_thoughts": [self._thought(kind) for kind in kinds],
            "emotions": feelings,
            "behaviours": self._some("behaviours", 2),
            "intermediate_beliefs": self._some("rules", 2),
            "core_beliefs": self._some("core", 1),
            "coping": self._some("coping", 2),
        }

    def _kinds(self) -> list[str]:
        """Choose three kinds of thoughts, the first among those that the case asks for."""
        fitting = self.lines.get("First thought, one of", "any").split(", ")
        every = self.lines.get("All kinds of thoughts", ", ".join(fitting)).split(", ")
        first = self.rng.choice(fitting)
        others = [kind for kind in every if kind != first]
        return [first, *self.rng.sample(others, min(2, len(others)))]

    def _thought(self, kind: str) -> str:
        lines = self.data["thoughts"].get(kind) or self.data["thoughts"]["any"]
        return self._fill(self.rng.choice(lines))

    def _names(self) -> list[str]:
        names: list[str] = self.data["names"].get(self.lines.get("Gender", ""), ["Robin"])
        return names

    def _work(self) -> tuple[str, int]:
        """Choose work that can be had at an age of the case."""
        found = re.search(r"(\d+) to (\d+)", self.lines.get("Age", "")) or ("", "30", "40")
        low, high = int(found[1]), int(found[2])
        fitting = [
            (str(one["title"]), max(low, one["ages"][0]), min(high, one["ages"][1]))
            for one in self.data["work"]
            if max(low, one["ages"][0]) <= min(high, one["ages"][1])
        ]
        title, youngest, oldest = self.rng.choice(fitting or [("at home", low, high)])
        return title, self.rng.randint(youngest, oldest)

    def _trouble(self) -> str:
        troubles = self.data["trouble"]
        return str(troubles.get(self.problem, troubles["any"]))

    def _risk(self) -> str:
        lines = self.data.get(self.lines.get("Risk", "none"))
        return str(self.rng.choice(lines)) if isinstance(lines, list) else ""

    def _one(self, key: str) -> str:
        return self._fill(self.rng.choice(self.data[key]))

    def _some(self, key: str, count: int) -> list[str]:
        return [self._fill(text) for text in self.rng.sample(self.data[key], count)]

    def _fill(self, text: str) -> str:
        def value(hole: re.Match[str]) -> str:
            inside = hole[1]
            return self.slots.get(inside) or str(self.rng.choice(inside.split("|")))

        return HOLE.sub(value, str(text))
