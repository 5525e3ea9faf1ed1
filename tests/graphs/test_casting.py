"""A persona is written for its cell, held to it, and is nobody's copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from agents.caster import cell_check, likeness, persona_text
from agents.llm import RoleModel
from agents.retry import Backoff
from agents.structured import InvalidAnswerError
from domain.call import Role
from domain.cast import CastingCase, CastingOrder, CastingResult, PersonaAnswer
from domain.persona import RiskLevel, Style
from domain.settings import RoleSettings
from graphs.casting import CastingContext, write_persona
from tests.support.cast import a_persona
from tests.support.memory import MemoryJournal
from tests.support.scripted import Asked, Reply, ScriptedEndpoint, says

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.pack import Pack

pytestmark = pytest.mark.usefixtures("line")

CASE = CastingCase(
    problem="panic",
    technique="decatastrophising",
    youngest=25,
    oldest=34,
    gender="man",
    culture="Irish, raised Catholic, lapsed now",
    style=Style.RESERVED,
    risk=RiskLevel.NONE,
    fitting=("catastrophising", "fortune_telling"),
)
GOOD: dict[str, Any] = {
    "name": "Tadhg",
    "age": 31,
    "gender": "man",
    "occupation": "joiner",
    "household": "lives with a partner",
    "problem": "panic",
    "presenting_problem": "I have attacks in the van and have begun to turn jobs down",
    "history": "The first came on a wet morning by the quarry. I had slept little that winter.",
    "diagram": {
        "situation": "on Tuesday the van was boxed in at the roadworks, and I left the engine on "
        "and stood on the verge",
        "automatic_thoughts": [
            "my heart will give out before I reach the exit",
            "it will be back tomorrow",
            "the lads think I am soft",
        ],
        "emotions": ["frightened"],
        "behaviours": ["I take the back roads"],
        "intermediate_beliefs": ["if I keep moving it cannot catch me"],
        "core_beliefs": ["I am breakable"],
        "coping": ["I keep the window down"],
    },
    "distortions": ["catastrophising", "fortune_telling", "mind_reading"],
    "style": "reserved",
    "readiness": "preparation",
    "goals": ["to drive to the coast in the van"],
    "risk": "none",
    "risk_statement": "",
    "topic": "standing still in traffic",
}


def changed(**changes: object) -> dict[str, Any]:
    return {**GOOD, **changes}


def diagram(**changes: object) -> dict[str, Any]:
    return changed(diagram={**GOOD["diagram"], **changes})


def order(**changes: object) -> CastingOrder:
    example = a_persona()
    return CastingOrder(index=3, seed=7, case=CASE, examples=(example,)).model_copy(update=changes)


async def written(
    pack: Pack, answer: Callable[[Asked], Reply], asked: CastingOrder | None = None
) -> tuple[CastingResult, list[Asked]]:
    async with ScriptedEndpoint(answer) as endpoint:
        role = RoleSettings(base_url=endpoint.base_url, model="scripted", retries=0, patience_s=0)
        model = RoleModel(Role.CASTER, role, MemoryJournal(), Backoff(first_s=0.001))
        result = await write_persona(asked or order(), CastingContext(pack, model))
        return result, endpoint.asked


def said(answer: dict[str, Any]) -> Reply:
    return says(orjson.dumps(answer).decode())


async def test_a_persona_that_fits_its_cell_is_taken(pack: Pack) -> None:
    result, asked = await written(pack, lambda _: said(GOOD))
    assert result.answer is not None
    assert result.answer.name == "Tadhg"
    assert not result.why
    [request] = asked
    assert "Age: 25 to 34" in request.messages[1]["content"]
    assert a_persona().diagram.situation in request.messages[1]["content"]
    assert request.call.startswith(order().id)


async def test_a_persona_of_another_cell_is_sent_back_with_what_is_wrong(pack: Pack) -> None:
    answers = iter([changed(age=58, gender="woman"), GOOD])
    result, asked = await written(pack, lambda _: said(next(answers)))
    assert result.answer is not None
    told = asked[1].messages[-1]["content"]
    assert "58 is not 25 to 34" in told
    assert "the case says man" in told


async def test_repairs_are_bounded_and_what_was_wrong_is_kept(pack: Pack) -> None:
    result, asked = await written(pack, lambda _: said(changed(age=58)))
    assert result.answer is None
    assert result.why.startswith("invalid: age: 58")
    assert len(asked) == 3


async def test_a_copy_of_an_example_is_proposed_anew(pack: Pack) -> None:
    example = a_persona().model_copy(
        update={
            "presenting_problem": GOOD["presenting_problem"],
            "history": GOOD["history"],
            "goals": tuple(GOOD["goals"]),
            "diagram": PersonaAnswer.model_validate(GOOD).diagram,
        }
    )
    other = diagram(
        situation="at the allotment the gate stuck and I shook it until a neighbour came",
        automatic_thoughts=["I will choke here", "this ends in hospital", "she saw me shake"],
    )
    other |= {
        "presenting_problem": "small rooms make me want to run",
        "history": "It grew over a year in which my shop closed.",
        "goals": ["to sit through a film"],
    }
    answers = iter([GOOD, other])
    result, asked = await written(pack, lambda _: said(next(answers)), order(examples=(example,)))
    assert result.answer is not None
    assert result.answer.diagram.situation.startswith("at the allotment")
    first, second = (one.messages[1]["content"].split("# Already cast")[1] for one in asked)
    assert "quarry" not in first
    assert "quarry" in second


async def test_an_endpoint_that_only_copies_ends_with_the_reason(pack: Pack) -> None:
    example = a_persona().model_copy(update={"diagram": PersonaAnswer.model_validate(GOOD).diagram})
    result, asked = await written(pack, lambda _: said(GOOD), order(examples=(example,)))
    assert result.answer is None
    assert result.why == "near-duplicate: of an example"
    assert len(asked) == 2


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (changed(problem="grief"), "problem"),
        (changed(style="plain"), "style"),
        (changed(risk="hinted"), "risk"),
        (changed(distortions=["mind_reading", "catastrophising", "labelling"]), "the first is"),
        (changed(distortions=["catastrophising", "labelling"]), "one for each"),
        (changed(distortions=["catastrophising", "labelling", "rudeness"]), "no rudeness"),
        (diagram(automatic_thoughts=["it will be back"]), "at least 3"),
        (changed(risk_statement="I want to die"), "risk_statement"),
        (diagram(automatic_thoughts=["I want to die", "b", "c"]), "without risk"),
        (changed(topic="my panic"), "topic"),
        (changed(name="Tadhg O'Malley"), "first name"),
        (changed(history="They rang me on 020 7946 0018 that day."), "identify"),
        (changed(presenting_problem="I am breakable, that is all"), "core belief"),
    ],
)
def test_the_check_says_what_the_schema_cannot(
    pack: Pack, answer: dict[str, Any], fault: str
) -> None:
    with pytest.raises(InvalidAnswerError, match=fault):
        cell_check(pack, CASE)(PersonaAnswer.model_validate(answer))


def test_risk_is_said_where_the_case_asks_for_it(pack: Pack) -> None:
    stated = CASE.model_copy(update={"risk": RiskLevel.STATED})
    check = cell_check(pack, stated)
    check(PersonaAnswer.model_validate(changed(risk="stated", risk_statement="I want to die")))
    with pytest.raises(InvalidAnswerError, match="says outright"):
        check(PersonaAnswer.model_validate(changed(risk="stated", risk_statement="I am tired")))


def test_likeness_is_one_for_the_same_and_nothing_for_another() -> None:
    text = persona_text(PersonaAnswer.model_validate(GOOD))
    assert likeness(text, text) == 1
    assert likeness(text, persona_text(a_persona())) < 0.02
