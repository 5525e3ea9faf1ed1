"""Stops a campaign from another terminal or machine, as the first Ctrl-C does."""

from __future__ import annotations

import time

from campaigns.manifest import require_campaign
from campaigns.status import CampaignStatus, campaign_status
from domain.base import Noun
from domain.errors import RehearsalError
from domain.runfolder import RunFolder  # noqa: TC001 - named in the signature
from engine.lock import holder_of

_LOOK_S = 0.1


class Cancelled(Noun):
    """What became of a request to stop."""

    was_running: bool
    seconds: float
    """How long it took to drain."""
    status: CampaignStatus


def cancel_campaign(folder: RunFolder, wait_s: float) -> Cancelled:
    """Ask whoever plays the campaign to drain, and wait until they have let go of it.

    The request is a file in the run's folder, which its driver looks for four times a second: it
    reaches a driver on Ray or on another machine that shares the folder as well.

    Raises:
        ConfigError: There is no campaign.
        RehearsalError: It has not drained within `wait_s`; the request stands.
    """
    require_campaign(folder)
    began = time.monotonic()
    holder = holder_of(folder.lock)
    if holder is None:
        return Cancelled(was_running=False, seconds=0.0, status=campaign_status(folder))
    folder.cancel.touch()
    while holder_of(folder.lock) is not None:
        if time.monotonic() - began > wait_s:
            raise RehearsalError(
                "the campaign has not drained yet",
                where=str(folder.root),
                expected=f"an end within {wait_s:,.0f} s",
                got=f"held by {holder}",
                mend="It drains as soon as the calls in flight return: wait, or end the process "
                "(nothing recorded is lost).",
            )
        time.sleep(_LOOK_S)
    folder.cancel.unlink(missing_ok=True)
    status = campaign_status(folder)
    return Cancelled(was_running=True, seconds=time.monotonic() - began, status=status)
