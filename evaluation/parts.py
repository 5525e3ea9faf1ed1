"""What other stages have written, as far as the report shows it; each may be missing.

Their files belong to them: what is not shown is not read, so that a new key there does no harm
here. A file that does not fit is named in the report and left out of it.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from corpus.files import read_nouns
from domain.base import Noun
from domain.session import Session, Status

if TYPE_CHECKING:
    from pathlib import Path

    from domain.runfolder import RunFolder

Read = TypeVar("Read", bound="Shown")


class Shown(BaseModel):
    """A part of another stage's file."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Span(Shown):
    """A value with its 95% interval."""

    value: float
    low: float
    high: float


class SharePoint(Shown):
    """What was learned from one share [%] of synthetic sessions; loss in nats per token."""

    share: int
    loss: Span
    against_first: Span
    by_seed: tuple[float, ...] = ()


class Sweep(Shown):
    """`sweep/sweep.json`."""

    base_loss: Span
    seeds: tuple[int, ...]
    held_out_sessions: int
    points: tuple[SharePoint, ...]


class Area(Span):
    """An area under the ROC curve; `n` counts the turns or sessions of each side behind it."""

    n: tuple[int, ...] = ()


class Apart(Shown):
    """How far two sides are apart."""

    utterance_auc: Area | None = None
    client_auc: Area | None = None
    session_auc: Area | None = None
    mauve: float
    n: int


class Side(Shown):
    """One side by itself."""

    sessions: int
    vendi: float
    self_bleu: float


class RealSynthetic(Shown):
    """`corpus/compare.json`: real against synthetic, beside real against real."""

    encoder: str
    pairs: dict[str, Apart]
    sides: dict[str, Side]
    passed: bool


class Run(Shown):
    """The longest run of words that answers share with something."""

    words: int


class Canary(Shown):
    """How likely a model finds an invented line of its blend, among as many that nobody planted."""

    repeats: int
    rank: int
    of: int

    @property
    def bits(self) -> float:
        """Exposure: 0 for the least likely of all, log2(of) for the likeliest."""
        return math.log2(self.of) - math.log2(self.rank)


class Memory(Shown):
    """What one model says again of what it was trained on."""

    variant: str
    answers: int
    seen: Run
    unseen: Run
    long_answers: int
    exposures: tuple[Canary, ...] = ()


class Memorisation(Shown):
    """`evaluation/memorisation.json`."""

    models: tuple[Memory, ...]


class Step(Shown):
    """A line of a training log."""

    step: int
    loss: float
    supervised_tokens: int


class Curve(Noun):
    """Training loss of one variant by step, in nats per supervised token."""

    variant: str
    steps: tuple[int, ...]
    losses: tuple[float, ...]


class Cell(Noun):
    """Sessions of one problem and style."""

    problem: str
    style: str
    played: int
    accepted: int


class Parts(Noun):
    """All of them."""

    sweep: Sweep | None = None
    compare: RealSynthetic | None = None
    memorisation: Memorisation | None = None
    curves: tuple[Curve, ...] = ()
    coverage: tuple[Cell, ...] = ()
    unread: tuple[str, ...] = Field(default=())
    """Files that are there and cannot be read, with the reason."""


def read_parts(folder: RunFolder, variants: tuple[str, ...]) -> Parts:
    """Read what there is.

    Raises:
        StoreError: The campaign's sessions are damaged.
    """
    unread: list[str] = []
    root = folder.root
    return Parts(
        sweep=_read(Sweep, root / "sweep" / "sweep.json", root, unread),
        compare=_read(RealSynthetic, root / "corpus" / "compare.json", root, unread),
        memorisation=_read(Memorisation, folder.evaluation / "memorisation.json", root, unread),
        curves=tuple(_curves(folder, variants, unread)),
        coverage=tuple(_coverage(folder)),
        unread=tuple(unread),
    )


def _read(kind: type[Read], path: Path, root: Path, unread: list[str]) -> Read | None:
    if not path.is_file():
        return None
    try:
        return kind.model_validate_json(path.read_bytes())
    except (ValidationError, OSError) as error:
        unread.append(f"{path.relative_to(root)}: {_first(error)}")
        return None


def _first(error: Exception) -> str:
    if isinstance(error, ValidationError):
        fault = error.errors()[0]
        return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
    return str(error).splitlines()[0]


def _curves(folder: RunFolder, variants: tuple[str, ...], unread: list[str]) -> list[Curve]:
    found = []
    for variant in variants:
        path = folder.adapters / variant / "train-log.jsonl"
        if not path.is_file():
            continue
        try:
            lines = [Step.model_validate(json.loads(line)) for line in path.open("rb")]
        except (ValidationError, ValueError, OSError) as error:
            unread.append(f"{path.relative_to(folder.root)}: {_first(error)}")
            continue
        if lines:
            found.append(
                Curve(
                    variant=variant,
                    steps=tuple(one.step for one in lines),
                    losses=tuple(one.loss for one in lines),
                )
            )
    return found


def _coverage(folder: RunFolder) -> list[Cell]:
    """Count the exported sessions, as the report's funnel does.

    When a campaign ends, coverage.json says the same; of the two only the sessions follow what is
    forgotten later.
    """
    if not folder.sessions.is_file():
        return []
    played: Counter[tuple[str, str]] = Counter()
    accepted: Counter[tuple[str, str]] = Counter()
    for session in read_nouns(folder.sessions, Session):
        cell = (session.problem, session.style)
        played[cell] += 1
        accepted[cell] += session.status is Status.ACCEPTED
    return [
        Cell(problem=problem, style=style, played=count, accepted=accepted[problem, style])
        for (problem, style), count in sorted(played.items())
    ]
