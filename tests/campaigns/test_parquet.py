from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
import pyarrow.parquet as pq
import pytest

from campaigns.parquet import export_parquet
from campaigns.run import run_campaign
from domain.errors import ConfigError, StoreError
from domain.price import Price
from domain.progress import silent
from domain.runfolder import RunFolder
from engine.ledger.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from tests.campaigns.conftest import Stage


def test_sessions_and_calls_leave_as_parquet(stage: Stage, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run_campaign(stage.settings(3), folder, silent)
    price = Price(prompt=1, cached=0.1, completion=4)
    done = export_parquet(folder, tmp_path / "out", {"client": price})
    assert (done.sessions, done.calls) == (3, sum(stage.asked.values()))
    sessions = pq.read_table(done.sessions_file).to_pylist()
    kept = [orjson.loads(line) for line in folder.sessions.read_bytes().splitlines()]
    assert [one["session"] for one in sessions] == [one["id"] for one in kept]
    for shown, session in zip(sessions, kept, strict=True):
        assert shown["status"] == session["status"]
        assert len(shown["critiques"]) == len(session["drafts"])
        best = session["drafts"][session["best"]]
        assert [turn["text"] for turn in shown["turns"]] == [one["text"] for one in best["turns"]]
        assert shown["score"] == best["critique"]["score"]
    calls = pq.read_table(done.calls_file).to_pylist()
    for call in calls:
        assert sha256(call["request"].encode()).hexdigest() == call["request_sha256"]
        assert (call["cost_usd"] is None) == (call["role"] != "client")
    assert {(call["epoch"], call["worker"]) for call in calls} == {(1, 1)}
    assert sorted(call["number"] for call in calls) == list(range(1, len(calls) + 1))
    first = min(calls, key=lambda one: (one["session"] != kept[0]["id"], one["draft"], one["step"]))
    assert first["answer"] in orjson.dumps(kept[0]).decode()


@pytest.mark.parametrize("reported", [True, False])
def test_calls_have_the_tokens_that_the_spend_counts(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reported: bool
) -> None:
    """An endpoint without usage left zeros beside what they had cost."""
    monkeypatch.setattr(stage.endpoint, "reports_usage", reported)
    folder = RunFolder(tmp_path / "run")
    run_campaign(stage.settings(3), folder, silent)
    price = Price(prompt=1, cached=0.1, completion=4)
    prices = dict.fromkeys(("client", "therapist", "supervisor"), price)
    calls = pq.read_table(export_parquet(folder, tmp_path / "out", prices).calls_file).to_pylist()
    assert {call["tokens_estimated"] for call in calls} == {not reported}
    spent = Store(folder.ledger).spent(prices)
    assert sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls) == spent.tokens
    for call in calls:
        paid = call["prompt_tokens"] * 1e-6 + call["completion_tokens"] * 4e-6
        assert call["cost_usd"] == pytest.approx(paid)


def test_an_export_that_cannot_be_written_says_so(stage: Stage, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    run_campaign(stage.settings(1), folder, silent)
    (tmp_path / "taken").write_text("kept")
    with pytest.raises(StoreError, match="the export cannot be written") as raised:
        export_parquet(folder, tmp_path / "taken", {})
    assert raised.value.mend == "Give another folder with --to."
    assert (tmp_path / "taken").read_text() == "kept"


def test_no_campaign_no_export(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no campaign"):
        export_parquet(RunFolder(tmp_path), tmp_path / "out", {})
