"""A campaign's plan: one line for each session, made from the seed or brought along."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from campaigns.castfile import read_cast
from campaigns.casting.deal import dealt, quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.casting.writing import cast_item
from campaigns.textlines import misfit, text_lines
from domain.base import canonical_json
from domain.errors import ConfigError
from domain.scenario import PlanItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from agents.pack import Pack
    from domain.settings import Settings


def plan_campaign(settings: Settings, pack: Pack) -> list[PlanItem]:
    """Return who plays what, in order; see `cast_campaign`."""
    return list(cast_campaign(settings, pack))


def cast_campaign(settings: Settings, pack: Pack) -> Iterable[PlanItem]:
    """Return who plays what, in order, cast one by one as they are asked for.

    Without `campaign.cast`, the plan depends on the seed and the pack only, and a longer plan
    begins with the shorter one. With it, the first `campaign.sessions` lines of that file are
    played, renumbered and under this run's seed.

    Raises:
        PackError: The casting files cannot be used.
        ConfigError: `campaign.cast` cannot be read, the line is named; or what
            `campaign.casting` asks for cannot be cast.
    """
    if settings.campaign.cast is not None:
        return _brought(Path(settings.campaign.cast), settings)
    grammar = load_grammar(pack)
    cells = dealt(quota_of(grammar, settings.campaign.casting), settings.seed)
    first = islice(cells, settings.campaign.sessions)
    return (cast_item(grammar, cell, at, settings.seed) for at, cell in enumerate(first))


def plan_bytes(plan: Sequence[PlanItem]) -> bytes:
    """Return the plan as JSONL, one canonical line per item."""
    return b"".join(canonical_json(item) + b"\n" for item in plan)


def read_plan(path: Path) -> list[PlanItem]:
    """Read a plan as it was written.

    Raises:
        ConfigError: The file cannot be read, or a line is no plan item.
    """
    lines = text_lines(path, "the plan", "a JSONL file in UTF-8 with one plan item per line")
    return [_item(path, number, line) for number, line in lines]


def _brought(path: Path, settings: Settings) -> list[PlanItem]:
    members = read_cast(path)
    if len(members) < settings.campaign.sessions:
        raise ConfigError(
            "the cast has too few lines",
            where=str(path),
            expected=f"{settings.campaign.sessions} (campaign.sessions)",
            got=str(len(members)),
            mend="Lower `campaign.sessions`, or add lines.",
        )
    return [
        PlanItem(
            index=index,
            campaign_seed=settings.seed,
            persona=member.persona,
            scenario=member.scenario,
        )
        for index, member in enumerate(members[: settings.campaign.sessions])
    ]


def _item(path: Path, number: int, line: str) -> PlanItem:
    try:
        return PlanItem.model_validate_json(line)
    except ValidationError as error:
        raise misfit(
            path,
            number,
            error,
            PlanItem,
            "a line of the plan is no plan item",
            "a plan item, as `campaign run` writes to plan.jsonl",
        ) from error
