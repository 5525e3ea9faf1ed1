"""The form of a critique: what a schema that is enforced can and cannot let through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from jsonschema import Draft202012Validator
from llguidance import LLMatcher

from agents.forms import critique_form
from agents.pack import load_pack
from agents.structured import InvalidAnswerError, read_answer, response_format
from agents.supervisor import answer_check
from domain.critique import CritiqueAnswer
from tests.support.critiques import critique_answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.pack import Pack

Spoil: TypeAlias = "Callable[[dict[str, Any]], object]"


@pytest.fixture(params=["cbt", "mi"])
def any_pack(request: pytest.FixtureRequest) -> Pack:
    return load_pack(request.param)


def answer(pack: Pack) -> dict[str, Any]:
    highest = pack.session.scale.maximum
    flaws = ((2, pack.flaws[0].key, "Wait."),)
    return critique_answer(pack, highest, flaws).model_dump(mode="json")


def schema(pack: Pack) -> dict[str, Any]:
    found: dict[str, Any] = response_format(critique_form(pack))["json_schema"]["schema"]
    return found


def test_a_critique_with_the_packs_keys_fits(any_pack: Pack) -> None:
    assert Draft202012Validator(schema(any_pack)).is_valid(answer(any_pack))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda said: said.update(gates=[], items=[]),
        lambda said: said["gates"].pop(),
        lambda said: said["items"].append(said["items"][0]),
        lambda said: said["gates"][0].update(gate="kindness"),
        lambda said: said["items"][0].update(item="kindness"),
        lambda said: said["items"][0].update(score=7),
        lambda said: said["items"][0].update(score=-1),
        lambda said: said["flaws"][0].update(kind="too_kind"),
    ],
)
def test_what_no_pack_asks_for_does_not_fit(any_pack: Pack, spoil: Spoil) -> None:
    said = answer(any_pack)
    spoil(said)
    assert not Draft202012Validator(schema(any_pack)).is_valid(said)


def test_a_key_that_comes_twice_is_for_the_check_to_find(any_pack: Pack) -> None:
    said = answer(any_pack)
    said["gates"] = [said["gates"][0]] * len(said["gates"])
    assert Draft202012Validator(schema(any_pack)).is_valid(said)
    with pytest.raises(InvalidAnswerError, match=f"missing {any_pack.gates[1].key}"):
        read_answer(json.dumps(said), critique_form(any_pack), answer_check(any_pack, ()))


def test_the_highest_score_is_the_packs() -> None:
    said = answer(load_pack("mi"))
    said["items"][0]["score"] = 5
    assert not Draft202012Validator(schema(load_pack("mi"))).is_valid(said)


def test_a_model_looks_before_it_decides(any_pack: Pack) -> None:
    kinds = schema(any_pack)["$defs"]
    assert list(kinds["GateAnswer"]["properties"])[-2:] == ["reason", "passed"]
    assert list(kinds["ItemAnswer"]["properties"])[-2:] == ["reason", "score"]


def test_a_decoder_can_be_held_to_it(any_pack: Pack) -> None:
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema(any_pack)))
    assert not LLMatcher.validate_grammar(grammar)


def test_it_is_read_as_any_critique_and_made_once(any_pack: Pack) -> None:
    form = critique_form(any_pack)
    said = critique_answer(any_pack, 3)
    read = read_answer(said.model_dump_json(), form)
    assert isinstance(read, CritiqueAnswer)
    assert read.model_dump() == said.model_dump()
    assert form is critique_form(load_pack(any_pack.name))
