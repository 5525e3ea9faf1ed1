from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import orjson
import pytest

from agents.pack import load_pack
from agents.packfolder import INSTALLED
from agents.structured import InvalidAnswerError
from agents.supervisor import answer_check
from campaigns.packcheck import check_pack
from campaigns.plan import plan_campaign
from campaigns.run import run_campaign
from domain.critique import CritiqueAnswer, Flaw, GateAnswer, ItemAnswer
from domain.errors import PackError
from domain.persona import Style
from domain.progress import silent
from domain.runfolder import RunFolder
from domain.settings import Settings
from domain.turn import Speaker, Turn
from rehearsal.embedded import endpoints_ready

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return shutil.copytree(INSTALLED / "mi", tmp_path / "own")


@pytest.mark.parametrize("name", ["cbt", "mi"])
def test_the_packs_that_are_installed_pass(name: str) -> None:
    report = check_pack(load_pack(name))
    assert report.name == name
    assert report.cast == 50 + report.counts["cases"]
    assert report.prompts_filled == report.cast * (4 * 12 + 2 + 8 * report.counts["criteria"])
    assert (report.unused_techniques, report.unused_distortions) == ((), ())
    assert report.uncast_files == ()
    assert set(report.unused_slots) == {"supervisor_case"}


def test_the_first_32_of_a_campaign_cover_the_taxonomies_of_mi() -> None:
    pack = load_pack("mi")
    settings = Settings.model_validate({"name": "t", "campaign": {"sessions": 32}})
    first = plan_campaign(settings, pack)
    assert {item.persona.style for item in first} == set(Style)
    for taxonomy, seen in {
        "problems": {item.persona.problem for item in first},
        "techniques": {item.scenario.technique for item in first},
        "distortions": {name for item in first for name in item.persona.distortions},
        "phases": {item.scenario.phase for item in first},
    }.items():
        assert seen == set(pack.taxonomies[taxonomy].keys)


@pytest.mark.parametrize(
    ("file", "old", "new", "where", "says"),
    [
        ("casting/diet.yaml", "topic:", "topick:", "casting/diet.yaml: cases.0", "topick"),
        ("casting/diet.yaml", "with {sibling}", "with {uncle}", "casting/diet.yaml", "uncle"),
        ("casting/diet.yaml", "{the pie|", "{the {day} pie|", "casting/diet.yaml", "brace"),
        ("casting/scenarios.yaml", "what of all", "what {x} all", "scenarios.yaml", "x"),
        ("casting/gambling.yaml", "distortion: wish", "distortion: hope", "gambling.yaml", "hope"),
        ("casting/diet.yaml", "[shifts, manual", "[moon, pilots", "diet.yaml: shifts", "no life"),
        ("rubrics/session.yaml", "partnership: 3", "partnership: 5", "session.yaml", "at most 4"),
        ("prompts/client.md", "{{ name }}", "{{ nam }}", "prompts/client.md", "nam"),
    ],
)
def test_a_broken_copy_is_refused_with_file_and_key(
    own: Path, file: str, old: str, new: str, where: str, says: str
) -> None:
    text = (own / file).read_text(encoding="utf-8")
    changed = text.replace(old, new, 1)
    if "moon" in new:
        changed = text.replace("[shifts, manual, care]", "[moon, pilots]", 1)
    assert changed != text
    (own / file).write_text(changed, encoding="utf-8")
    with pytest.raises(PackError) as refused:
        check_pack(load_pack(str(own)))
    assert where in refused.value.where
    assert says in str(refused.value)
    assert refused.value.mend


def test_a_problem_without_its_casting_file_is_refused(own: Path) -> None:
    (own / "casting" / "cannabis.yaml").unlink()
    with pytest.raises(PackError, match=r"cannabis\.yaml.*missing"):
        check_pack(load_pack(str(own)))


def test_what_nothing_uses_is_said(own: Path) -> None:
    shutil.copy(own / "casting" / "diet.yaml", own / "casting" / "sleep.yaml")
    with (own / "taxonomies" / "techniques.yaml").open("a", encoding="utf-8") as file:
        file.write("  - {key: silence, name: Silence, description: Wait.}\n")
    report = check_pack(load_pack(str(own)))
    assert report.uncast_files == ("sleep.yaml",)
    assert report.unused_techniques == ("silence",)


def answer(highest: int) -> CritiqueAnswer:
    pack = load_pack("mi")
    return CritiqueAnswer(
        gates=tuple(
            GateAnswer(gate=gate.key, passed=True, turns=(), reason="") for gate in pack.gates
        ),
        items=tuple(
            ItemAnswer(item=key, score=highest, turns=(), reason="") for key in pack.session.keys
        ),
        flaws=(Flaw(turn=0, kind="persuading", what="", instead=""),),
    )


def test_a_score_beyond_the_packs_scale_is_sent_back() -> None:
    check = answer_check(load_pack("mi"), [Turn(index=0, speaker=Speaker.THERAPIST, text="So.")])
    check(answer(4))
    with pytest.raises(InvalidAnswerError, match="partnership has 5, the scale ends at 4"):
        check(answer(5))


def test_four_sessions_of_mi_are_played_and_judged_by_its_rubrics(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {
            "name": "mi",
            "pack": "mi",
            "roles": {"therapist": {"model": "understudy-therapist:expert"}},
            "engine": {"kind": "inline", "sessions_in_flight": 4},
            "campaign": {"sessions": 4, "exchanges": 10, "revisions": 1},
        }
    )
    folder = RunFolder(tmp_path / "mi")
    with endpoints_ready(settings) as served:
        run_campaign(served, folder, silent)
    pack = load_pack("mi")
    sessions = [orjson.loads(line) for line in folder.sessions.read_bytes().splitlines()]
    assert len(sessions) == 4
    for session in sessions:
        assert session["problem"] in pack.taxonomies["problems"].keys
        assert session["status"] in ("accepted", "rejected")
        for draft in session["drafts"]:
            given = draft["critique"]["answer"]
            assert [gate["gate"] for gate in given["gates"]] == [gate.key for gate in pack.gates]
            assert tuple(item["item"] for item in given["items"]) == pack.session.keys
            assert all(0 <= (item["score"] or 0) <= 4 for item in given["items"])
            said = " ".join(turn["text"] for turn in draft["turns"])
            assert "as if we were in court" not in said
            assert "{" not in said
