"""What an evaluation found is read whole, as it was summed up, or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from corpus.files import write_nouns, write_text
from corpus.manifest import file_hash
from domain.comparison import Comparison
from domain.errors import EvaluationError
from domain.record import HeldOutContext
from evaluation.report import write_report
from tests.evaluation.invented_run import make_run, summed_up

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from domain.runfolder import RunFolder


def _without_verdicts(folder: RunFolder) -> None:
    (folder.evaluation / "verdicts.jsonl").unlink()


def _cut(folder: RunFolder) -> None:
    path = folder.evaluation / "verdicts.jsonl"
    write_text(path, "".join(path.read_text().splitlines(keepends=True)[:20]))


def _exchanged(folder: RunFolder) -> None:
    """Other verdicts, as many as there were."""
    path = folder.evaluation / "verdicts.jsonl"
    summed_up(folder, verdicts_hash=file_hash(path))
    lines = path.read_text().splitlines(keepends=True)
    write_text(path, "".join([*lines[:-1], lines[0]]))


def _without_scenarios(folder: RunFolder) -> None:
    folder.contexts.unlink()


def _other_scenarios(folder: RunFolder) -> None:
    """Another blend holds out others, and the judge has compared replies on those before."""
    path = folder.contexts
    gone = path.read_text().splitlines(keepends=True)
    pair = Comparison(
        scenario_id=HeldOutContext.model_validate_json(gone[0]).id, criterion="empathy",
        one="base", other="real", judge="judge", forward="real", backward="real",
    )  # fmt: skip
    write_nouns(folder.evaluation / "pairwise.jsonl", [pair])
    summed_up(folder, comparisons=1)
    write_text(path, "".join(gone[1:]))


def _without_comparisons(folder: RunFolder) -> None:
    summed_up(folder, comparisons=12)


@pytest.mark.parametrize(
    ("harm", "where"),
    [
        (_without_verdicts, "verdicts.jsonl"),
        (_cut, "verdicts.jsonl"),
        (_exchanged, "verdicts.jsonl"),
        (_without_scenarios, "contexts.jsonl"),
        (_other_scenarios, "contexts.jsonl"),
        (_without_comparisons, "pairwise.jsonl"),
    ],
)
def test_what_was_not_summed_up_is_not_reported(
    tmp_path: Path, harm: Callable[[RunFolder], None], where: str
) -> None:
    settings, folder = make_run(tmp_path / "run", scenarios=6)
    harm(folder)
    with pytest.raises(EvaluationError, match="not what the evaluation was summed up") as raised:
        write_report(settings, folder)
    assert raised.value.where.endswith(where)
    assert f'rehearsal evaluate "{folder.root}"' in raised.value.mend
    assert not folder.report.exists()
