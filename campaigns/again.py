"""Which sessions a resumed campaign plays again though they have a result."""

from __future__ import annotations

from typing import TYPE_CHECKING

from campaigns.labels import status_of, why_of
from domain.call import Outcome
from domain.session import Status

if TYPE_CHECKING:
    from engine.ledger.store import Store

PASSING = frozenset(
    {
        Outcome.CONNECTION.value,
        Outcome.RATE_LIMITED.value,
        Outcome.SERVER_ERROR.value,
        Outcome.TIMEOUT.value,
    }
)
"""Outcomes that say something of the endpoint at that time and nothing of the session. A refusal,
an answer that does not fit, one that is empty or cut off was given: the session keeps it."""


def to_play_again(store: Store) -> frozenset[str]:
    """Return the ids of the sessions that were quarantined because nobody answered.

    Raises:
        StoreError: The ledger cannot be read.
    """
    return frozenset(
        item
        for item, label in store.labels().items()
        if status_of(label) == Status.QUARANTINED and why_of(label) in PASSING
    )
