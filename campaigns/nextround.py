"""The rounds of a campaign: the plan as dealt, then what was added to refill thin cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from campaigns.castfile import add_to_cast, cast_lines
from campaigns.casting.deal import quota_of
from campaigns.casting.grammar import load_grammar
from campaigns.casting.writing import cast_item
from campaigns.coverage import coverage_of
from campaigns.manifest import write_atomically
from campaigns.planfile import PlanLines, lines_of
from campaigns.refill import refills
from campaigns.troupe import write_more
from domain.base import Noun, canonical_json
from domain.errors import StoreError

if TYPE_CHECKING:
    from agents.pack import Pack
    from domain.cast import Making
    from domain.coverage import CoverageTable
    from domain.progress import Progress
    from domain.runfolder import RunFolder
    from domain.settings import Settings
    from engine.clock import RunClock
    from engine.ledger.store import Store


class Refills(Noun):
    """refills.json: how many lines were dealt, and how many each refill added."""

    lines: tuple[int, ...]


def read_refills(folder: RunFolder, dealt: int) -> Refills:
    """Return what the plan's lines are; all of them dealt where nothing was refilled.

    Raises:
        StoreError: The file cannot be read.
    """
    if not folder.refills.is_file():
        return Refills(lines=(dealt,))
    try:
        return Refills.model_validate_json(folder.refills.read_bytes())
    except (OSError, ValidationError) as error:
        raise StoreError(
            "the campaign's refills cannot be read",
            where=str(folder.refills),
            expected="the lines that were dealt, and those that each refill added to plan.jsonl",
            got=str(error).splitlines()[0],
            mend="Remove it: the campaign is then shown as if nothing had been refilled.",
        ) from error


def mend_refills(folder: RunFolder, dealt: int, plan: PlanLines) -> None:
    """Count what a run that was killed had added to the plan and not yet to refills.json.

    Raises:
        StoreError: The file cannot be read or written.
    """
    rounds = read_refills(folder, dealt).lines
    missed = len(plan.lines) - sum(rounds)
    if missed > 0:
        _write_refills(folder, (*rounds, missed))


def _write_refills(folder: RunFolder, lines: tuple[int, ...]) -> None:
    write_atomically(folder.refills, canonical_json(Refills(lines=lines)))


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
    _write_refills(folder, (*rounds.lines, len(cells)))
    return whole


def campaign_coverage(folder: RunFolder, dealt: int, store: Store) -> CoverageTable:
    """Return how a campaign covers its plan now.

    Raises:
        StoreError: The plan or the ledger cannot be read.
    """
    return coverage_of(folder.plan, store.labels(), dealt)
