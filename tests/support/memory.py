"""A journal in memory, with the ledger's rules: hashes are verified, budgets hold."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from domain.errors import BudgetReachedError, ResumeRefusedError
from engine.limits.gates import Gates

if TYPE_CHECKING:
    from domain.call import CallKey, CallResult, CallRow, Reservation
    from domain.gate import Gate
    from domain.settings import RoleSettings


class MemoryJournal:
    def __init__(self, calls: int | None = None) -> None:
        self.rows: dict[str, CallRow] = {}
        self.calls = calls
        self.gates = Gates()

    def recall(self, key: CallKey, request_hash: str) -> CallResult | None:
        row = self.rows.get(str(key))
        if row is None:
            return None
        if row.request_hash != request_hash:
            raise ResumeRefusedError("the request has changed", where=str(key))
        return row.result

    def gate(self, endpoint: RoleSettings) -> Gate:
        return self.gates.gate(endpoint)

    async def permit(self, call: Reservation) -> None:
        if self.calls is not None and len(self.rows) >= self.calls:
            raise BudgetReachedError("no more calls", where=str(call.key))

    async def record(self, row: CallRow) -> None:
        assert row.request_hash == hashlib.sha256(row.request).hexdigest()
        assert str(row.key) not in self.rows, "a call is recorded once"
        self.rows[str(row.key)] = row
