"""The plan of a campaign that has been begun: as written, and held to what it was begun with.

Whoever reads a run by its plan comes through here: a plan that was cut short would otherwise leave
out sessions and say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from campaigns.castfile import read_cast
from campaigns.manifest import read_manifest, require_campaign
from campaigns.planfile import PlanLines, lines_of, read_lines
from campaigns.refillfile import read_refills
from domain.errors import ConfigError, StoreError
from domain.scenario import PlanItem

if TYPE_CHECKING:
    from campaigns.manifest import Manifest
    from domain.runfolder import RunFolder

REBUILD = (
    "Restore plan.jsonl from a copy; or move it away, and `rehearsal campaign resume` writes it "
    "anew from cast.jsonl."
)


def begun_plan(folder: RunFolder) -> PlanLines:
    """Return the plan of the campaign in `folder`.

    Raises:
        ConfigError: There is no campaign.
        StoreError: The plan is gone, or is not the one that the campaign was begun with.
    """
    require_campaign(folder)
    manifest, plan = read_manifest(folder), read_lines(folder.plan)
    if manifest is not None and (fault := _fault(manifest, folder, plan)):
        raise StoreError(
            "the plan is not the one that the campaign was begun with",
            where=str(folder.plan),
            expected=f"{_planned(manifest, folder):,} lines, as they were written",
            got=fault,
            mend=REBUILD,
        )
    return plan


def item_of(line: bytes, folder: RunFolder) -> PlanItem:
    """Read a line of the plan.

    Raises:
        StoreError: It is no plan item.
    """
    try:
        return PlanItem.model_validate_json(line)
    except ValidationError as error:
        raise StoreError(
            "a line of the plan is no plan item",
            where=str(folder.plan),
            got=str(error).splitlines()[0],
            mend=REBUILD,
        ) from error


def rebuilt_plan(folder: RunFolder, manifest: Manifest) -> PlanLines:
    """Return the plan of a campaign whose plan.jsonl is gone, from its cast.

    Raises:
        StoreError: The cast is gone as well, or has been edited.
    """
    try:
        members = read_cast(folder.cast)
    except ConfigError as error:
        raise _gone(folder, f"{error.where}: {error.what}") from error
    seed = manifest.settings.seed
    plan = lines_of(
        PlanItem(index=at, campaign_seed=seed, persona=one.persona, scenario=one.scenario)
        for at, one in enumerate(members)
    )
    if fault := _fault(manifest, folder, plan):
        raise _gone(folder, f"{folder.cast}: {fault}")
    return plan


def _gone(folder: RunFolder, got: str) -> StoreError:
    return StoreError(
        "the campaign's plan is gone, and its cast is not the one it was begun with",
        where=str(folder.plan),
        expected="plan.jsonl, or the cast.jsonl that was written beside it",
        got=got,
        mend="Restore one of the two from a copy; nothing has been spent.",
    )


def _fault(manifest: Manifest, folder: RunFolder, plan: PlanLines) -> str:
    """Say what is wrong with a plan; nothing where nothing is."""
    if not manifest.plan_hash:  # personas are still being written
        return ""
    if len(plan.lines) < _planned(manifest, folder):
        return f"{len(plan.lines):,} lines"
    dealt = plan.first(manifest.settings.campaign.sessions)
    return "" if dealt.hash == manifest.plan_hash else "lines that were edited"


def _planned(manifest: Manifest, folder: RunFolder) -> int:
    """How many lines were dealt and added; a refill that a killed run had not counted is more."""
    return sum(read_refills(folder, manifest.settings.campaign.sessions).lines)
