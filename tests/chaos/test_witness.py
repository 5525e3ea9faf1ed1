"""The harness can fail: what it must notice, it notices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from benchmarks.chaos.report import Report, Witness
from benchmarks.chaos.stage import Trial
from domain.runfolder import RunFolder
from engine.ledger.store import Store

if TYPE_CHECKING:
    from pathlib import Path

Asked = tuple[int, str]


def trial(folder: Path, *asked: Asked, sessions: bytes = b"export") -> Trial:
    """A run whose endpoint was asked, in the lives given; it is exported and has no ledger."""
    run = RunFolder(folder / "run")
    run.synthetic.parent.mkdir(parents=True)
    run.sessions.write_bytes(sessions)
    run.synthetic.write_bytes(b"")
    account = folder / "run.jsonl"
    lines = [
        {"event": event, "life": life, "call": call, "body": "b"}
        for life, call in asked
        for event in ("received", "answered")
    ]
    account.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return Trial("run", folder / "run.yaml", run, "http://nowhere", account)


def judge(run: Trial) -> Report:
    witness = Witness(run, Report("invented"), reference=b"export\0")
    witness.at_end()
    return witness.report


def test_a_call_in_flight_may_be_asked_again(tmp_path: Path) -> None:
    report = judge(trial(tmp_path, (1, "s/0/0/0"), (1, "s/0/1/0"), (2, "s/0/1/0")))
    assert report.held, report.problems
    assert (report.asked_twice, report.in_flight_at_kill) == (1, 1)


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (((1, "s/0/0/0"), (1, "s/0/1/0"), (2, "s/0/0/0")), "asked again after"),
        (((1, "s/0/0/0"), (1, "s/0/0/0")), "asked twice by one process"),
    ],
)
def test_what_was_recorded_may_not(tmp_path: Path, asked: tuple[Asked, ...], problem: str) -> None:
    report = judge(trial(tmp_path, *asked))
    assert not report.held
    assert problem in report.problems[0]


def test_another_export_is_noticed(tmp_path: Path) -> None:
    assert not judge(trial(tmp_path, sessions=b"exporT")).same_bytes


def test_a_lost_session_is_noticed(tmp_path: Path) -> None:
    witness = Witness(trial(tmp_path), Report("invented"), b"export\0", {"s": b"result"})
    assert Store(witness.trial.folder.ledger).results() == {}
    witness.at_end()
    assert witness.report.lost == 1
    assert not witness.report.held
