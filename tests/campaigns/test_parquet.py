from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

import orjson
import pyarrow.parquet as pq
import pytest

from campaigns.parquet import export_parquet
from campaigns.run import run_campaign
from domain.errors import ConfigError
from domain.price import Price
from domain.progress import silent
from domain.runfolder import RunFolder

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
    first = min(calls, key=lambda one: (one["session"] != kept[0]["id"], one["draft"], one["step"]))
    assert first["answer"] in orjson.dumps(kept[0]).decode()


def test_no_campaign_no_export(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no campaign"):
        export_parquet(RunFolder(tmp_path), tmp_path / "out", {})
