"""What came out of a campaign, in numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from domain.base import Noun
from domain.session import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engine.ledger.store import Totals


class CampaignSummary(Noun):
    """Sessions by what became of them, and what they cost."""

    planned: int
    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0
    revisions: int | None = None
    """Drafts beyond each session's first; None where the sessions were not read."""
    mended: int | None = None
    """Sessions that were accepted after a rewind, and not before; None as above."""
    calls: int = 0
    """Those of a model's casting are among them, in tokens too, once the campaign is summed up."""
    tokens: int = 0
    """Prompt and completion tokens, as the endpoints report them."""
    estimated_tokens: int = 0
    """Of calls whose endpoint reported none: an estimate, not in `tokens`."""
    cached_tokens: int = 0

    @property
    def finished(self) -> int:
        """Sessions with an outcome."""
        return self.accepted + self.rejected + self.quarantined


def summarise(planned: int, sessions: Iterable[bytes], totals: Totals) -> CampaignSummary:
    """Count `sessions`, each the JSON of a `Session`.

    They are read without validation, which the worker that wrote them has done.
    """
    counts = dict.fromkeys(Status, 0)
    revisions = mended = 0
    for data in sessions:
        session = orjson.loads(data)
        status = Status(session["status"])
        counts[status] += 1
        revisions += max(0, len(session["drafts"]) - 1)
        mended += status is Status.ACCEPTED and bool(session["best"])
    return CampaignSummary(
        planned=planned,
        accepted=counts[Status.ACCEPTED],
        rejected=counts[Status.REJECTED],
        quarantined=counts[Status.QUARANTINED],
        revisions=revisions,
        mended=mended,
        calls=totals.calls,
        tokens=totals.tokens,
        estimated_tokens=totals.estimated_tokens,
        cached_tokens=totals.cached_tokens,
    )
