"""How evenly a campaign covers what it was cast to cover, and what becomes of each cell."""

from __future__ import annotations

from pydantic import Field

from domain.base import Noun


class CoverageCell(Noun):
    """Sessions of one problem, technique and style. What is not counted yet is to be played."""

    problem: str
    technique: str
    style: str
    wanted: int
    """Sessions of it in the plan as it was dealt."""
    planned: int
    """The same with those that were added to refill it."""
    accepted: int = 0
    rejected: int = 0
    quarantined: int = 0

    @property
    def judged(self) -> int:
        """Sessions that a supervisor accepted or rejected."""
        return self.accepted + self.rejected

    @property
    def played(self) -> int:
        """Sessions that have ended, however."""
        return self.judged + self.quarantined

    @property
    def thin(self) -> bool:
        """Whether fewer are accepted than were wanted and nothing of it is still to be played."""
        return self.played == self.planned and self.accepted < self.wanted


class CoverageLine(Noun):
    """Cells that have something in common, added up."""

    dimension: str
    value: str
    planned: int
    accepted: int
    rejected: int
    acceptance: float | None
    """Accepted among accepted and rejected; None before there is one."""


class CoverageTable(Noun):
    """Every cell that the plan has, in the order of the pack's taxonomies where it is known."""

    cells: tuple[CoverageCell, ...]
    lines: tuple[CoverageLine, ...]
    """The same by problem, by technique and by style."""
    wanted: int
    """Sessions as dealt; refills come on top."""
    refilled: int = 0
    """Sessions that were added for cells that had stayed thin."""
    thin: int = 0
    """How many cells are thin."""
    often_rejected: tuple[str, ...] = Field(default=())
    """Cells of which most are rejected, as `problem / technique / style`, the worst first."""

    def thinnest(self) -> list[CoverageCell]:
        """Return the thin cells, those that lack most first."""
        thin = [cell for cell in self.cells if cell.thin]
        return sorted(thin, key=lambda cell: (cell.accepted - cell.wanted, cell.accepted))

    def rejecting(self) -> list[CoverageCell]:
        """Return the cells that reject, those with most rejected sessions first."""
        found = [cell for cell in self.cells if cell.rejected]
        return sorted(found, key=lambda cell: (-cell.rejected, cell.accepted))
