from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from domain.errors import ConfigError
from rehearsal.runfile import load_settings

if TYPE_CHECKING:
    from pathlib import Path

LAUGHS = "\n".join(
    f"a{i}: &a{i} {{{', '.join(f'k{j}: *a{i - 1}' for j in range(10))}}}" for i in range(1, 12)
)


@pytest.mark.parametrize(
    ("text", "where", "got"),
    [
        (f"name: b\na0: &a0 {{x: 1}}\n{LAUGHS}\n", ":7", "more than 100,000 values"),
        ("name: b\nseed:\n  " + "[" * 20_000, ":3", "more than 50 levels"),
        ("name: b\nseed: &a [*a, *a]\n", "", ""),
    ],
)
def test_an_endless_run_file_is_refused_at_its_line(
    tmp_path: Path, text: str, where: str, got: str
) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(path)
    assert where in caught.value.where
    assert got in caught.value.got


def test_an_alias_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "name: b\nroles:\n  client: &a {model: m}\n  therapist: *a\n  supervisor: *a\n  judge: *a\n"
    )
    assert load_settings(path).roles.judge.model == "m"
