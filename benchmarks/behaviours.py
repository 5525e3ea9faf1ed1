"""Percentiles of measured behaviours in real sessions: where a pack's limits come from.

`python -m benchmarks.behaviours PATH` reads transcripts and prints, for each behaviour and quality,
the 5th, 50th and 95th percentile over sessions: up to the tenth therapist turn, which is about what
a simulated session has, and in brackets over whole sessions.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from corpus.dialogue import turns_of
from corpus.gather import Gathering
from corpus.speakers import assign_roles
from domain.turn import Speaker, Turn
from measures.session import BEHAVIOURS, session_behaviours

if TYPE_CHECKING:
    from collections.abc import Sequence

TURNS = 10
"""Therapist turns of a simulated session of the shipped run files."""
PERCENTILES = (5, 50, 95)


def opening(turns: Sequence[Turn], therapist_turns: int = TURNS) -> Sequence[Turn]:
    """Return a session's turns before its therapist turn number `therapist_turns` + 1."""
    own = [at for at, turn in enumerate(turns) if turn.speaker is Speaker.THERAPIST]
    return turns[: own[therapist_turns]] if len(own) > therapist_turns else turns


def sessions_by_quality(source: Path) -> dict[str, list[tuple[Turn, ...]]]:
    """Return the turns of every transcript under `source`, by its quality."""
    found = defaultdict(list)
    for one in Gathering(source).sessions():
        roles = assign_roles(one.session.utterances, one.session.place)
        found[one.session.quality.value].append(turns_of(one.session.utterances, roles))
    return dict(found)


def percentiles(sessions: Sequence[Sequence[Turn]]) -> dict[str, tuple[float, ...]]:
    """Return the percentiles of every behaviour over sessions."""
    counted = [session_behaviours(turns) for turns in sessions]
    return {
        key: tuple(float(p) for p in np.percentile([one[key] for one in counted], PERCENTILES))
        for key in BEHAVIOURS
    }


def table(sessions: Sequence[tuple[Turn, ...]]) -> list[str]:
    """Return a line for each behaviour: of the opening, and of the whole session."""
    opened, whole = percentiles([opening(turns) for turns in sessions]), percentiles(sessions)
    return [
        f"{key:26}"
        + "".join(f"{a:9.2f} ({b:.2f})" for a, b in zip(opened[key], whole[key], strict=True))
        for key in BEHAVIOURS
    ]


def main() -> None:
    """Print a table for each quality."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path)
    for quality, sessions in sessions_by_quality(parser.parse_args().source).items():
        print(f"\n{quality}: {len(sessions)} sessions; percentiles {PERCENTILES}")  # noqa: T201
        print("\n".join(table(sessions)))  # noqa: T201


if __name__ == "__main__":
    main()
