"""The coverage table: problem by technique by style, with what became of each session."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from campaigns.begun import begun_plan
from campaigns.labels import status_of
from campaigns.planfile import name_of
from domain.coverage import CoverageCell, CoverageLine, CoverageTable
from domain.runfolder import RunFolder
from domain.session import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

OFTEN = 3
"""Sessions of a cell that must have been judged before it is said to be rejected often."""

_DIMENSIONS = ("problem", "technique", "style")
_MARKS = tuple(f'"{name}":"'.encode() for name in _DIMENSIONS)
"""Where a canonical line says it: inside a text every quotation mark is escaped, so nothing else
in the line can look so."""
_TEXT = re.compile(rb'(?:[^"\\]|\\.)*')


class CellKey(NamedTuple):
    """What is covered."""

    problem: str
    technique: str
    style: str


class Placed(NamedTuple):
    """One session of a plan: its id and the cell that it is of."""

    session: str
    cell: CellKey


def placed(lines: Iterable[bytes]) -> list[Placed]:
    """Return the sessions of a plan, given its lines, with their cells."""
    cells: dict[tuple[bytes, ...], CellKey] = {}
    found = []
    for line in lines:
        said = tuple([_said(line, mark) for mark in _MARKS])
        cell = cells.get(said)
        if cell is None:
            cell = cells[said] = CellKey(*map(bytes.decode, said))
        found.append(Placed(name_of(line), cell))
    return found


def _said(line: bytes, mark: bytes) -> bytes:
    """Return the text after `mark`, as it is escaped.

    The mark is looked for as bytes, at a tenth of a pattern's time: there may be a hundred thousand
    lines.
    """
    begin = line.find(mark)
    found = _TEXT.match(line, begin + len(mark)) if begin >= 0 else None
    return found[0] if found else b""


def coverage_of(folder: RunFolder, labels: Mapping[str, str], wanted: int) -> CoverageTable:
    """Return the coverage of a campaign.

    Args:
        folder: The run's folder.
        labels: What became of each session that has ended, by its id.
        wanted: Sessions as dealt; what follows them in the plan was added to refill cells.

    Raises:
        StoreError: The plan is gone, or is not the one that the campaign was begun with.
    """
    return tabulate(_sessions_of(folder), labels, wanted)


def _sessions_of(folder: RunFolder) -> Sequence[Placed]:
    try:
        state = folder.plan.stat()
    except OSError:
        return placed(begun_plan(folder).lines)  # which says what is wrong
    return _read(folder.root, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=2)
def _read(root: Path, _changed: int, _size: int) -> Sequence[Placed]:
    """Read a plan once, however often somebody watches."""
    return placed(begun_plan(RunFolder(root)).lines)


def tabulate(plan: Sequence[Placed], labels: Mapping[str, str], wanted: int) -> CoverageTable:
    """Count the sessions of a plan by cell and by what became of them."""
    dealt = Counter(one.cell for one in plan[:wanted])
    planned = Counter(one.cell for one in plan)
    ends = Counter((one.cell, _status(labels.get(one.session))) for one in plan)
    cells = tuple(
        CoverageCell(
            **cell._asdict(),
            wanted=dealt[cell],
            planned=planned[cell],
            accepted=ends[cell, Status.ACCEPTED],
            rejected=ends[cell, Status.REJECTED],
            quarantined=ends[cell, Status.QUARANTINED],
        )
        for cell in sorted(planned)
    )
    return CoverageTable(
        cells=cells,
        lines=tuple(line for name in _DIMENSIONS for line in _lines(name, cells)),
        wanted=min(wanted, len(plan)),
        refilled=max(0, len(plan) - wanted),
        thin=sum(cell.thin for cell in cells),
        often_rejected=_often_rejected(cells),
    )


def _status(label: str | None) -> str | None:
    return None if label is None else status_of(label)


def _often_rejected(cells: Sequence[CoverageCell]) -> tuple[str, ...]:
    found = [cell for cell in cells if cell.judged >= OFTEN and cell.rejected > cell.accepted]
    found.sort(key=lambda cell: (cell.accepted / cell.judged, -cell.judged))
    return tuple(f"{cell.problem} / {cell.technique} / {cell.style}" for cell in found)


def _lines(dimension: str, cells: Sequence[CoverageCell]) -> list[CoverageLine]:
    value: Callable[[CoverageCell], str] = lambda cell: getattr(cell, dimension)  # noqa: E731
    values = dict.fromkeys(value(cell) for cell in cells)
    found = []
    for name in values:
        own = [cell for cell in cells if value(cell) == name]
        accepted, rejected = sum(x.accepted for x in own), sum(x.rejected for x in own)
        judged = accepted + rejected
        found.append(
            CoverageLine(
                dimension=dimension,
                value=name,
                planned=sum(x.planned for x in own),
                accepted=accepted,
                rejected=rejected,
                acceptance=accepted / judged if judged else None,
            )
        )
    return found
