"""Where a campaign stands: read from its plan, its ledger and its lock, while it runs or after."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from campaigns.manifest import manifest_path
from campaigns.summary import CampaignSummary, summarise
from domain.base import Noun
from domain.errors import ConfigError, RehearsalError
from domain.runfolder import RunFolder
from engine.lock import holder_of
from engine.store import Store

if TYPE_CHECKING:
    from pathlib import Path


class State(StrEnum):
    """What a campaign is doing."""

    RUNNING = "running"
    STOPPED = "stopped"
    """Begun, not finished, and nobody is at it: it can be resumed."""
    FINISHED = "finished"
    DAMAGED = "damaged"
    """Its files cannot be read; `problem` says why."""


class CampaignStatus(Noun):
    """One campaign at a glance."""

    name: str
    folder: str
    state: State
    summary: CampaignSummary
    holder: str = ""
    """Who is writing to it now."""
    problem: str = ""


def campaign_status(folder: RunFolder) -> CampaignStatus:
    """Say where the campaign in `folder` stands.

    Raises:
        ConfigError: There is none.
        StoreError: Its ledger is damaged.
    """
    require_campaign(folder)
    store = Store(folder.ledger)
    planned = sum(1 for line in folder.plan.read_bytes().splitlines() if line.strip())
    summary = summarise(planned, store.results().values(), store.totals())
    holder = holder_of(folder.lock) or ""
    return CampaignStatus(
        name=folder.root.name,
        folder=str(folder.root),
        state=_state(folder, holder),
        summary=summary,
        holder=holder,
    )


def require_campaign(folder: RunFolder) -> None:
    """Refuse a folder without a campaign.

    Raises:
        ConfigError: There is none.
    """
    if not manifest_path(folder).is_file():
        raise ConfigError(
            "there is no campaign",
            where=str(folder.root),
            expected="a folder that `rehearsal campaign run` has written to",
            mend="See `rehearsal campaign list`.",
        )


def list_campaigns(root: Path) -> list[CampaignStatus]:
    """Return every campaign directly under `root`, by name; a damaged one is listed as such."""
    if not root.is_dir():
        return []
    folders = [RunFolder(path) for path in sorted(root.iterdir()) if path.is_dir()]
    return [_listed(folder) for folder in folders if manifest_path(folder).is_file()]


def _listed(folder: RunFolder) -> CampaignStatus:
    try:
        return campaign_status(folder)
    except (RehearsalError, OSError) as error:
        return CampaignStatus(
            name=folder.root.name,
            folder=str(folder.root),
            state=State.DAMAGED,
            summary=CampaignSummary(planned=0),
            problem=str(error),
        )


def _state(folder: RunFolder, holder: str) -> State:
    if folder.sessions.is_file():
        return State.FINISHED
    return State.RUNNING if holder else State.STOPPED
