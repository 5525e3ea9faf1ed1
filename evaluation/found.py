"""What an evaluation has left in a run's folder, read once: answers, verdicts, sessions, pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from corpus.files import read_nouns
from corpus.manifest import file_hash
from domain.base import Noun
from domain.comparison import Comparison
from domain.errors import EvaluationError
from domain.played import PlayedSession
from domain.record import HeldOutContext
from domain.verdict import Answer, Protocol, Verdict
from evaluation.summary import ANSWERS, COMPARISONS, CONTROLS, SESSIONS, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from domain.runfolder import RunFolder
    from evaluation.summary import EvaluationSummary

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


def read_found(folder: RunFolder, summary: EvaluationSummary) -> Found:
    """Read the files of `evaluation/`, and see that they are what was summed up.

    Raises:
        EvaluationError: Verdicts or comparisons are missing, or the scenarios are other ones.
        StoreError: A file is damaged.
    """
    path = folder.evaluation / VERDICTS
    if summary.verdicts_hash and path.is_file() and file_hash(path) != summary.verdicts_hash:
        raise _changed(folder, path, "those that the summary was made of", "others, or not all")
    verdicts = _models(read_nouns(path, Verdict))
    found = Found(
        contexts=list(read_nouns(folder.contexts, HeldOutContext)),
        answers=_models(read_nouns(folder.evaluation / ANSWERS, Answer)),
        of_replies=[one for one in verdicts if one.protocol is Protocol.REPLY],
        of_sessions=[one for one in verdicts if one.protocol is Protocol.SESSION],
        played=_read(folder.evaluation / SESSIONS, PlayedSession),
        comparisons=_read(folder.evaluation / COMPARISONS, Comparison),
    )
    _require_whole(folder, summary, found)
    return found


def _require_whole(folder: RunFolder, summary: EvaluationSummary, found: Found) -> None:
    """Refuse what the summary's numbers do not come from."""
    counted = (
        (VERDICTS, "verdicts on the models' replies", summary.verdicts, len(found.of_replies)),
        (COMPARISONS, "comparisons", summary.comparisons, len(found.comparisons)),
    )
    for name, what, expected, got in counted:
        if got != expected:
            path = folder.evaluation / name
            there = f"{got:,}" if path.is_file() else "no such file"
            raise _changed(folder, path, f"{expected:,} {what}, as in the summary", there)
    judged = {one.scenario_id for one in found.of_replies}
    judged |= {one.scenario_id for one in found.comparisons}
    if gone := judged - {one.id for one in found.contexts}:
        raise _changed(
            folder,
            folder.contexts,
            f"the {len(judged):,} scenarios that were judged",
            f"{len(gone):,} of them are not there"
            + ("" if folder.contexts.is_file() else ": no such file"),
        )


def _changed(folder: RunFolder, path: Path, expected: str, got: str) -> EvaluationError:
    return EvaluationError(
        "this is not what the evaluation was summed up from",
        where=str(path),
        expected=expected,
        got=got,
        mend=f'evaluate again: rehearsal evaluate "{folder.root}"; what was judged is not asked '
        "for twice",
    )


def _models(found: Iterable[Judged]) -> list[Judged]:
    return [one for one in found if one.variant not in CONTROLS]


def _read(path: Path, kind: type[Read]) -> list[Read]:
    return list(read_nouns(path, kind)) if path.is_file() else []
