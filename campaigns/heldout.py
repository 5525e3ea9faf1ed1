"""Sessions to try models on: cast like a campaign's, and of nobody whom a model has met."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from agents.pack import load_pack
from campaigns.casting.deal import dealt, quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.casting.writing import cast_item
from campaigns.plan import read_plan
from domain.base import seed_of
from domain.errors import ConfigError, EvaluationError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from domain.scenario import PlanItem
    from domain.settings import Settings

TRIES = 50
"""Sessions cast for each that is wanted, before a pack is called too small."""


def held_out_plan(settings: Settings, seen: AbstractSet[str]) -> list[PlanItem]:
    """Return `evaluation.sessions.scenarios` plan items.

    Without `evaluation.sessions.cast` they are cast like the campaign's, under a seed of their
    own, and one whose persona or scenario is in `seen` is passed over. What a file brings is not
    looked through here: the evaluation refuses it where a model has seen it.

    Args:
        settings: The run file.
        seen: Ids of personas, scenarios and sessions.

    Raises:
        ConfigError: The file cannot be read, or has too few lines.
        EvaluationError: The pack cannot cast so many that nobody has seen.
        PackError: The casting files cannot be used.
    """
    wanted, seed = settings.evaluation.sessions.scenarios, seed_of(settings.seed, "held out")
    if settings.evaluation.sessions.cast is not None:
        return _brought(Path(settings.evaluation.sessions.cast), wanted, seed)
    grammar = load_grammar(load_pack(settings.pack))
    cells = dealt(quota_of(grammar, settings.campaign.casting), seed)
    found: list[PlanItem] = []
    for _ in range(TRIES * wanted):
        if len(found) == wanted:
            break
        item = cast_item(grammar, next(cells), len(found), seed)
        if not seen & {item.persona.id, item.scenario.id, item.session_id}:
            found.append(item)
    if len(found) < wanted:
        raise EvaluationError(
            "the pack cannot cast so many sessions that no model has seen",
            where="evaluation.sessions.scenarios",
            expected=str(wanted),
            got=str(len(found)),
            mend="Ask for fewer, or add cases to the pack.",
        )
    return found


def _brought(path: Path, wanted: int, seed: int) -> list[PlanItem]:
    items = read_plan(path)
    if len(items) < wanted:
        raise ConfigError(
            "the plan has too few lines",
            where=str(path),
            expected=f"{wanted} (evaluation.sessions.scenarios)",
            got=str(len(items)),
            mend="Lower evaluation.sessions.scenarios, or add lines.",
        )
    return [
        item.model_copy(update={"index": index, "campaign_seed": seed})
        for index, item in enumerate(items[:wanted])
    ]
