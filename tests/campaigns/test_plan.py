from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from campaigns.plan import plan_bytes, plan_campaign, read_plan
from domain.errors import ConfigError
from domain.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from agents.pack import Pack


def settings(sessions: int = 3, **campaign: str) -> Settings:
    return Settings.model_validate(
        {"name": "trial", "seed": 9, "campaign": {"sessions": sessions, **campaign}}
    )


def test_a_plan_is_read_as_it_was_written(pack: Pack, tmp_path: Path) -> None:
    plan = plan_campaign(settings(), pack)
    (tmp_path / "plan.jsonl").write_bytes(plan_bytes(plan))
    assert read_plan(tmp_path / "plan.jsonl") == plan


def test_a_cast_that_is_brought_is_played_under_this_runs_seed(pack: Pack, tmp_path: Path) -> None:
    plan = plan_campaign(settings(), pack)
    (tmp_path / "cast.jsonl").write_bytes(plan_bytes(plan[::-1]))
    brought = plan_campaign(settings(2, cast=str(tmp_path / "cast.jsonl")), pack)
    assert [item.persona for item in brought] == [plan[2].persona, plan[1].persona]
    assert [(item.index, item.campaign_seed) for item in brought] == [(0, 9), (1, 9)]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"index": 0}\n', r"jsonl:1: index: .*\n  expected: one of: .*\n  got: index\n"),
        (b'{"scenario": {}}\n', r"jsonl:1: id: (.*\n){2}  got: nothing\n  mend: add "),
        (b"no json\n", r"jsonl:1: a line.*\n.*\n  got: no JSON: expected"),
        (b"\n\n", "empty"),
        (b"\xff\xfe\n", "cannot be read"),
    ],
)
def test_a_bad_cast_is_refused_by_line(
    pack: Pack, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "cast.jsonl").write_bytes(content)
    with pytest.raises(ConfigError, match=said):
        plan_campaign(settings(cast=str(tmp_path / "cast.jsonl")), pack)


def test_a_missing_cast_is_refused(pack: Pack, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        plan_campaign(settings(cast=str(tmp_path / "none.jsonl")), pack)


def test_a_cast_that_is_too_short_is_refused(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "cast.jsonl").write_bytes(plan_bytes(plan_campaign(settings(), pack)))
    with pytest.raises(ConfigError, match="too few lines"):
        plan_campaign(settings(4, cast=str(tmp_path / "cast.jsonl")), pack)
