"""The cast of a campaign whose personas a model writes: its plan, and how each came about."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from campaigns.casting.company import Company
from campaigns.casting.deal import dealt, quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.manifest import manifest_of
from campaigns.planfile import PlanLines, lines_of
from domain.scenario import PlanItem
from engine.spending.prices import tariff

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.pack import Pack
    from campaigns.casting.deal import Cell
    from domain.cast import Making
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from engine.clock import RunClock
    from engine.ledger.store import Store


def write_troupe(
    settings: Settings,
    pack: Pack,
    folder: RunFolder,
    store: Store,
    progress: Progress,
    clock: RunClock,
) -> tuple[PlanLines, dict[int, Making]]:
    """Have the whole cast written, or go on with it.

    Raises:
        BudgetReachedError, InterruptedRunError: Stopped; can be resumed.
        EndpointError: The endpoint cannot be used.
        PackError: The pack cannot be used for it.
        StoreError: The ledger cannot be used.
    """
    quota = quota_of(load_grammar(pack), settings.campaign.casting)
    cells = list(islice(dealt(quota, settings.seed), settings.campaign.sessions))
    return write_more(settings, pack, folder, store, progress, clock, cells, PlanLines(()))


def write_more(
    settings: Settings,
    pack: Pack,
    folder: RunFolder,
    store: Store,
    progress: Progress,
    clock: RunClock,
    cells: Sequence[Cell],
    plan: PlanLines,
) -> tuple[PlanLines, dict[int, Making]]:
    """Have personas written for cells that come after `plan`; raises as `write_troupe`."""
    company = Company(
        settings=settings,
        grammar=load_grammar(pack),
        run_hash=manifest_of(settings, pack, "").run_hash,
        ledger=folder.casting,
        progress=progress,
        spent=store.spent(tariff(settings)),
        clock=clock,
        cancel=folder.cancel,
    )
    known = (PlanItem.model_validate_json(line).persona for line in plan.lines)
    written = company.write(cells, len(plan.lines), known)
    return (
        lines_of(item for item, _ in written),
        {at: making for at, (_, making) in enumerate(written)},
    )
