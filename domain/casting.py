"""What a cast is asked to be: shares of each dimension, what may not meet, how it is steered."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from domain.base import Noun

DIMENSIONS = ("problem", "technique", "age", "risk", "style", "gender", "culture")
"""What a cast has shares of. Ages are bands such as `25-34`, both ends included."""

DEFAULT_BANDS = ("18-24", "25-34", "35-44", "45-54", "55-64", "65-99")
"""Age bands of a cast whose run file names none."""

ROUNDING = 0.011
"""How far exact shares may miss 1 and still be meant as the whole: three times 0.33, say."""

_BAND = re.compile(r"(\d{2})-(\d{2})")


def band_of(key: str) -> tuple[int, int]:
    """Return the youngest and the oldest of an age band.

    Raises:
        ValueError: It is no band within 18 to 99.
    """
    found = _BAND.fullmatch(key)
    youngest, oldest = (int(found[1]), int(found[2])) if found else (0, 0)
    if not 18 <= youngest <= oldest <= 99:
        raise ValueError(f'an age band within 18-99 such as "25-34", not "{key}"')
    return youngest, oldest


def _in_order(share: float | tuple[float, float]) -> float | tuple[float, float]:
    low, high = ends(share)
    if not 0 <= low <= high <= 1:
        raise ValueError("a share from 0 to 1, or [least, most]")
    return share


Share = Annotated[float | tuple[float, float], AfterValidator(_in_order)]
"""A share between 0 and 1, or the least and the most it may be."""


def ends(share: float | tuple[float, float]) -> tuple[float, float]:
    """Return the least and the most of a share."""
    return share if isinstance(share, tuple) else (share, share)


def _add_up(shares: dict[str, Share]) -> dict[str, Share]:
    """Refuse shares that cannot come to a whole; make exact ones that nearly do come to 1."""
    if not shares:
        raise ValueError("a share for one value at least, or leave the key out")
    least, most = (sum(ends(share)[at] for share in shares.values()) for at in (0, 1))
    if least > 1 + ROUNDING:
        raise ValueError(f"shares that add up to 1 at most; these come to {least:g}")
    exact = not any(isinstance(share, tuple) for share in shares.values())
    if exact and abs(most - 1) <= ROUNDING:
        return {key: ends(share)[0] / most for key, share in shares.items()}
    return shares


def _bands(shares: dict[str, Share]) -> dict[str, Share]:
    """Refuse age bands that overlap."""
    last = 0
    for youngest, oldest in sorted(band_of(key) for key in shares):
        if youngest <= last:
            raise ValueError(f"age bands that do not overlap; two of them hold {youngest}")
        last = oldest
    return shares


Shares = Annotated[dict[str, Share], AfterValidator(_add_up)]
Bands = Annotated[Shares, AfterValidator(_bands)]
Where = dict[str, str | tuple[str, ...]]
"""Values by dimension; all of them hold together, and of a list any."""


def _named(where: Where) -> Where:
    strays = [name for name in where if name not in DIMENSIONS]
    if strays or not where:
        raise ValueError(f"dimensions among {', '.join(DIMENSIONS)}, not {strays or 'none'}")
    return where


class JointShare(Noun):
    """The share of the cast in which several things hold at once."""

    where: Annotated[Where, AfterValidator(_named)]
    share: Share


class CastingSettings(Noun):
    """Who is cast. What is left out is even, or as the pack says."""

    by: Literal["grammar", "model"] = "grammar"
    """Who writes the personas: the pack's casting files, or the model of `roles.caster`."""
    problem: Shares | None = None
    """Share by key of the problems taxonomy. Where the named shares are exact and come to 1,
    nothing else is cast; where they come to less, the rest is shared by what is not named."""
    technique: Shares | None = None
    """Share by key of the techniques taxonomy."""
    age: Bands | None = None
    """Share by age band, such as `25-34`."""
    risk: Shares | None = None
    """Share of `none`, `hinted` and `stated`."""
    style: Shares | None = None
    """Share by conversational style."""
    gender: Shares | None = None
    """Share of `woman`, `man` and `non-binary`."""
    culture: Shares | None = None
    """Share by background, by its key in people.yaml."""
    never: tuple[Annotated[Where, AfterValidator(_named)], ...] = ()
    """What may not meet, such as `{problem: panic, technique: downward_arrow}`."""
    joint: tuple[JointShare, ...] = ()
    """Shares of combinations: `{where: {problem: grief, age: 65-99}, share: [0.02, 0.1]}`, say."""

    refill: float = Field(default=0.0, ge=0, le=2)
    """Sessions that may be added for cells that stay thin, as a share of `campaign.sessions`."""
    tries: int = Field(default=4, ge=1, le=20)
    """Sessions that a cell is given for each one it should have, before it is given up."""

    def shares(self, dimension: str) -> dict[str, Share] | None:
        """Return the shares of one dimension, or None where none are set."""
        found: dict[str, Share] | None = getattr(self, dimension)
        return found

    @property
    def asks(self) -> bool:
        """Whether the run file asks for anything of the cast."""
        return bool(self.never or self.joint or any(self.shares(one) for one in DIMENSIONS))
