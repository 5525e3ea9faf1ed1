from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from campaigns.casting.marginals import read_marginal
from domain.errors import ConfigError
from rehearsal.runfile import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_counts_become_shares(tmp_path: Path) -> None:
    file = tmp_path / "ages.csv"
    file.write_text("value,share\n18-34,300\n35-64,500\n65-99,200\n")
    assert read_marginal(file) == {"18-34": 0.3, "35-64": 0.5, "65-99": 0.2}


def test_ranges_stay_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "styles.csv"
    file.write_text("value,least,most\nplain,0.2,0.4\nupset,0,0.1\n")
    assert read_marginal(file) == {"plain": (0.2, 0.4), "upset": (0.0, 0.1)}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("value,count\na,1\n", ":1"),
        ("value,share\na,1\na,2\n", ":3"),
        ("value,share\na,many\n", ":2"),
        ("value,share\na,nan\n", ":2"),
        ("value,share\na,1,2\n", ":2"),
        ("value,share\na,0\n", ":2"),
        ("value,share\n", ":1"),
    ],
)
def test_a_line_that_does_not_fit_is_named(tmp_path: Path, text: str, where: str) -> None:
    (tmp_path / "shares.csv").write_text(text)
    with pytest.raises(ConfigError) as refused:
        read_marginal(tmp_path / "shares.csv")
    assert refused.value.where.endswith(f"shares.csv{where}")


def test_a_run_file_names_a_csv_that_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "genders.csv").write_text("value,share\nwoman,60\nman,40\n")
    (tmp_path / "own.yaml").write_text("campaign:\n  casting:\n    gender: genders.csv\n")
    casting = load_settings(tmp_path / "own.yaml").campaign.casting
    assert casting.gender == {"woman": 0.6, "man": 0.4}


def test_a_csv_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text("campaign:\n  casting:\n    gender: none.csv\n")
    with pytest.raises(ConfigError, match=r"none\.csv"):
        load_settings(tmp_path / "own.yaml")


def test_what_cannot_be_cast_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(
        "campaign:\n  casting:\n    problem:\n      panic: 1.0\n"
        "    technique:\n      responsibility_pie: 0.5\n"
    )
    with pytest.raises(ConfigError) as refused:
        load_settings(tmp_path / "own.yaml")
    assert refused.value.where.startswith(f"{tmp_path / 'own.yaml'}:4")
