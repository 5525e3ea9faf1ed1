"""How varied a campaign's sessions are, beside real ones: near-duplicates and Vendi scores.

`python -m benchmarks.variety RUN [--real PATH ...]` reads a run's accepted sessions and transcripts
of real ones, and prints for each side the near-duplicate pairs among its whole sessions (overlap
of runs of five words, Jaccard, 0.5 and more), the most alike pair, and the Vendi score of therapist
turns, of client turns and of whole sessions, over equal numbers. The encoder is the one of
`corpus compare`: TF-IDF of words and pairs.

A side is also cut to the length of the other's sessions where it is asked for (`--turns`): real
sessions are longer, and longer texts share a smaller part of their runs by chance.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from corpus.compare.distance import vendi
from corpus.compare.encode import TfidfEncoder
from corpus.compare.sampling import chosen
from corpus.compare.side import Side, read_side
from domain.turn import Speaker
from measures.diversity import near_duplicates, overlap

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN, NEAR = 5, 0.5
SESSIONS = 5_000
TURNS = 400
"""Turns of a speaker that a Vendi score is taken of."""
SEED = 7


def variety(sides: Sequence[Side], turns: int | None) -> list[dict[str, object]]:
    """Return what is said of each side; Vendi scores are over equal numbers of texts."""
    whole = [[_text(talk.turns, turns) for talk in side.talks] for side in sides]
    own = {
        speaker: [[text for talk in side.talks for text in talk.said(speaker)] for side in sides]
        for speaker in Speaker
    }
    kinds = {"sessions": whole, **{f"{speaker.value} turns": own[speaker] for speaker in Speaker}}
    scores = {name: _vendi(texts) for name, texts in kinds.items()}
    return [
        {
            "side": side.name,
            "sessions": len(side.talks),
            "found": side.found,
            **_duplicates(whole[at]),
            "vendi": {name: found[at] for name, found in scores.items()},
        }
        for at, side in enumerate(sides)
    ]


def _text(turns: Sequence[object], most: int | None) -> str:
    return "\n".join(str(getattr(turn, "text", "")) for turn in turns[:most])


def _duplicates(texts: Sequence[str]) -> dict[str, object]:
    pairs = near_duplicates(texts, RUN, NEAR)
    some = near_duplicates(texts, RUN, 0.1)
    alike = [(overlap(texts[i], texts[j], RUN), i, j) for i, j in some]
    compared = len(texts) * (len(texts) - 1) // 2
    return {
        "pairs": compared,
        "near_duplicates": len(pairs),
        "near_duplicate_rate": len(pairs) / compared if compared else 0.0,
        "over_a_tenth": len(some),
        "most_alike": max(alike)[0] if alike else 0.0,
        "most_alike_pair": max(alike)[1:] if alike else (),
    }


def _vendi(sides: Sequence[Sequence[str]]) -> list[dict[str, float]]:
    """Return each side's score over as many texts as the smallest side has, `TURNS` at most."""
    n = min(TURNS, *(len(texts) for texts in sides))
    some = [[texts[at] for at in chosen(len(texts), n, SEED)] for texts in sides]
    encoder = TfidfEncoder([text for texts in some for text in texts], SEED)
    return [{"n": n, "score": round(vendi(encoder.likeness(texts)), 1)} for texts in some]


def main() -> None:
    """Read the sides, and print what is said of them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path, help="a run's folder")
    parser.add_argument("--real", type=Path, action="append", default=[], help="transcripts")
    parser.add_argument("--turns", type=int, help="compare the first so many turns of a session")
    asked = parser.parse_args()
    sides = [read_side(asked.run, "synthetic", SESSIONS, SEED)]
    sides += [read_side(path, "real", SESSIONS, SEED) for path in asked.real]
    print(json.dumps(variety(sides, asked.turns), indent=2))  # noqa: T201 - its result


if __name__ == "__main__":
    main()
