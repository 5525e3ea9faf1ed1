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
from domain.errors import ConfigError, ResumeRefusedError, StoreError
from domain.scenario import PlanItem

if TYPE_CHECKING:
    from campaigns.manifest import Manifest
    from campaigns.refillfile import Refills
    from domain.runfolder import RunFolder

REBUILD = (
    "Restore plan.jsonl from a copy; or move it away, and `rehearsal campaign resume` writes it "
    "anew from cast.jsonl."
)
_OTHER = "the plan is not the one that the campaign was begun with"


def begun_plan(folder: RunFolder) -> PlanLines:
    """Return the plan of the campaign in `folder`.

    Raises:
        ConfigError: There is no campaign.
        StoreError: The plan is gone, or is not the one that the campaign was begun with.
    """
    require_campaign(folder)
    manifest = read_manifest(folder)
    if manifest is None or not manifest.plan_hash:
        return _plan_so_far(folder)
    if not folder.plan.is_file():
        raise StoreError(
            "the campaign's plan is gone",
            where=str(folder.plan),
            expected="the plan that was written when the campaign began",
            got="no such file",
            mend=REBUILD,
        )
    # Before the plan: a run that goes on writes the plan first, so that it may only be longer.
    refills = _refills(folder, manifest)
    plan = read_lines(folder.plan)
    if fault := _fault(manifest, refills, plan):
        expected = _expected(refills)
        raise StoreError(_OTHER, where=str(folder.plan), expected=expected, got=fault, mend=REBUILD)
    return plan


def _plan_so_far(folder: RunFolder) -> PlanLines:
    """Return the plan of a campaign whose personas are still being written."""
    if folder.plan.is_file():
        return read_lines(folder.plan)
    raise StoreError(
        "the campaign has no plan yet: its personas are still being written",
        where=str(folder.root),
        mend=f'Wait for the run, or go on with it: rehearsal campaign resume "{folder.root}"',
    )


def plan_to_resume(folder: RunFolder) -> PlanLines | None:
    """Return the plan that a resumed campaign goes on with; None where none was written yet.

    Raises:
        ResumeRefusedError: It is not the one that the campaign was begun with.
        StoreError: It is gone, and its cast does not tell it; or it cannot be read.
    """
    manifest = read_manifest(folder)
    if manifest is None or not manifest.plan_hash:
        return read_lines(folder.plan) if folder.plan.is_file() else None
    refills = _refills(folder, manifest)
    if not folder.plan.is_file():
        return _rebuilt(folder, manifest, refills)
    plan = read_lines(folder.plan)
    if fault := _fault(manifest, refills, plan):
        raise ResumeRefusedError(
            _OTHER, where=str(folder.plan), expected=_expected(refills), got=fault, mend=REBUILD
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


def _rebuilt(folder: RunFolder, manifest: Manifest, refills: Refills) -> PlanLines:
    """Return the plan of a campaign whose plan.jsonl is gone, from its cast."""
    try:
        members = read_cast(folder.cast)
    except ConfigError as error:
        raise _gone(folder, f"{error.where}: {error.what}") from error
    seed = manifest.settings.seed
    plan = lines_of(
        PlanItem(index=at, campaign_seed=seed, persona=one.persona, scenario=one.scenario)
        for at, one in enumerate(members)
    )
    if fault := _fault(manifest, refills, plan):
        raise _gone(folder, f"{folder.cast}: {fault}")
    return plan


def _gone(folder: RunFolder, got: str) -> StoreError:
    return StoreError(
        "the campaign's plan is gone, and its cast is not the one it was begun with",
        where=str(folder.plan),
        expected="plan.jsonl, or the cast.jsonl that was written beside it",
        got=got,
        mend="Restore one of the two from a copy; this resume has spent nothing.",
    )


def _refills(folder: RunFolder, manifest: Manifest) -> Refills:
    return read_refills(folder, manifest.settings.campaign.sessions)


def _expected(refills: Refills) -> str:
    return f"{refills.planned:,} lines, as they were written"


def _fault(manifest: Manifest, refills: Refills, plan: PlanLines) -> str:
    """Say what is wrong with a plan; nothing where nothing is.

    What follows the lines that refills.json knows of is a refill that a killed run had not counted.
    """
    if len(plan.lines) < refills.planned:
        return f"{len(plan.lines):,} lines"
    dealt = plan.first(manifest.settings.campaign.sessions)
    whole = plan.first(refills.planned)
    same = dealt.hash == manifest.plan_hash and refills.plan_hash in ("", whole.hash)
    return "" if same else "lines that were edited"
