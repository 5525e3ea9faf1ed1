from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from campaigns.castfile import add_to_cast, bring_in, cast_lines, edited, read_cast, write_cast
from campaigns.castreport import report_cast
from campaigns.plan import plan_campaign
from campaigns.planfile import line_of, lines_of
from domain.base import canonical_json
from domain.cast import MadeBy, Making
from domain.errors import ConfigError
from domain.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from agents.pack import Pack
    from domain.scenario import PlanItem


@pytest.fixture(scope="module")
def plan(pack: Pack) -> list[PlanItem]:
    return plan_campaign(Settings.model_validate({"name": "t", "campaign": {"sessions": 4}}), pack)


@pytest.fixture
def file(plan: list[PlanItem], tmp_path: Path) -> Path:
    write_cast(tmp_path / "cast.jsonl", cast_lines(lines_of(plan).lines))
    return tmp_path / "cast.jsonl"


def test_a_plan_line_is_canonical(plan: list[PlanItem]) -> None:
    assert [line_of(item) for item in plan] == [canonical_json(item) for item in plan]


def test_a_cast_is_read_as_it_was_written_under_ids_of_its_content(
    file: Path, plan: list[PlanItem]
) -> None:
    members = read_cast(file)
    assert [member.persona for member in members] == [item.persona for item in plan]
    written = [json.loads(line)["id"] for line in file.read_text().splitlines()]
    assert written == [member.own_id for member in members]
    assert not edited(file)


def test_how_a_line_came_about_is_kept(plan: list[PlanItem], tmp_path: Path) -> None:
    path = tmp_path / "cast.jsonl"
    made = {1: Making(made_by=MadeBy.FALLBACK, why="near-duplicate")}
    lines = lines_of(plan).lines
    write_cast(path, cast_lines(lines[:2], made, Making(made_by=MadeBy.MODEL)))
    add_to_cast(path, 2, cast_lines(lines[2:]))
    add_to_cast(path, 2, cast_lines(lines[2:]))
    assert [(x.made_by.value, x.why) for x in read_cast(path)] == [
        ("model", ""),
        ("fallback", "near-duplicate"),
        ("grammar", ""),
        ("grammar", ""),
    ]


def test_an_edited_line_is_played_as_it_stands_and_named_anew(
    file: Path, pack: Pack, tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    lines[2]["persona"]["name"] = "Ottoline"
    file.write_text("".join(json.dumps(line) + "\n" for line in [*lines, lines[0]]))
    assert edited(file) == (3,)
    found = bring_in(file, tmp_path / "own.jsonl")
    assert (found.personas, found.renamed, found.doubles) == (4, 1, 1)
    assert not edited(tmp_path / "own.jsonl")
    campaign = {"sessions": 4, "cast": str(tmp_path / "own.jsonl")}
    played = plan_campaign(Settings.model_validate({"name": "t", "campaign": campaign}), pack)
    assert played[2].persona.name == "Ottoline"


def test_a_plan_is_a_cast_too(plan: list[PlanItem], tmp_path: Path) -> None:
    (tmp_path / "plan.jsonl").write_bytes(b"\n".join(lines_of(plan).lines) + b"\n\n")
    members = read_cast(tmp_path / "plan.jsonl")
    assert [member.scenario for member in members] == [item.scenario for item in plan]
    assert {member.made_by for member in members} == {MadeBy.BROUGHT}


def test_a_line_that_is_neither_is_named(file: Path) -> None:
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], lines[1].replace('"style":', '"stile":')]))
    with pytest.raises(ConfigError, match=r"jsonl:2: persona\.stile: ") as caught:
        read_cast(file)
    assert caught.value.mend == 'did you mean "style"?'


def test_near_duplicates_are_counted_and_named(
    file: Path, plan: list[PlanItem], pack: Pack
) -> None:
    twin = plan[0].persona.model_copy(update={"name": "Somebody"})
    more = plan[0].model_copy(update={"persona": twin})
    write_cast(file, cast_lines(lines_of([*plan, more]).lines))
    settings = Settings.model_validate({"name": "t"})
    found = report_cast(file, settings, pack)
    assert found.near_duplicates == 1
    assert found.pairs[0].likeness == 1
    assert found.ids == found.personas == 5
    assert found.fit is not None
    assert found.fit.personas == 5
