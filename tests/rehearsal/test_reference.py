from __future__ import annotations

from domain.settings import CampaignSettings, RolesSettings, Settings
from rehearsal.reference import PAGE, reference


def test_the_page_is_what_the_settings_say() -> None:
    said = "docs/runfile.md is stale: python -m rehearsal.reference"
    assert PAGE.read_text(encoding="utf-8") == reference(), said


def test_every_section_and_key_is_there() -> None:
    page = reference()
    for name in Settings.model_fields:
        assert f"## {name}" in page or f"| `{name}` |" in page
    for name in CampaignSettings.model_fields:
        assert f"| `{name}` |" in page or f"## campaign.{name}" in page
    for name in RolesSettings.model_fields:
        assert f"`roles.{name}`" in page


def test_a_key_has_its_type_bounds_default_and_meaning() -> None:
    lines = reference().splitlines()
    meaning = "Seconds of this run after which no new call is made."
    assert f"| `deadline_s` | number or null, > 0 | `null` | {meaning} |" in lines
    assert any(line.startswith('| `kind` | `ray` or `inline` | `"ray"` | ') for line in lines)
    assert any(line.startswith("| `model` | text, length ≥ 1 | required |") for line in lines)


def test_every_key_says_what_it_means() -> None:
    rows = [line for line in reference().splitlines() if line.startswith("| `")]
    prices = reference().partition("## prices.MODEL")[2]
    assert len(rows) > 50
    assert [row for row in rows if row.endswith("|  |") and row not in prices] == []
