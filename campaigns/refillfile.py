"""How many lines of a plan were dealt, and how many each refill added: refills.json."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from campaigns.manifest import write_atomically
from domain.base import Noun, canonical_json
from domain.errors import StoreError

if TYPE_CHECKING:
    from campaigns.planfile import PlanLines
    from domain.runfolder import RunFolder


class Refills(Noun):
    """refills.json: how many lines were dealt, and how many each refill added."""

    lines: tuple[int, ...]
    plan_hash: str = ""
    """Of the plan with all of these lines; empty where nothing was refilled."""

    @property
    def planned(self) -> int:
        """Lines in all."""
        return sum(self.lines)


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


def write_refills(folder: RunFolder, lines: tuple[int, ...], plan: PlanLines) -> None:
    """Write how many lines of `plan` were dealt, and how many each refill added.

    Raises:
        StoreError: The file cannot be written.
    """
    write_atomically(folder.refills, canonical_json(Refills(lines=lines, plan_hash=plan.hash)))


def mend_refills(folder: RunFolder, dealt: int, plan: PlanLines) -> None:
    """Count what a run that was killed had added to the plan and not yet to refills.json.

    Raises:
        StoreError: The file cannot be read or written.
    """
    rounds = read_refills(folder, dealt).lines
    missed = len(plan.lines) - sum(rounds)
    if missed > 0:
        write_refills(folder, (*rounds, missed), plan)
