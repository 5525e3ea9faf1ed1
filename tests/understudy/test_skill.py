from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from understudy.skill import Skill, avoided_by, mistakes_of, skill_of
from understudy.templates import read_data

if TYPE_CHECKING:
    from pathlib import Path


def test_the_model_name_turns_the_dial() -> None:
    assert skill_of("understudy-therapist:novice") is Skill.NOVICE
    assert skill_of("understudy-therapist") is Skill.COMPETENT


def test_a_novice_makes_several_mistakes_and_an_expert_none() -> None:
    assert len(mistakes_of(Skill.NOVICE, 1, "")) >= 4
    assert mistakes_of(Skill.EXPERT, 1, "") == ()


def test_guidance_that_names_every_kind_leaves_nothing(repository: Path) -> None:
    wording = yaml.safe_load((repository / "understudy" / "supervision.yaml").read_text())
    guidance = "; ".join(flaw["instead"] for flaw in wording["flaws"].values())
    assert mistakes_of(Skill.NOVICE, 1, guidance) == ()


def test_each_kind_of_flaw_is_understood_from_the_supervisors_words(repository: Path) -> None:
    wording = yaml.safe_load((repository / "understudy" / "supervision.yaml").read_text())
    for kind, flaw in wording["flaws"].items():
        assert kind in avoided_by(flaw["instead"]), kind


def test_the_kinds_are_those_of_the_pack(repository: Path) -> None:
    flaws = yaml.safe_load((repository / "packs/cbt/rubrics/flaws.yaml").read_text())["flaws"]
    guidance = read_data("novice")["guidance"]
    assert isinstance(guidance, dict)
    assert set(guidance) == {flaw["key"] for flaw in flaws}


@pytest.mark.parametrize("guidance", ["", "Speak more slowly."])
def test_guidance_that_names_nothing_changes_nothing(guidance: str) -> None:
    assert mistakes_of(Skill.NOVICE, 2, guidance) == mistakes_of(Skill.NOVICE, 2, "")
