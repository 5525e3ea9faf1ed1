from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import chisquare

from campaigns.casting.deal import quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.plan import plan_campaign
from domain.casting import DIMENSIONS, CastingSettings, band_of
from domain.errors import ConfigError
from domain.settings import Settings

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.scenario import PlanItem

ASKED = {
    "age": {"18-29": 0.3, "30-49": [0.35, 0.45], "50-64": 0.2, "65-99": [0.05, 0.15]},
    "gender": {"woman": 0.5, "man": 0.4, "non-binary": 0.1},
    "culture": {"irish": 0.2, "polish": 0.15, "nigerian": [0.1, 0.2]},
    "problem": {"depression": 0.25, "panic": 0.15, "grief": [0.05, 0.1]},
    "technique": {"examining_evidence": 0.15, "behavioural_activation": [0.1, 0.2]},
    "style": {"plain": 0.3, "reserved": 0.25, "upset": 0.15, "pleasing": 0.1},
    "risk": {"hinted": 0.08, "stated": [0.02, 0.04]},
    "never": [
        {"problem": "panic", "technique": ["downward_arrow", "cost_benefit"]},
        {"age": "18-29", "problem": "grief", "technique": "examining_evidence"},
        {"style": "pleasing", "risk": "stated"},
    ],
    "joint": [{"where": {"problem": "depression", "age": "65-99"}, "share": [0.04, 0.06]}],
}
SEEDS = (1, 7, 19, 101, 2024)


def plan_of(pack: Pack, sessions: int, seed: int, casting: dict[str, Any]) -> list[PlanItem]:
    campaign = {"sessions": sessions, "casting": casting}
    settings = {"name": "trial", "seed": seed, "pack": pack.name, "campaign": campaign}
    return plan_campaign(Settings.model_validate(settings), pack)


def shown(item: PlanItem, casting: CastingSettings, culture: dict[str, str]) -> dict[str, str]:
    """What an item shows, read from the item itself and not from how it was dealt."""
    persona = item.persona
    bands = casting.age or ("18-24", "25-34", "35-44", "45-54", "55-64", "65-99")
    age = next(key for key in bands if band_of(key)[0] <= persona.age <= band_of(key)[1])
    return {
        "problem": persona.problem,
        "technique": item.scenario.technique,
        "age": age,
        "risk": persona.risk.value,
        "style": persona.style.value,
        "gender": persona.gender,
        "culture": culture[persona.culture],
    }


def rows(pack: Pack, plan: list[PlanItem], asked: dict[str, Any]) -> list[dict[str, str]]:
    casting = CastingSettings.model_validate(asked)
    culture = {one.culture: one.name for one in load_grammar(pack).people.backgrounds}
    return [shown(item, casting, culture) for item in plan]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("asked", [{}, ASKED], ids=["nothing asked", "much asked"])
def test_500_personas_meet_their_quota(pack: Pack, asked: dict[str, Any], seed: int) -> None:
    found = rows(pack, plan_of(pack, 500, seed, asked), asked)
    quota = quota_of(load_grammar(pack), CastingSettings.model_validate(asked))
    for dimension in DIMENSIONS:
        counts = Counter(row[dimension] for row in found)
        shares = quota.marginal(dimension)
        real = [key for key, share in shares.items() if share > 1e-4]
        expected = np.array([shares[key] for key in real])
        got = np.array([counts[key] for key in real])
        assert got.sum() == 500
        assert chisquare(got, expected / expected.sum() * 500).pvalue > 0.01
        assert abs(got / 500 - expected).max() < 0.01


@pytest.mark.parametrize("seed", SEEDS)
def test_ranges_forbidden_cells_and_joint_shares_are_kept(pack: Pack, seed: int) -> None:
    found = rows(pack, plan_of(pack, 500, seed, ASKED), ASKED)

    def share(**what: str) -> float:
        return sum(all(row[k] == v for k, v in what.items()) for row in found) / len(found)

    for dimension in ("age", "culture", "problem", "technique", "risk", "style"):
        for key, asked in ASKED[dimension].items():  # type: ignore[attr-defined]
            low, high = asked if isinstance(asked, list) else (asked, asked)
            assert low - 0.01 <= share(**{dimension: key}) <= high + 0.01
    assert share(problem="panic", technique="downward_arrow") == 0
    assert share(problem="panic", technique="cost_benefit") == 0
    assert share(age="18-29", problem="grief", technique="examining_evidence") == 0
    assert share(style="pleasing", risk="stated") == 0
    assert 0.035 <= share(problem="depression", age="65-99") <= 0.065


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_50_cover_every_value(pack: Pack, seed: int) -> None:
    first = rows(pack, plan_of(pack, 50, seed, {}), {})
    quota = quota_of(load_grammar(pack), CastingSettings())
    for dimension in DIMENSIONS:
        shares = quota.marginal(dimension)
        counts = Counter(row[dimension] for row in first)
        assert all(counts[key] for key, share in shares.items() if share >= 0.03)
        assert all(abs(counts[key] / 50 - share) <= 0.05 for key, share in shares.items())


def test_the_pairs_are_even_too(pack: Pack) -> None:
    """Twelve problems and six styles: a plan that cycles through both would show few pairs."""
    found = rows(pack, plan_of(pack, 500, 7, {}), {})
    pairs = Counter((row["problem"], row["style"]) for row in found)
    assert len(pairs) == 72
    assert min(pairs.values()) >= 4
    assert max(pairs.values()) <= 10


@pytest.mark.parametrize(
    ("asked", "what", "where", "told"),
    [
        (
            {"problem": {"panic": 1.0}, "technique": {"responsibility_pie": 0.5}},
            "cannot all hold",
            "campaign.casting",
            "responsibility_pie",
        ),
        (
            {"problem": {"panic": 0.9}, "never": [{"problem": "panic", "gender": "man"}],
             "gender": {"man": 0.5, "woman": 0.5}},
            "cannot all hold",
            "campaign.casting",
            "problem panic",
        ),
        (
            {"joint": [{"where": {"problem": "panic", "technique": "responsibility_pie"},
                        "share": 0.1}]},
            "nobody can be cast so",
            "campaign.casting.joint.0",
            "leave no room",
        ),
        ({"problem": {"vertigo": 0.1}}, "no such problem", "campaign.casting.problem", "vertigo"),
        (
            {"never": [{"age": "20-30"}]},
            "no such age",
            "campaign.casting.never.0",
            "20-30",
        ),
        (
            {"gender": {"woman": [0, 0.1], "man": [0, 0.1], "non-binary": [0, 0.1]}},
            "cannot all hold",
            "campaign.casting.gender",
            "",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    pack: Pack, asked: dict[str, Any], what: str, where: str, told: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        quota_of(load_grammar(pack), CastingSettings.model_validate(asked))
    error = refused.value
    assert what in error.what
    assert error.where.startswith(where)
    assert told in error.expected + error.got
    assert error.mend


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"age": {"18-30": 0.5, "30-40": 0.5}}, "overlap"),
        ({"age": {"young": 0.5}}, "age band"),
        ({"age": {"40-30": 0.5}}, "age band"),
        ({"style": {"plain": 0.8, "upset": 0.4}}, "add up"),
        ({"style": {"plain": [0.4, 0.2]}}, "least"),
        ({"style": {"plain": -0.1}}, "share from 0 to 1"),
        ({"style": {}}, "one value at least"),
        ({"never": [{"height": "tall"}]}, "dimensions among"),
    ],
)
def test_a_slip_in_the_run_file_is_named(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        CastingSettings.model_validate(asked)
