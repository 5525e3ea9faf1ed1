"""A campaign in which nothing that comes back can be used: stopped early, and never called done."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from domain.errors import EndpointError

if TYPE_CHECKING:
    from campaigns.summary import CampaignSummary
    from domain.runfolder import RunFolder
    from domain.session import Failure

TRIED = 10
"""Sessions of a worker that fail at a role of which nothing could be used yet, until it stops. One
that works now and then is not stopped: where one call in five fails for good, ten sessions in a row
fail at their first once in ten million times."""


def _mend(run: str, session: str) -> str:
    return (
        f'See what came back with `rehearsal trace show {session} --run "{run}"` (`rehearsal trace '
        f'list "{run}"` has the others), and try the endpoint with `rehearsal doctor '
        f'"{run}/config.yaml"`. Once it is mended, `rehearsal campaign resume "{run}"` plays what '
        "is left; another model needs a run of another name."
    )


class Fruitless:
    """Counts a worker's sessions that failed at a role of which nothing could be used yet.

    Args:
        run: The run's folder, to be named.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._failed: Counter[str] = Counter()

    def after(self, failure: Failure, *, answered: bool) -> EndpointError | None:
        """Return what stops the run after a session's failure; None where it may go on.

        Args:
            failure: Where and how the session failed.
            answered: Whether this worker has had any answer of that role that could be used.
        """
        if answered:
            return None
        self._failed[failure.role] += 1
        tried = self._failed[failure.role]
        if tried < TRIED:
            return None
        return EndpointError(
            "nothing that comes back can be used",
            where=f"roles.{failure.role}",
            expected=f"one usable answer for {tried} sessions",
            got=f"{failure.outcome}: {failure.detail}",
            mend=_mend(self._run, failure.call.partition("/")[0]),
        )


def refuse_fruitless(summary: CampaignSummary, folder: RunFolder) -> None:
    """Refuse to call a campaign done of which no session could be played to its end.

    Raises:
        EndpointError: All are quarantined; says how most of them failed.
    """
    if summary.accepted or summary.rejected or not summary.quarantined:
        return
    failed: Counter[str] = Counter()
    shown: dict[str, tuple[str, str]] = {}
    with folder.sessions.open("rb") as lines:
        for line in lines:
            session = orjson.loads(line)
            failure = session["failure"]
            how = f"{failure['role']}: {failure['outcome']}"
            failed[how] += 1
            shown.setdefault(how, (failure["detail"], session["id"]))
    how, count = failed.most_common(1)[0]
    detail, example = shown[how]
    raise EndpointError(
        "no session could be played to its end",
        where=str(folder.root),
        expected="sessions that are accepted or rejected",
        got=f"{summary.quarantined} quarantined, {count} of them at the {how} ({detail})",
        mend=_mend(str(folder.root), example),
    )
