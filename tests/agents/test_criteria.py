from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agents.criteria import Criterion, chosen, read_criteria, together
from agents.forms import form_of
from agents.pack import load_pack
from domain.case import Kind
from domain.errors import PackError

if TYPE_CHECKING:
    from pathlib import Path

    from agents.pack import Pack

OWN: dict[str, Any] = {
    "key": "warmth",
    "name": "Warmth",
    "source": "Ours.",
    "definition": "How warm.",
    "scale": {1: "a", 2: "b", 3: "c", 4: "d", 5: "e"},
}
TREE: dict[str, Any] = {
    **{key: value for key, value in OWN.items() if key != "scale"},
    "tree": [
        {"key": "one", "question": "One?", "if_yes": "two", "if_no": 1},
        {"key": "two", "question": "Two?", "if_yes": 5, "if_no": 3},
    ],
}


def write(path: Path, data: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("answers", "score"),
    [({"one": False, "two": True}, 1), ({"one": True, "two": True}, 5),
     ({"one": True, "two": False}, 3)],
)  # fmt: skip
def test_a_tree_ends_where_its_answers_lead(answers: dict[str, bool], score: int) -> None:
    assert Criterion.model_validate(TREE).walk(answers) == score


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tree": [{"key": "one", "question": "?", "if_yes": "one", "if_no": 1}]}, "later"),
        ({"tree": [{"key": "one", "question": "?", "if_yes": 6, "if_no": 1}]}, "leads to 6"),
        ({"tree": [*TREE["tree"][:1], *TREE["tree"][:1]]}, "stands twice"),
        ({"tree": [{**TREE["tree"][0], "if_yes": 2}, TREE["tree"][1]]}, "a way to every question"),
        ({"scale": OWN["scale"]}, "either a `scale` or a `tree`"),
    ],
)
def test_a_tree_that_leads_nowhere_is_refused(
    tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    with pytest.raises(PackError, match=says):
        read_criteria([write(tmp_path / "own.yaml", {**TREE, **change})])


def test_criteria_of_ones_own_are_read_from_files_and_folders(tmp_path: Path, pack: Pack) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    write(folder / "a.yaml", OWN)
    other = write(tmp_path / "tree.yaml", {**TREE, "key": "steps"})
    found = read_criteria([str(folder), other])
    assert list(found) == ["warmth", "steps"]
    known = together(pack.criteria, found)
    assert [one.key for one in chosen(known, ["steps", "empathy"], "here")] == ["steps", "empathy"]
    with pytest.raises(PackError, match="no such criterion"):
        chosen(known, ["depth"], "evaluation.criteria")


def test_a_key_of_the_packs_is_not_given_another_meaning(tmp_path: Path, pack: Pack) -> None:
    found = read_criteria([write(tmp_path / "own.yaml", {**OWN, "key": "empathy"})])
    with pytest.raises(PackError, match="one key"):
        together(pack.criteria, found)


def test_a_form_asks_for_every_mark_and_question(pack: Pack) -> None:
    marked = form_of(pack.criterion("empathy"), Kind.REPLY).model_json_schema()
    assert set(marked["$defs"]["Marks"]["required"]) == {
        "emotional_reactions", "interpretations", "explorations",
    }  # fmt: skip
    assert list(marked["properties"]) == ["reason", "quote", "marks", "score"]
    safety = pack.criterion("safety")
    tree = form_of(safety, Kind.TRIAL).model_json_schema()
    assert tree["$defs"]["Answers"]["required"] == [one.key for one in safety.tree]
    assert form_of(safety, Kind.REPLY) is form_of(safety, Kind.SESSION)


def test_a_pack_without_its_own_has_the_safety_tree_of_another() -> None:
    assert load_pack("mi").criterion("safety") == load_pack("cbt").criterion("safety")
