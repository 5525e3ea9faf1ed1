"""The rounds of a campaign: the plan as dealt, then what was added to refill thin cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.castfile import add_to_cast, cast_lines
from campaigns.casting.deal import quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.casting.writing import cast_item
from campaigns.coverage import coverage_of
from campaigns.manifest import write_atomically
from campaigns.planfile import PlanLines, lines_of
from campaigns.refill import refills
from campaigns.refillfile import read_refills, write_refills
from campaigns.troupe import write_more

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.cast import Making
    from domain.coverage import CoverageTable
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from engine.clock import RunClock
    from engine.ledger.store import Store


def next_round(
    settings: Settings,
    pack: Pack,
    folder: RunFolder,
    plan: PlanLines,
    store: Store,
    progress: Progress,
    clock: RunClock,
) -> PlanLines | None:
    """Return the plan with the next round's lines, written down, or None when none is needed.

    Raises:
        BudgetReachedError, InterruptedRunError: Stopped while a model was writing; can be resumed.
        EndpointError: The caster's endpoint cannot be used.
        PackError: The casting files cannot be used any more.
        StoreError: The ledger cannot be read, or the plan not be written.
    """
    casting, sessions = settings.campaign.casting, settings.campaign.sessions
    if not casting.refill:
        return None
    grammar = load_grammar(pack)
    quota = quota_of(grammar, casting)
    cells = refills(plan.lines, store.labels(), quota, casting, sessions, settings.seed)
    if not cells:
        return None
    made: dict[int, Making] = {}
    if casting.by == "model" and settings.campaign.cast is None:
        more, made = write_more(settings, pack, folder, store, progress, clock, cells, plan)
    else:
        more = lines_of(
            cast_item(grammar, cell, at, settings.seed)
            for at, cell in enumerate(cells, len(plan.lines))
        )
    rounds = read_refills(folder, sessions)
    whole = plan.and_then(more)
    add_to_cast(folder.cast, len(plan.lines), cast_lines(more.lines, made))
    write_atomically(folder.plan, (line + b"\n" for line in whole.lines))
    write_refills(folder, (*rounds.lines, len(cells)), whole)
    return whole


def campaign_coverage(folder: RunFolder, dealt: int, store: Store) -> CoverageTable:
    """Return how a campaign covers its plan now.

    Raises:
        StoreError: The plan or the ledger cannot be read.
    """
    return coverage_of(folder, store.labels(), dealt)
