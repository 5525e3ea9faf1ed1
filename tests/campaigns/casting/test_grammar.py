from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from agents.pack import Pack, load_pack
from campaigns.casting.grammar import load_grammar
from campaigns.plan import plan_campaign
from domain.errors import PackError
from domain.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(pack: Pack, tmp_path: Path) -> Path:
    return shutil.copytree(pack.root, tmp_path / "own")


def edit(pack: Path, name: str, old: str, new: str) -> Pack:
    path = pack / "casting" / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_pack(str(pack))


def test_every_problem_has_at_least_four_situations(pack: Pack) -> None:
    for problem in load_grammar(pack).problems:
        assert len(problem.cases) >= 4
        assert all(len(case.thoughts) >= 4 for case in problem.cases)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("anger.yaml", "distortion: labelling", "distortion: rudeness", "rudeness"),
        ("panic.yaml", "techniques: [dec", "techniques: [hypnosis, dec", "hypnosis"),
        ("panic.yaml", "problem: panic", "problem: fear", "fear"),
        ("grief.yaml", "topic:", "topick:", "topick"),
        ("panic.yaml", "techniques: [dec", "techniques: [cost_benefit]\nx: [dec", "x"),
    ],
)
def test_a_slip_in_a_casting_file_is_named(
    own: Path, name: str, old: str, new: str, said: str
) -> None:
    with pytest.raises(PackError, match=rf"(?s){name}.*{said}"):
        load_grammar(edit(own, name, old, new))


def test_a_thought_without_a_technique_is_refused(own: Path) -> None:
    path = own / "casting" / "panic.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    kept = ["techniques: [cost_benefit]" if one.startswith("techniques") else one for one in lines]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(PackError, match="no technique of the problem fits"):
        load_grammar(load_pack(str(own)))


def test_an_unknown_slot_is_named(own: Path) -> None:
    pack = edit(own, "anger.yaml", "{boss}", "{headteacher}")
    with pytest.raises(PackError, match="headteacher"):
        plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 200}}), pack)


def test_a_case_that_no_life_fits_is_named(own: Path) -> None:
    pack = edit(own, "panic.yaml", "ages: [22, 75]", "ages: [97, 99]")
    with pytest.raises(PackError, match=r"panic\.yaml: motorway"):
        plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 200}}), pack)
