"""Critiques as a supervisor's model would write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from domain.critique import CritiqueAnswer, Flaw, GateAnswer, ItemAnswer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.pack import Pack


def critique_answer(
    pack: Pack,
    score: int = 5,
    flaws: Sequence[tuple[int, str, str]] = (),
    failed: Mapping[str, tuple[int, ...]] | None = None,
    scores: Mapping[str, int | None] | None = None,
) -> CritiqueAnswer:
    """A critique that gives every item `score`.

    `flaws` are (turn, kind, instead); `failed` are gates with the turns they rest on.
    """
    failed, scores = failed or {}, scores or {}
    return CritiqueAnswer(
        gates=tuple(
            GateAnswer(
                gate=gate.key,
                passed=gate.key not in failed,
                turns=failed.get(gate.key, ()),
                reason="As seen.",
            )
            for gate in pack.gates
        ),
        items=tuple(
            ItemAnswer(item=key, score=scores.get(key, score), turns=(0,), reason="As seen.")
            for key in pack.session.keys
        ),
        flaws=tuple(
            Flaw(turn=turn, kind=kind, what="As seen.", instead=instead)
            for turn, kind, instead in flaws
        ),
    )


def critique_json(
    pack: Pack,
    score: int = 5,
    flaws: Sequence[tuple[int, str, str]] = (),
    failed: Mapping[str, tuple[int, ...]] | None = None,
) -> str:
    return critique_answer(pack, score, flaws, failed).model_dump_json()
