"""What an evaluation has left in a run's folder, read once: answers, verdicts, sessions, pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from corpus.files import read_nouns
from domain.base import Noun
from domain.comparison import Comparison
from domain.played import PlayedSession
from domain.record import HeldOutContext
from domain.verdict import Answer, Protocol, Verdict
from evaluation.summary import ANSWERS, COMPARISONS, CONTROLS, SESSIONS, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from domain.runfolder import RunFolder

Read = TypeVar("Read", bound=Noun)
Judged = TypeVar("Judged", Answer, Verdict)


@dataclass(frozen=True)
class Found:
    """All that was answered and judged, the controls left out."""

    contexts: list[HeldOutContext]
    answers: list[Answer]
    of_replies: list[Verdict]
    of_sessions: list[Verdict]
    played: list[PlayedSession]
    comparisons: list[Comparison]


def read_found(folder: RunFolder) -> Found:
    """Read the files of `evaluation/`.

    Raises:
        StoreError: One of them is damaged.
    """
    verdicts = _models(read_nouns(folder.evaluation / VERDICTS, Verdict))
    return Found(
        contexts=list(read_nouns(folder.contexts, HeldOutContext)),
        answers=_models(read_nouns(folder.evaluation / ANSWERS, Answer)),
        of_replies=[one for one in verdicts if one.protocol is Protocol.REPLY],
        of_sessions=[one for one in verdicts if one.protocol is Protocol.SESSION],
        played=_read(folder.evaluation / SESSIONS, PlayedSession),
        comparisons=_read(folder.evaluation / COMPARISONS, Comparison),
    )


def _models(found: Iterable[Judged]) -> list[Judged]:
    return [one for one in found if one.variant not in CONTROLS]


def _read(path: Path, kind: type[Read]) -> list[Read]:
    return list(read_nouns(path, kind)) if path.is_file() else []
